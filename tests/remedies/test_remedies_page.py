"""The page of the remedies is the program's own account of them."""

import runpy
from pathlib import Path

from marginscope.remedies import REMEDIES

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_as_it_would_be_written_now():
    """Written anew by python docs/make_remedies_page.py."""
    assert runpy.run_path(str(DOCS / "make_remedies_page.py"))["page"]() == (DOCS / "remedies.md").read_text("utf-8")


def test_every_remedy_is_on_the_page():
    text = (DOCS / "remedies.md").read_text("utf-8")
    assert all(f"`{one.slug}`" in text for one in REMEDIES)
