"""The picture of a trajectory: the bracket of the margin, the growth of the norm, the classes' shares."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from matplotlib.ticker import FuncFormatter, NullLocator
from numpy.typing import NDArray

from marginscope._display import norm_word
from marginscope.reports.figures import axes_of, axes_row, plain_text, style_axes
from marginscope.reports.numbers import as_number
from marginscope.reports.palette import INKS, series_line
from marginscope.reports.step_axes import fitting_step_axis
from marginscope.reports.text import as_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "Path",
    "draw_margin_path",
    "draw_norm_path",
    "draw_share_path",
    "draw_trajectory",
]

Floats = NDArray[np.float64]

MOST_CLASSES = 8
_WIDTH, _HEIGHT = 400.0, 300.0
_LOG10 = math.log(10.0)


class Path(Protocol):
    """What a trajectory has to say of itself."""

    @property
    def classes(self) -> NDArray[Any]: ...
    @property
    def n_runs(self) -> int: ...
    @property
    def norm(self) -> str: ...
    @property
    def log_steps(self) -> Floats: ...
    @property
    def margin(self) -> Floats: ...
    @property
    def bracket(self) -> Any: ...
    @property
    def norm_ratio(self) -> Floats: ...
    @property
    def norm_value(self) -> Floats: ...
    @property
    def limit(self) -> Any: ...
    @property
    def law(self) -> Any: ...
    @property
    def per_class(self) -> Any: ...
    def to_dict(self) -> dict[str, Any]: ...


def draw_trajectory(result: Path, ax: Axes | None = None) -> Figure:
    """Draw margin, norm and shares side by side; on given axes the margin alone."""
    if ax is not None:
        figure, ax = axes_of(ax, _WIDTH, _HEIGHT)
        _draw_margin(ax, result)
        return figure
    figure, (left, middle, right) = axes_row(3, 2.6 * _WIDTH, _HEIGHT)
    _draw_margin(left, result)
    _draw_norm(middle, result)
    _draw_shares(right, result)
    return figure


def draw_margin_path(result: Path) -> Figure:
    """Draw the certified bracket of the margin alone."""
    figure, ax = axes_of(None, 1.4 * _WIDTH, _HEIGHT)
    _draw_margin(ax, result)
    return figure


def draw_norm_path(result: Path) -> Figure:
    """Draw the growth of the norm alone, with what is forecast."""
    figure, ax = axes_of(None, 1.4 * _WIDTH, _HEIGHT)
    _draw_norm(ax, result)
    return figure


def draw_share_path(result: Path) -> Figure:
    """Draw every class's share of the gradient alone."""
    figure, ax = axes_of(None, 1.4 * _WIDTH, _HEIGHT)
    _draw_shares(ax, result)
    return figure


def _runs(result: Path, values: Floats) -> Floats:
    """Return (n_runs, n_records, ...) without the record of step 0, which has no place on a logarithmic axis."""
    by_run = values if result.n_runs > 1 else values[None]
    return np.asarray(by_run[:, np.isfinite(result.log_steps)])


def _log10_steps(result: Path) -> Floats:
    return result.log_steps[np.isfinite(result.log_steps)] / _LOG10


def _draw_margin(ax: Axes, result: Path) -> None:
    """Draw the normalised margin of every run, and the band up to what is proved to be above the largest."""
    style_axes(ax, grid="y")
    x = _log10_steps(result)
    lower, upper = _runs(result, result.bracket.lower), _runs(result, result.bracket.upper)
    for r in range(result.n_runs):
        ax.plot(x, lower[r], color=INKS["accent"], linewidth=1.6 if result.n_runs == 1 else 1.0,
                label="margin of W" if r == 0 else None)  # fmt: skip
    ends = np.fmax.reduce(lower, axis=0), np.fmin.reduce(upper, axis=0)
    ax.fill_between(
        x, *ends, where=np.isfinite(ends[0]), color=INKS["accent"], alpha=0.14, linewidth=0,
        label="proved to hold the largest margin",
    )  # fmt: skip
    best = result.limit.margin
    least = float(np.nanmin(lower, initial=0.0))
    if best > 0:
        ax.axhline(best, color=INKS["ink"], linewidth=0.9, linestyle="--", label="largest margin, solved")
        ax.set_ylim(max(least, -0.5 * best) * 1.05, 1.6 * best)
    else:
        ax.set_ylim(1.05 * least, max(-0.1 * least, 1e-9))
    fitting_step_axis(ax, x)
    ax.set_title(f"normalised margin, {norm_word(result.norm)} norm", loc="left", **plain_text(fontsize=9.5))
    ax.legend(fontsize=8, frameon=False, loc="best", labelcolor=INKS["ink"])


def _draw_norm(ax: Axes, result: Path) -> None:
    """Draw ||W|| over that of the max-margin solution, or ||W|| where there is none."""
    style_axes(ax, grid="y")
    x = _log10_steps(result)
    ratio = _runs(result, result.norm_ratio)
    has_limit = bool(np.isfinite(ratio).any())
    values = ratio if has_limit else _runs(result, result.norm_value)
    for r in range(result.n_runs):
        ax.plot(x, values[r], color=INKS["accent"], linewidth=1.6 if result.n_runs == 1 else 1.0,
                label="descent" if r == 0 else None)  # fmt: skip
    law = result.law
    late = x[:0] if law is None else x[x * _LOG10 > law.log_onset]
    if law is not None and has_limit and len(late):
        ax.plot(late, law.norm_ratio(log_steps=late * _LOG10), color=INKS["ink"], linewidth=0.9, linestyle="--",
                label="late-time law: log t + constant")  # fmt: skip
        ax.legend(fontsize=8, frameon=False, loc="upper left", labelcolor=INKS["ink"])
    ax.set_ylim(bottom=0.0, top=max(1e-9, 1.08 * float(np.nanmax(values, initial=0.0))))
    if fitting_step_axis(ax, x):
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: as_number(value)))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.set_ylim(bottom=float(np.nanmin(values[:, x >= 1.0], initial=1.0)))
    name = norm_word(result.norm)
    title = f"{name} norm of W over that of the hard margin" if has_limit else f"{name} norm of W"
    ax.set_title(title, loc="left", **plain_text(fontsize=9.5))


def _draw_shares(ax: Axes, result: Path) -> None:
    """Draw every class's share of the gradient of the first run."""
    style_axes(ax, grid="y")
    x = _log10_steps(result)
    shares = _runs(result, result.per_class.share)[0]
    # a path of no steps has no record that a logarithmic axis could show
    shown = np.argsort(-shares[-1] if len(shares) else np.zeros(len(result.classes)), kind="stable")[:MOST_CLASSES]
    for place, k in enumerate(sorted(shown.tolist())):
        ax.plot(x, shares[:, k], **series_line(place), linewidth=1.4, label=as_label(str(result.classes[k]), 14))
    ax.set_ylim(0.0, min(1.0, 1.25 * float(np.nanmax(shares[:, shown], initial=1e-9))))
    fitting_step_axis(ax, x)
    left = len(result.classes) - len(shown)
    more = f" ({left:,} smaller classes left out)" if left else ""
    ax.set_title(f"share of the gradient, by class{more}", loc="left", **plain_text(fontsize=9.5))
    legend = ax.legend(fontsize=8, frameon=False, loc="best", labelcolor=INKS["ink"])
    for text in legend.get_texts():
        text.set_parse_math(False)
