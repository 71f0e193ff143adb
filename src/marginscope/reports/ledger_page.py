"""A remedy ledger as one self-contained page, as a notebook cell, and as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginscope.remedies.ledger import RemedyLedger
from marginscope.reports.environment import render_fragment, render_page
from marginscope.reports.forest import draw_forest, forest_table
from marginscope.reports.method import origin_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figure", "fragment", "page"]


def figure(result: RemedyLedger, ax: Axes | None = None) -> Figure:
    """Draw the lift of each targeted class under each remedy, with its interval."""
    return draw_forest(result, ax)


def page(result: RemedyLedger) -> str:
    """Return one HTML page that holds everything and fetches nothing."""
    return render_page(
        "ledger.html.j2",
        result.to_dict(),
        ledger=result,
        forest=forest_table(result),
        origin=origin_of(result.provenance),
    )


def fragment(result: RemedyLedger) -> str:
    """Return the cell of a notebook: the forest table, and what could not act."""
    return render_fragment(
        "ledger_fragment.html.j2",
        ledger=result,
        forest=forest_table(result),
    )
