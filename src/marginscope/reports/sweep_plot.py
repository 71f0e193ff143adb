"""The picture of a sweep: how near every combination came to the hard margin, a mark a seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from matplotlib.ticker import LogLocator, NullFormatter

from marginscope.reports.figures import axes_of, plain_text, set_names, style_axes
from marginscope.reports.numbers import as_number
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
    """Draw the direction error of every cell that has one, or all losses where none has, a row a combination."""
    key, title = "direction_error", "distance to the max-margin direction at the last step"
    if not any((row.get(key) or 0.0) > 0.0 for row in result.rows):
        key, title = "final_loss", "summed loss at the last step"
    varied = [name for name in _AXES if len({row[name] for row in result.rows}) > 1] or ["optimizer"]
    by_name: dict[str, list[float]] = {}
    for row in result.rows:
        value: float = row.get(key) or 0.0
        if value > 0.0:
            by_name.setdefault("  ".join(str(row[name]) for name in varied), []).append(value)
    names = list(by_name)[:_MOST_ROWS]
    figure, ax = axes_of(ax, _WIDTH, _REST + _ROW * len(names))
    style_axes(ax)
    for place, name in enumerate(names):
        ax.plot(by_name[name], [place] * len(by_name[name]), "o", color=INKS["accent"], markersize=5, alpha=0.6)
    set_names(ax, names)
    if names:
        ax.set_ylim(len(names) - 0.5, -0.5)
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        ax.xaxis.set_major_formatter(lambda value, place: as_number(value))
        ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_title(title, loc="left", **plain_text(fontsize=9.5))
    return figure
