"""The picture of a forecast: the growth of the norm, and how direction and margin near their limits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from marginscope.reports.figures import axes_of, axes_row, plain_text, style_axes
from marginscope.reports.palette import INKS
from marginscope.reports.step_axes import step_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Law", "draw_approach", "draw_law"]

Floats = NDArray[np.float64]

_WIDTH, _HEIGHT = 420.0, 300.0
_POINTS = 200
_LEAST_DECADES, _MOST_DECADES = 20.0, 100.0
_LOG10 = math.log(10.0)


class Law(Protocol):
    """What a forecast has to say of itself."""

    @property
    def log_onset(self) -> float: ...
    @property
    def log_settled(self) -> float: ...
    def norm_ratio(self, t: Any = None, *, log_steps: Any = None) -> Any: ...
    def direction_error(self, t: Any = None, *, log_steps: Any = None) -> Any: ...
    def margin_gap(self, t: Any = None, *, log_steps: Any = None) -> Any: ...
    def transient(self, t: Any = None, *, log_steps: Any = None) -> Any: ...
    def to_dict(self) -> dict[str, Any]: ...


def draw_law(result: Law, ax: Axes | None = None) -> Figure:
    """Draw the growth of the norm and the approach side by side; on given axes the approach alone."""
    if ax is not None:
        figure, ax = axes_of(ax, _WIDTH, _HEIGHT)
        _draw_approach(ax, result)
        return figure
    figure, (left, right) = axes_row(2, 2.0 * _WIDTH, _HEIGHT)
    _draw_norm(left, result)
    _draw_approach(right, result)
    return figure


def draw_approach(result: Law) -> Figure:
    """Draw the approach of direction and margin alone."""
    figure, ax = axes_of(None, 1.3 * _WIDTH, _HEIGHT)
    _draw_approach(ax, result)
    return figure


def _log_steps(result: Law) -> Floats:
    """Return natural logarithms of steps, from the onset to where the law has settled."""
    settled = 1.2 * result.log_settled / _LOG10
    last = max(_LEAST_DECADES, min(_MOST_DECADES, settled if math.isfinite(settled) else _MOST_DECADES))
    first = max(0.0, result.log_onset / _LOG10)
    return np.linspace(first, max(last, first + 10.0), _POINTS) * _LOG10


def _draw_norm(ax: Axes, result: Law) -> None:
    """Draw ||W|| over that of the hard margin."""
    style_axes(ax, grid="y")
    logs = _log_steps(result)
    ax.plot(logs / _LOG10, result.norm_ratio(log_steps=logs), color=INKS["accent"], linewidth=1.6)
    ax.set_ylim(bottom=0.0)
    step_axis(ax, logs / _LOG10)
    ax.set_title("Frobenius norm of W over that of the hard margin", loc="left", **plain_text(fontsize=9.5))


def _draw_approach(ax: Axes, result: Law) -> None:
    """Draw direction error, margin gap and what the law leaves out, on a logarithmic axis."""
    style_axes(ax, grid="y")
    logs = _log_steps(result)
    for values, ink, dashes, label in (
        (result.direction_error(log_steps=logs), "accent", "-", "direction error"),
        (result.margin_gap(log_steps=logs), "ink", "-", "margin gap"),
        (result.transient(log_steps=logs), "soft", "--", "left out: transients"),
    ):
        shown = np.where(values > 1e-12, values, np.nan)
        ax.plot(logs / _LOG10, shown, color=INKS[ink], linestyle=dashes, linewidth=1.4, label=label)
    ax.set_yscale("log")
    step_axis(ax, logs / _LOG10)
    ax.set_title("distance to the limit", loc="left", **plain_text(fontsize=9.5))
    ax.legend(fontsize=8, frameon=False, loc="best", labelcolor=INKS["ink"])
