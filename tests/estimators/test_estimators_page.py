"""The code of docs/estimators.md runs and prints what the page says, and the page names what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import marginscope as ms

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "estimators.md").read_text(encoding="utf-8")


def test_every_block_prints_what_the_page_says(outputs_of_page):
    found = outputs_of_page(TEXT)
    assert len(found) == 7
    for printed, said in found:
        assert printed == said


@pytest.mark.parametrize("name", [name for name in ms.__all__ if name.endswith("Classifier")])
def test_every_classifier_has_a_row(name):
    assert f"| `{name}` |" in TEXT


def test_files_and_pages_exist():
    for path in re.findall(r"`(tests/[\w/.]+)`|\]\(([\w.]+\.md)", TEXT):
        assert (DOCS.parent / path[0] if path[0] else DOCS / path[1]).is_file(), path
