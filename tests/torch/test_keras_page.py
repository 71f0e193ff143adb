"""The section on Keras in docs/networks.md is true to the program, and its code runs."""

import contextlib
import inspect
import io
import os
import re
from pathlib import Path

import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")
pytest.importorskip("keras")

from marginscope import KerasNetwork
from marginscope.torch import NetworkClassifier

TEXT = (Path(__file__).parents[2] / "docs" / "networks.md").read_text(encoding="utf-8").partition("\n## Keras\n")[2]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword")
def test_the_code_runs_and_prints_what_the_page_says():
    blocks = re.findall(r"```(python)?\n(.*?)```", TEXT, re.DOTALL)
    assert [kind for kind, _ in blocks] == ["python", ""] * 2
    scope: dict[str, object] = {}
    for (_, code), (_, expected) in zip(blocks[::2], blocks[1::2], strict=True):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, scope)
        assert re.sub(r"conv2d_\d+", "conv2d", printed.getvalue()) == expected


def test_parameters_that_both_have_have_one_name():
    sentence = re.search(r"so that remedies act alike: (.*?)\. ", TEXT, re.DOTALL)
    assert sentence is not None
    named = set(re.findall(r"`(\w+)`", sentence[1]))
    assert len(named) == 6
    for kind in (KerasNetwork, NetworkClassifier):
        assert named <= set(inspect.signature(kind).parameters)
