"""A forecast as a page, as a notebook cell, and as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marginscope.reports.environment import render_fragment, render_page
from marginscope.reports.late_law_plot import Law, draw_approach, draw_law
from marginscope.reports.svg import as_inline_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figure", "fragment", "page"]


def figure(result: Law, ax: Axes | None = None) -> Figure:
    """Draw the growth of the norm, and how direction and margin near their limits."""
    return draw_law(result, ax)


def page(result: Law) -> str:
    """Return one HTML page that holds everything and fetches nothing."""
    return render_page(
        "late_law.html.j2",
        result.to_dict(),
        **_view(result),
    )


def fragment(result: Law) -> str:
    """Return the cell of a notebook."""
    return render_fragment("late_law_fragment.html.j2", **_view(result))


def _view(result: Law) -> dict[str, Any]:
    headline, *lines = str(result).splitlines()
    columns = result.to_dict()["decades"]
    names = tuple(columns)
    return {
        "headline": headline,
        "lines": lines,
        "picture": as_inline_svg(draw_approach(result), "Distance of direction and margin to their limits, over steps"),
        "decades": [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)],
    }
