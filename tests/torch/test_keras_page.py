"""The section on Keras in docs/networks.md is true to the program, and its code runs."""

import inspect
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
def test_the_code_runs_and_prints_what_the_page_says(outputs_of_page):
    found = outputs_of_page(TEXT)
    assert len(found) == 2
    for printed, said in found:
        assert [re.sub(r"conv2d_\d+", "conv2d", line) for line in printed] == said


def test_parameters_that_both_have_have_one_name():
    sentence = re.search(r"so that remedies act alike: (.*?)\. ", TEXT, re.DOTALL)
    assert sentence is not None
    named = set(re.findall(r"`(\w+)`", sentence[1]))
    assert len(named) == 6
    for kind in (KerasNetwork, NetworkClassifier):
        assert named <= set(inspect.signature(kind).parameters)
