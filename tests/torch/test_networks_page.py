"""docs/networks.md is true to the program, and its code runs."""

import inspect
import re
from pathlib import Path

import pytest

from marginscope.torch import NetworkClassifier

# the section on Keras has a test of its own
TEXT = (Path(__file__).parents[2] / "docs" / "networks.md").read_text(encoding="utf-8").partition("\n## Keras\n")[0]


@pytest.mark.slow
def test_the_code_runs_and_prints_what_the_page_says(outputs_of_page):
    for printed, said in outputs_of_page(TEXT):
        assert printed == said


def test_the_page_names_parameters_that_exist():
    named = set(re.findall(r"`(\w+)=", TEXT)) - {"requires_grad"}
    assert named
    assert named <= set(inspect.signature(NetworkClassifier).parameters)
