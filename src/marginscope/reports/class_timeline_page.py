"""One class of a watched training as a page, as a notebook cell, and as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marginscope.reports.environment import render_fragment, render_page
from marginscope.reports.svg import as_inline_svg
from marginscope.reports.watch_plot import Timeline, draw_timeline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figure", "fragment", "page"]


def figure(result: Timeline, ax: Axes | None = None) -> Figure:
    """Draw loss, recall and gradient of the class over the steps."""
    return draw_timeline(result, ax)


def page(result: Timeline) -> str:
    """Return one HTML page that holds everything and fetches nothing."""
    return render_page("watch.html.j2", result.to_dict(), **_view(result))


def fragment(result: Timeline) -> str:
    """Return the cell of a notebook."""
    return render_fragment("watch_fragment.html.j2", **_view(result))


def _view(result: Timeline) -> dict[str, Any]:
    headline, *lines = str(result).splitlines()
    title = "The class over the steps"
    return {
        "headline": headline,
        "lines": lines,
        "pictures": [(title, as_inline_svg(draw_timeline(result), title))],
        "classes": [],
    }
