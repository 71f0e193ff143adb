"""The picture of a sweep: how near every combination came to the hard margin, a mark a seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from marginscope.reports.figures import axes_of, plain_text, set_names, style_axes
from marginscope.reports.palette import INKS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Sweep", "draw_sweep"]

_WIDTH, _ROW, _REST = 700.0, 22.0, 70.0
# more combinations are no picture; the table has them all
_MOST_ROWS = 40
_AXES = ("data", "loss", "optimizer", "step_size")


class Sweep(Protocol):
    """What a sweep has to say of itself."""

    @property
    def rows(self) -> Sequence[dict[str, Any]]: ...
    def to_dict(self) -> dict[str, Any]: ...


def draw_sweep(result: Sweep, ax: Axes | None = None) -> Figure:
    """Draw the direction error of every cell, or its loss where no data are separable, a row a combination."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    varied = [key for key in _AXES if len({row[key] for row in result.rows}) > 1] or ["optimizer"]
    for row in result.rows:
        by_name.setdefault("  ".join(str(row[key]) for key in varied), []).append(row)
    names = list(by_name)[:_MOST_ROWS]
    key, title = "direction_error", "distance to the max-margin direction at the last step"
    if all(row.get(key) is None for row in result.rows):
        key, title = "final_loss", "summed loss at the last step"
    figure, ax = axes_of(ax, _WIDTH, _REST + _ROW * len(names))
    style_axes(ax)
    for place, name in enumerate(names):
        values = [row[key] for row in by_name[name] if (row.get(key) or 0.0) > 0.0]
        ax.plot(values, [place] * len(values), "o", color=INKS["accent"], markersize=5, alpha=0.6)
    set_names(ax, names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    if any((row.get(key) or 0.0) > 0.0 for row in result.rows):
        ax.set_xscale("log")
    ax.set_title(title, loc="left", **plain_text(fontsize=9.5))
    return figure
