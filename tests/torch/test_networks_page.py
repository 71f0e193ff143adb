"""docs/networks.md is true to the program, and its code runs."""

import contextlib
import inspect
import io
import re
from pathlib import Path

import pytest

from marginscope.torch import NetworkClassifier

# the section on Keras has a test of its own
TEXT = (Path(__file__).parents[2] / "docs" / "networks.md").read_text(encoding="utf-8").partition("\n## Keras\n")[0]


@pytest.mark.slow
def test_the_code_runs_and_prints_what_the_page_says():
    blocks = re.findall(r"```(python)?\n(.*?)```", TEXT, re.DOTALL)
    assert [kind for kind, _ in blocks] == ["python", ""] * (len(blocks) // 2)
    scope: dict[str, object] = {}
    for (_, code), (_, expected) in zip(blocks[::2], blocks[1::2], strict=True):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, scope)
        assert printed.getvalue() == expected


def test_the_page_names_parameters_that_exist():
    named = set(re.findall(r"`(\w+)=", TEXT)) - {"requires_grad"}
    assert named
    assert named <= set(inspect.signature(NetworkClassifier).parameters)
