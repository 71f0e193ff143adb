"""docs/torch.md is true to the program, and its code runs."""

import re
from pathlib import Path

import marginscope.torch as mt
from marginscope import losses

TEXT = (Path(__file__).parents[2] / "docs" / "torch.md").read_text(encoding="utf-8")


def test_the_code_runs_and_prints_what_the_page_says(outputs_of_page):
    for printed, said in outputs_of_page(TEXT):
        assert printed == said


def test_every_loss_has_a_row():
    first = [line.split("`")[1] for line in TEXT.splitlines() if line.startswith("| `") and 'mean"' not in line]
    assert {f"functional.{name}" for name in losses.names()} <= set(first)
    in_rows = set(re.findall(r"`(\w+Loss)`", "\n".join(line for line in TEXT.splitlines() if line.startswith("| `"))))
    assert in_rows == {name for name in mt.__all__ if name.endswith("Loss")} - {"TemplateLoss", "ClassCountLoss"}


def test_the_page_names_only_what_exists():
    for name in re.findall(r"`functional\.(\w+)", TEXT):
        assert name in mt.functional.__all__
    for name in re.findall(r"`(\w+(?:Loss|Head))\(", TEXT):
        assert name in mt.__all__
