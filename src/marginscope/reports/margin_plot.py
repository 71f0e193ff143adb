"""The picture of a margin: which class pairs hold it, and which rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from marginscope.reports.figures import axes_of, axes_row, plain_text, set_names, style_axes
from marginscope.reports.numbers import as_count, as_number
from marginscope.reports.palette import INKS
from marginscope.reports.text import as_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Margin", "SupportRow", "draw_margin", "draw_support", "support_rows"]

MOST_CLASSES = 40
MOST_WRITTEN = 12
_ROW = 24.0
_ACTIVE = 1.0 + 1e-6


class ClassPair(Protocol):
    """One class against one rival."""

    @property
    def own(self) -> Any: ...
    @property
    def rival(self) -> Any: ...
    @property
    def smallest_margin(self) -> float: ...
    @property
    def n_support(self) -> int: ...
    @property
    def dual_mass(self) -> float: ...


class Margin(Protocol):
    """What a margin solution has to say of itself."""

    @property
    def classes(self) -> NDArray[Any]: ...
    @property
    def pairs(self) -> tuple[ClassPair, ...]: ...
    @property
    def dual_weights(self) -> Any: ...
    @property
    def support_pairs(self) -> NDArray[np.int64]: ...
    @property
    def per_class(self) -> NDArray[np.float64]: ...
    @property
    def own_codes(self) -> NDArray[np.intp]: ...
    @property
    def class_margins(self) -> NDArray[np.float64] | None: ...
    def to_dict(self) -> dict[str, Any]: ...


class SupportRow:
    """A row that holds the margin: its place in the table, its share of the force, its rivals."""

    def __init__(self, row: int, share: float, rivals: tuple[str, ...]) -> None:
        self.row, self.share, self.rivals = row, share, rivals


def support_rows(result: Margin) -> list[SupportRow]:
    """Return the rows with positive multipliers, the heaviest first; the force of a row is its sum of beta m."""
    weights = result.dual_weights
    totals = np.asarray(weights.sum(axis=1)).ravel()
    if result.class_margins is not None:
        totals = totals * result.class_margins[result.own_codes]
    everything = float(totals.sum()) or 1.0
    rows = np.flatnonzero(totals > 0)
    labels = [str(label) for label in result.classes]
    return [
        SupportRow(int(i), float(totals[i]) / everything, tuple(labels[k] for k in weights[[i]].nonzero()[1]))
        for i in rows[np.argsort(-totals[rows], kind="stable")]
    ]


def draw_margin(result: Margin, ax: Axes | None = None) -> Figure:
    """Draw the smallest margin of every class against every rival, and beside it the support rows.

    On given axes the first is drawn alone.
    """
    shown = min(len(result.classes), MOST_CLASSES)
    height = 96 + _ROW * max(shown, 3)
    if ax is not None:
        figure, ax = axes_of(ax, 380, height)
        _draw_pairs(ax, result, shown)
        return figure
    figure, (left, right) = axes_row(2, 840, height)
    _draw_pairs(left, result, shown)
    _draw_support(right, result, shown)
    right.set_title("rows that hold the margin, by class", loc="left", **plain_text(fontsize=9.5))
    return figure


def draw_support(result: Margin) -> Figure:
    """Draw the multipliers of the support rows, a line for each class."""
    shown = min(len(result.classes), MOST_CLASSES)
    figure, ax = axes_of(None, 560, 72 + _ROW * max(shown, 3))
    _draw_support(ax, result, shown)
    return figure


def _draw_pairs(ax: Axes, result: Margin, shown: int) -> None:
    """Draw a matrix of smallest margins in units of the largest margin, dark where they are 1."""
    place = {label: k for k, label in enumerate(result.classes.tolist()[:shown])}
    style_axes(ax)
    ax.grid(visible=False)
    for one in result.pairs:
        a, b = place.get(one.own), place.get(one.rival)
        if a is None or b is None or not np.isfinite(one.smallest_margin):
            continue
        strength = 0.08 + 0.72 / max(one.smallest_margin, 1.0) ** 2
        ax.fill([b - 0.46, b + 0.46, b + 0.46, b - 0.46], [a - 0.46, a - 0.46, a + 0.46, a + 0.46],
                color=INKS["accent"], alpha=strength, linewidth=0)  # fmt: skip
        if shown <= MOST_WRITTEN:
            ink = "paper" if strength > 0.5 else "ink"
            number = "1" if one.smallest_margin < _ACTIVE else as_number(one.smallest_margin)
            ax.annotate(number, (b, a), ha="center", va="center", **plain_text(color=INKS[ink], fontsize=8.5))
    names = [as_label(label, 20) for label in place]
    set_names(ax, names)
    ax.set_xticks(range(shown))
    ax.set_xticklabels(names, rotation=90 if max(map(len, names)) > 3 else 0, parse_math=False)
    ax.set_xlim(-0.6, shown - 0.4)
    ax.set_ylim(shown - 0.4, -0.6)
    left = len(result.classes) - shown
    ax.set_xlabel("rival" + (f" ({as_count(left)} classes left out)" if left else ""))
    ax.set_title(
        "smallest margin of class against rival, 1 = the largest margin", loc="left", **plain_text(fontsize=9.5)
    )


def _draw_support(ax: Axes, result: Margin, shown: int) -> None:
    """Draw a dot for every row that holds the margin, at its share of the force, on the line of its class."""
    style_axes(ax)
    own = result.own_codes
    rows = support_rows(result)
    shares = np.array([one.share for one in rows])
    codes = np.array([own[one.row] for one in rows], dtype=int)
    for k in range(shown):
        mine = shares[codes == k]
        # spread so that equal shares are seen; the order is fixed, so the picture repeats
        lift = 0.26 * np.sin(2.4 * np.arange(mine.size))
        ax.plot(mine, k + lift, "o", color=INKS["accent"], markersize=4, alpha=0.6, markeredgewidth=0)
        share = float(result.per_class[k])
        said = f"{mine.size:,} row{'s' * (mine.size > 1)}, {share:.0%}" if mine.size else "none"
        ax.annotate(said, (1.01, k), xycoords=("axes fraction", "data"), va="center",
                    **plain_text(color=INKS["soft"], fontsize=8.5))  # fmt: skip
    set_names(ax, [as_label(label, 20) for label in result.classes.tolist()[:shown]])
    ax.set_ylim(shown - 0.4, -0.6)
    ax.set_xlim(left=0.0)
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.3g} %"))
    ax.set_xlabel("share of the force that one support row carries")
