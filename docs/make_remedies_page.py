"""Write the table of docs/remedies.md from the program itself: python docs/make_remedies_page.py."""

from __future__ import annotations

from pathlib import Path

from marginscope.remedies import REMEDIES
from marginscope.remedies.changes import FAMILIES, LIMIT, OPTIMUM, PATH
from marginscope.remedies.recipe import Remedy
from marginscope.remedies.shares import TrainsUnderOtherShares

PAGE = Path(__file__).with_name("remedies.md")
START, END = "<!-- remedies: written by docs/make_remedies_page.py -->\n", "<!-- end of remedies -->"


def page() -> str:
    """Return the page with its table renewed; what stands around it is written by hand."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(START)
    return f"{before}{START}{table()}{END}{rest.split(END)[1]}"


def table() -> str:
    """Return one row per remedy, those that turn the same thing together."""
    head = ("remedy", "what it does", "path", "optimum", "limit", "prior correction", "fits", "made for")
    rows = [head, tuple("---" for _ in head)]
    rows += [row(one) for family in FAMILIES for one in REMEDIES if one.family == family]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def row(one: Remedy) -> tuple[str, ...]:
    """Return the cells of a remedy."""
    moves = (yes(PATH in one.changes), yes(OPTIMUM in one.changes), yes(LIMIT in one.changes))
    corrected = "yes" if isinstance(one, TrainsUnderOtherShares) else ""
    return (f"`{one.slug}`", one.title, *moves, corrected, str(one.fits), ", ".join(sorted(one.acts_on)))


def yes(value: bool) -> str:
    """Return yes or no."""
    return "yes" if value else "no"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
