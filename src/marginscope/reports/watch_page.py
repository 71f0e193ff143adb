"""A watched training as a page, as a notebook cell, and as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marginscope.reports.environment import render_fragment, render_page
from marginscope.reports.svg import as_inline_svg
from marginscope.reports.watch_plot import Watched, draw_conflict_end, draw_readings, draw_watch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figure", "fragment", "page"]

_TITLES = {
    "loss": "The loss of every class",
    "recall": "The recall of every class",
    "share": "The classes' shares of the gradient",
}


def figure(result: Watched, ax: Axes | None = None) -> Figure:
    """Draw loss, recall and share of the gradient of the classes over the steps."""
    return draw_watch(result, ax)


def page(result: Watched) -> str:
    """Return one HTML page that holds everything and fetches nothing."""
    return render_page("watch.html.j2", result.to_dict(), **_view(result))


def fragment(result: Watched) -> str:
    """Return the cell of a notebook."""
    return render_fragment("watch_fragment.html.j2", **_view(result))


def _view(result: Watched) -> dict[str, Any]:
    headline, *lines = str(result).splitlines()
    if not result.records:
        return {"headline": headline, "lines": lines, "pictures": [], "classes": []}
    pictures = [
        (title, as_inline_svg(draw_readings(result, name), f"{title}, over the steps"))
        for name, title in _TITLES.items()
    ]
    title = "Who pulls against whom at the end"
    pictures.append((title, as_inline_svg(draw_conflict_end(result.conflict), title)))
    return {"headline": headline, "lines": lines, "pictures": pictures, "classes": _classes(result)}


def _classes(result: Watched) -> list[dict[str, Any]]:
    """Return the last look by class, worst learned first."""
    last, learned = result.records[-1], result.learned_at()
    names = ("loss", "information", "recall", "area", "share", "opposition")
    rows = [
        {
            "label": name,
            "learned_at": learned[name],
            "rival": result.classes[int(last.classes.rival[k])],
            **{key: float(getattr(last.classes, key)[k]) for key in names},
        }
        for k, name in enumerate(result.classes)
    ]
    return sorted(rows, key=lambda row: row["recall"] if row["recall"] == row["recall"] else -1.0)
