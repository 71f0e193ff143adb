"""The picture of class coefficients: a panel per class, a row per feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from marginscope.reports.figures import axes_of, axes_row, plain_text, set_names, style_axes
from marginscope.reports.palette import INKS, SERIES
from marginscope.reports.text import as_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["MOST_CLASSES", "MOST_FEATURES", "ClassPoints", "draw_coefficients"]

Floats = NDArray[np.float64]

MOST_CLASSES = 6
MOST_FEATURES = 25
_PANEL, _NAMES, _ROW, _REST = 165.0, 130.0, 21.0, 80.0
_MARKERS = ("o", "s", "^", "D", "v", "P")


@dataclass(frozen=True)
class ClassPoints:
    """What is drawn: (n_classes, n_features) values and ends of intervals.

    ``weight`` orders features and classes: those of the largest are shown.
    """

    labels: tuple[str, ...]
    names: tuple[str, ...]
    values: Floats
    intervals: Floats | None
    weight: Floats
    axis: str


def draw_coefficients(points: ClassPoints, ax: Axes | None = None) -> Figure:
    """Draw a panel per class; on given axes all classes side by side in each row."""
    weight = np.nan_to_num(points.weight)
    features = np.sort(np.argsort(-weight.max(axis=0, initial=0.0), kind="stable")[:MOST_FEATURES])
    classes = np.sort(np.argsort(-weight.max(axis=1, initial=0.0), kind="stable")[:MOST_CLASSES])
    if len(points.labels) <= MOST_CLASSES:
        classes = np.arange(len(points.labels))
    if ax is not None:
        return _draw_together(points, classes, features, ax)
    width = _NAMES + _PANEL * len(classes)
    figure, panels = axes_row(len(classes), width, _REST + _ROW * max(len(features), 2))
    limits = _limits(points, classes, features)
    for panel, k in zip(panels, classes, strict=True):
        _draw_panel(panel, points, int(k), features)
        panel.set_xlim(limits)
        panel.set_title(as_label(points.labels[k], 24), loc="left", **plain_text(fontsize=10))
        _rows(panel, points, features, with_names=panel is panels[0])
    left_out = len(points.names) - len(features), len(points.labels) - len(classes)
    figure.supxlabel(points.axis + _left_out(*left_out), fontsize=9.5, color=INKS["soft"], parse_math=False)
    return figure


def _draw_panel(ax: Axes, points: ClassPoints, k: int, features: NDArray[np.intp]) -> None:
    for row, j in enumerate(features):
        value = points.values[k, j]
        ends = None if points.intervals is None else points.intervals[k, j]
        if np.isfinite(value):
            is_clear = ends is None or ends[0] > 0.0 or ends[1] < 0.0
            _draw_point(ax, row, value, ends, "accent" if is_clear else "soft", "o")


def _draw_point(ax: Axes, row: float, value: float, ends: Any, ink: str, marker: str) -> None:
    if ends is not None:
        ax.hlines(row, ends[0], ends[1], color=INKS[ink], linewidth=2.2, alpha=0.5)
    ax.plot([value], [row], marker, color=INKS[ink], markersize=5)


def _draw_together(points: ClassPoints, classes: NDArray[np.intp], features: NDArray[np.intp], ax: Axes) -> Figure:
    figure, ax = axes_of(ax, 0, 0)
    n = len(classes)
    for place, k in enumerate(classes):
        ink, marker = SERIES[place % len(SERIES)], _MARKERS[place % len(_MARKERS)]
        for row, j in enumerate(features):
            if np.isfinite(points.values[k, j]):
                ends = None if points.intervals is None else points.intervals[k, j]
                _draw_point(ax, row + 0.7 * ((place + 0.5) / n - 0.5), points.values[k, j], ends, ink, marker)
        ax.plot([], [], marker, color=INKS[ink], label=as_label(points.labels[k], 24))
    _rows(ax, points, features, with_names=True)
    legend = ax.legend(fontsize=8, frameon=False, loc="best", labelcolor=INKS["ink"])
    for text in legend.get_texts():
        text.set_parse_math(False)
    left_out = len(points.names) - len(features), len(points.labels) - n
    ax.set_xlabel(points.axis + _left_out(*left_out), parse_math=False)
    return figure


def _rows(ax: Axes, points: ClassPoints, features: NDArray[np.intp], *, with_names: bool) -> None:
    style_axes(ax)
    names = [as_label(points.names[j], 32) for j in features]
    set_names(ax, names if with_names else [""] * len(names))
    ax.set_ylim(len(features) - 0.4, -0.6)
    ax.axvline(0.0, color=INKS["ink"], linewidth=1.0, linestyle=(0, (4, 3)))
    ax.locator_params(axis="x", nbins=4)


def _limits(points: ClassPoints, classes: NDArray[np.intp], features: NDArray[np.intp]) -> tuple[float, float]:
    """Return common ends, with zero inside."""
    shown = points.values if points.intervals is None else points.intervals
    values = shown[np.ix_(classes, features)]
    values = values[np.isfinite(values)]
    low, high = min(0.0, values.min(initial=0.0)), max(0.0, values.max(initial=0.0))
    room = 0.06 * (high - low or 1.0)
    return low - room, high + room


def _left_out(n_features: int, n_classes: int) -> str:
    parts = [f"{n_features:,} more features"] if n_features > 0 else []
    parts += [f"{n_classes:,} more classes"] if n_classes > 0 else []
    return f" ({' and '.join(parts)} in .frame())" if parts else ""
