"""The cosines of class gradients as a page, as a notebook cell, and as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marginscope.reports.environment import render_fragment, render_page
from marginscope.reports.svg import as_inline_svg
from marginscope.reports.watch_plot import Conflicts, draw_conflict_end, draw_conflict_path, draw_conflicts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figure", "fragment", "page"]


def figure(result: Conflicts, ax: Axes | None = None) -> Figure:
    """Draw the cosines at the end, and the most opposed pairs over the steps."""
    return draw_conflicts(result, ax)


def page(result: Conflicts) -> str:
    """Return one HTML page that holds everything and fetches nothing."""
    return render_page("watch.html.j2", result.to_dict(), **_view(result))


def fragment(result: Conflicts) -> str:
    """Return the cell of a notebook."""
    return render_fragment("watch_fragment.html.j2", **_view(result))


def _view(result: Conflicts) -> dict[str, Any]:
    headline, *lines = str(result).splitlines()
    drawn = (
        ("Who pulls against whom at the end", draw_conflict_end),
        ("The most opposed pairs over the steps", draw_conflict_path),
    )
    pictures = [(title, as_inline_svg(draw(result), title)) for title, draw in drawn]
    return {"headline": headline, "lines": lines, "pictures": pictures, "classes": []}
