"""The page of the watch runs, and names what there is."""

import re
from pathlib import Path

import pytest

import marginscope.torch as mt
from marginscope.torch.class_meter import ClassReadings

PAGE = (Path(__file__).parents[2] / "docs" / "watching.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def scope():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    found = {"print": lambda *_: None}
    exec(compile(code, "watching.md", "exec"), found)
    return found


def test_the_code_of_the_page_runs(scope):
    w = scope["w"]
    assert w.steps[-1] == 1500
    assert {one.slug for one in w.findings()} == set(re.findall(r"^- `([a-z-]+)`:", PAGE, re.MULTILINE))


def test_the_columns_of_the_page_are_those_that_are_read(scope):
    rows = re.findall(r"^\| (`[^|]+) \|", PAGE, re.MULTILINE)
    named = set(re.findall(r"`(\w+)`", " ".join(rows)))
    assert named == {*ClassReadings._fields, "reach"}
    assert named - {"conflict"} <= set(scope["w"].frame().columns)


def test_every_name_of_the_page_is_there(scope):
    for name in set(re.findall(r"\bw\.(\w+)", PAGE)):
        assert hasattr(mt.Watch, name)
    assert {"watch", "is_looking"} <= set(mt.__all__)
