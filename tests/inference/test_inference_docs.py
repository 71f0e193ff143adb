"""The code of docs/inference.md runs and prints what the page says."""

from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "inference.md"


def test_every_block_prints_what_the_page_says(outputs_of_page):
    found = outputs_of_page(PAGE.read_text(encoding="utf-8"))
    assert len(found) == 10
    for printed, said in found:
        assert printed == said
