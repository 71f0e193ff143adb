"""A sweep as a page, as a notebook cell, and as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marginscope.reports.environment import render_fragment, render_page
from marginscope.reports.svg import as_inline_svg
from marginscope.reports.sweep_plot import Sweep, draw_sweep

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figure", "fragment", "page"]

# rows of a notebook cell; a page has all
_MOST_ROWS = 20


def figure(result: Sweep, ax: Axes | None = None) -> Figure:
    """Draw how near every combination came to the hard margin."""
    return draw_sweep(result, ax)


def page(result: Sweep) -> str:
    """Return one HTML page that holds everything and fetches nothing."""
    return render_page("sweep.html.j2", result.to_dict(), **_view(result, len(result.rows)))


def fragment(result: Sweep) -> str:
    """Return the cell of a notebook."""
    return render_fragment("sweep_fragment.html.j2", **_view(result, _MOST_ROWS))


def _view(result: Sweep, most_rows: int) -> dict[str, Any]:
    headline, *lines = str(result).splitlines()
    return {
        "headline": headline,
        "lines": lines,
        "picture": as_inline_svg(draw_sweep(result), "How near every combination came to the hard margin"),
        "rows": result.to_dict()["rows"][:most_rows],
        "n_more": max(0, len(result.rows) - most_rows),
    }
