"""A remedy ledger as one self-contained page, as a notebook cell, and as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginscope.remedies.ledger import RemedyLedger
from marginscope.reports.environment import content_policy, render, static_text
from marginscope.reports.forest import draw_forest, forest_table
from marginscope.reports.json_island import as_island
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
    style, script = static_text("components.css", "page.css"), static_text("page.js")
    return render(
        "ledger.html.j2",
        style=style,
        script=script,
        policy=content_policy(style, script),
        ledger=result,
        forest=forest_table(result),
        origin=origin_of(result.provenance),
        island=as_island(result.to_dict()),
    )


def fragment(result: RemedyLedger) -> str:
    """Return the cell of a notebook: the forest table, and what could not act."""
    return render(
        "ledger_fragment.html.j2",
        style=static_text("components.css", "fragment.css"),
        ledger=result,
        forest=forest_table(result),
    )
