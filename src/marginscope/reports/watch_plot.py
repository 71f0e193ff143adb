"""Pictures of a watched training: loss, recall, share of the gradient, and who pulls against whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator
from numpy.typing import NDArray

from marginscope.reports.figures import axes_of, axes_row, plain_text, set_names, style_axes
from marginscope.reports.palette import INKS, series_line
from marginscope.reports.text import as_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "Conflicts",
    "Timeline",
    "Watched",
    "draw_conflict_end",
    "draw_conflict_path",
    "draw_conflicts",
    "draw_readings",
    "draw_timeline",
    "draw_watch",
    "leading_classes",
]

Floats = NDArray[np.float64]

# Lines that can be told apart; the other classes are thin and grey.
MOST_NAMED = 5
MOST_CELLS = 16
_WIDTH, _HEIGHT = 400.0, 300.0
# A dot a look: between them nothing was seen.
_LINE: dict[str, Any] = {"linewidth": 1.5, "marker": "o", "markersize": 2.5}
_READINGS = {
    "loss": "training loss, by class",
    "recall": "recall, by class",
    "share": "share of the gradient of the last layer, by class",
}


class Watched(Protocol):
    """What a watch has to say of itself."""

    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def steps(self) -> NDArray[np.int64]: ...
    @property
    def prior_entropy(self) -> float: ...
    @property
    def total_loss(self) -> Floats: ...
    @property
    def loss_name(self) -> str: ...
    @property
    def records(self) -> Sequence[Any]: ...
    @property
    def conflict(self) -> Any: ...
    def column(self, name: str) -> Floats: ...
    def learned_at(self) -> dict[str, int | None]: ...
    def to_dict(self) -> dict[str, Any]: ...


class Timeline(Protocol):
    """What one class of a watch has to say of itself."""

    @property
    def label(self) -> str: ...
    @property
    def steps(self) -> NDArray[np.int64]: ...
    @property
    def columns(self) -> Any: ...
    @property
    def rivals(self) -> tuple[str, ...]: ...
    @property
    def good_recall(self) -> float: ...
    def learned_at(self) -> int | None: ...
    def to_dict(self) -> dict[str, Any]: ...


class Conflicts(Protocol):
    """What the cosines of a watch have to say of themselves."""

    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def steps(self) -> NDArray[np.int64]: ...
    @property
    def values(self) -> Floats: ...
    @property
    def where(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...


def leading_classes(result: Watched) -> list[int]:
    """Return the classes that get a line of their own: those worst learned at the end, in the order of the classes."""
    recall, loss = result.column("recall")[-1], result.column("loss")[-1]
    worst = np.lexsort((-np.nan_to_num(loss, nan=np.inf), np.nan_to_num(recall, nan=2.0)))
    return sorted(int(k) for k in worst[:MOST_NAMED])


def draw_watch(result: Watched, ax: Axes | None = None) -> Figure:
    """Draw loss, recall and share of the gradient side by side; on given axes the loss alone."""
    if ax is not None:
        figure, ax = axes_of(ax, _WIDTH, _HEIGHT)
        _draw_reading(ax, result, "loss")
        _legend(ax)
        return figure
    figure, axes = axes_row(3, 2.9 * _WIDTH, _HEIGHT)
    for one, name in zip(axes, _READINGS, strict=True):
        _draw_reading(one, result, name)
    _legend(axes[-1], outside=True)  # the three have the same lines
    return figure


def draw_readings(result: Watched, name: str) -> Figure:
    """Draw one reading of all classes."""
    figure, ax = axes_of(None, 1.5 * _WIDTH, _HEIGHT)
    _draw_reading(ax, result, name)
    _legend(ax, outside=True)
    return figure


def _draw_reading(ax: Axes, result: Watched, name: str) -> None:
    style_axes(ax, grid="y")
    values, leading = result.column(name), leading_classes(result)
    x = _axis(ax, result.steps)
    rest = [k for k in range(len(result.classes)) if k not in leading]
    for k in rest:
        ax.plot(x, values[:, k], color=INKS["soft"], linewidth=0.7, alpha=0.6,
                label="other classes" if k == rest[0] else None)  # fmt: skip
    for place, k in enumerate(leading):
        ax.plot(x, values[:, k], **series_line(place), **_LINE, label=as_label(result.classes[k], 14))
    if name == "loss" and result.loss_name == "cross_entropy":
        ax.axhline(result.prior_entropy, color=INKS["ink"], linewidth=0.9, linestyle=(0, (2, 2)))
        ax.annotate("knows the shares only", (1.0, result.prior_entropy), xycoords=("axes fraction", "data"),
                    xytext=(0, 3), textcoords="offset points", ha="right", **plain_text(fontsize=8))  # fmt: skip
    if name == "recall":
        ax.set_ylim(-0.02, 1.02)
    else:
        ax.set_ylim(0.0, max(1e-9, 1.08 * float(np.nanmax(np.where(np.isfinite(values), values, np.nan), initial=0.0))))
    ax.set_title(_READINGS[name], loc="left", **plain_text(fontsize=9.5))


def draw_timeline(result: Timeline, ax: Axes | None = None) -> Figure:
    """Draw loss, recall with the area against the rival, and the gradient of one class; on given axes the recall."""
    if ax is not None:
        figure, ax = axes_of(ax, _WIDTH, _HEIGHT)
        _draw_learning(ax, result)
        return figure
    figure, (left, middle, right) = axes_row(3, 2.9 * _WIDTH, _HEIGHT)
    _draw_lines(left, result, {"loss": "loss"}, f"training loss of '{as_label(result.label, 20)}'")
    left.set_ylim(bottom=0.0)
    _draw_learning(middle, result)
    lines = {"share": "share of the gradient", "opposition": "cosine with the other classes"}
    _draw_lines(right, result, lines, "its gradient on the last layer")
    right.axhline(0.0, color=INKS["ink"], linewidth=0.7)
    right.set_ylim(-1.05, 1.05)
    return figure


def _draw_learning(ax: Axes, result: Timeline) -> None:
    rival = as_label(result.rivals[-1], 16)
    lines = {"recall": "recall", "area": f"area against '{rival}'"}
    _draw_lines(ax, result, lines, f"is '{as_label(result.label, 20)}' learned?")
    ax.axhline(result.good_recall, color=INKS["line"], linewidth=0.9)
    ax.set_ylim(-0.02, 1.02)
    learned = result.learned_at()
    if learned is not None:
        ax.axvline(np.log10(learned + 1.0), color=INKS["ink"], linewidth=0.8, linestyle=(0, (2, 2)))
        ax.text(np.log10(learned + 1.0), 0.02, f" learned: step {learned}", **plain_text(fontsize=8))


def _draw_lines(ax: Axes, result: Timeline, lines: dict[str, str], title: str) -> None:
    style_axes(ax, grid="y")
    x = _axis(ax, result.steps)
    for place, (name, words) in enumerate(lines.items()):
        ax.plot(x, result.columns[name], **series_line(place), **_LINE, label=words)
    ax.set_title(title, loc="left", **plain_text(fontsize=9.5))
    if len(lines) > 1:
        _legend(ax)


def draw_conflicts(result: Conflicts, ax: Axes | None = None) -> Figure:
    """Draw the cosines at the end, and those of the most opposed pairs over the steps; on given axes the cosines."""
    if ax is not None:
        figure, ax = axes_of(ax, _WIDTH, _WIDTH)
        _draw_cells(ax, result)
        return figure
    figure, (left, right) = axes_row(2, 2.2 * _WIDTH, 1.15 * _HEIGHT)
    _draw_cells(left, result)
    _draw_pairs(right, result)
    return figure


def draw_conflict_end(result: Conflicts) -> Figure:
    """Draw the cosines of the last look alone."""
    figure, ax = axes_of(None, 1.2 * _WIDTH, 1.2 * _HEIGHT)
    _draw_cells(ax, result)
    return figure


def draw_conflict_path(result: Conflicts) -> Figure:
    """Draw the most opposed pairs over the steps alone."""
    figure, ax = axes_of(None, 1.5 * _WIDTH, _HEIGHT)
    _draw_pairs(ax, result)
    return figure


def _draw_cells(ax: Axes, result: Conflicts) -> None:
    last = result.values[-1]
    K = len(result.classes)
    kept = list(range(K))
    if K > MOST_CELLS:
        kept = sorted(np.argsort(np.nanmin(np.where(np.eye(K) > 0, np.inf, last), axis=1))[:MOST_CELLS].tolist())
    style_axes(ax, grid="x")
    ax.grid(visible=False)
    ax.spines["bottom"].set_visible(False)
    for row, a in enumerate(kept):
        for column, b in enumerate(kept):
            cosine = float(last[a, b])
            if not np.isfinite(cosine) or a == b:
                continue
            ink = INKS["accent"] if cosine > 0 else INKS["unlearned"]
            ax.add_patch(Rectangle((column - 0.47, row - 0.47), 0.94, 0.94, facecolor=ink,
                                   alpha=min(1.0, abs(cosine)), linewidth=0))  # fmt: skip
            if len(kept) <= 10 and abs(cosine) >= 0.05:
                ax.text(column, row, f"{cosine:+.1f}".replace("-", "\u2212"), ha="center", va="center",
                        **plain_text(fontsize=7))  # fmt: skip
    names = [as_label(result.classes[k], 12) for k in kept]
    set_names(ax, names, size=8)
    ax.set_xticks(range(len(kept)))
    ax.set_xticklabels(names, rotation=90, fontsize=8, color=INKS["ink"], parse_math=False)
    ax.tick_params(axis="x", length=0)
    ax.set_xlim(-0.5, len(kept) - 0.5)
    ax.set_ylim(len(kept) - 0.5, -0.5)
    ax.set_aspect("equal")
    more = f" ({K - len(kept):,} less opposed classes left out)" if len(kept) < K else ""
    ax.set_title(f"cosine of class gradients on {result.where}, step {result.steps[-1]:,}{more}", loc="left",
                 **plain_text(fontsize=9.5))  # fmt: skip


def _draw_pairs(ax: Axes, result: Conflicts) -> None:
    style_axes(ax, grid="y")
    x = _axis(ax, result.steps)
    first, second = np.triu_indices(len(result.classes), 1)
    last = result.values[-1][first, second]
    for place, at in enumerate(np.argsort(np.where(np.isfinite(last), last, np.inf))[:MOST_NAMED]):
        a, b = int(first[at]), int(second[at])
        words = f"{as_label(result.classes[a], 12)} and {as_label(result.classes[b], 12)}"
        ax.plot(x, result.values[:, a, b], **series_line(place), **_LINE, label=words)
    ax.axhline(0.0, color=INKS["ink"], linewidth=0.7)
    ax.set_ylim(-1.05, 1.05)
    ax.set_title("cosine of the pairs that end most opposed", loc="left", **plain_text(fontsize=9.5))
    _legend(ax)


def _axis(ax: Axes, steps: NDArray[np.int64]) -> Floats:
    """Mark steps on an axis that is logarithmic in step + 1, so that step 0 has its place."""
    x = np.log10(steps + 1.0)
    top = float(x.max(initial=0.0))
    marks = [0, *(step for step in (1, 10, 100, 1000, 10**4, 10**5, 10**6, 10**7) if np.log10(step + 1.0) <= top)]
    ax.xaxis.set_major_locator(FixedLocator([float(np.log10(step + 1.0)) for step in marks]))
    ax.set_xticks([float(np.log10(step + 1.0)) for step in marks], [f"{step:,}".replace(",", " ") for step in marks])
    ax.set_xlim(-0.02 * max(top, 0.1), max(top, 1e-9) * 1.02)
    ax.set_xlabel("step")
    return np.asarray(x)


def _legend(ax: Axes, *, outside: bool = False) -> None:
    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)} if outside else {"loc": "best"}
    legend = ax.legend(fontsize=8, frameon=False, labelcolor=INKS["ink"], **place)
    for text in legend.get_texts():
        text.set_parse_math(False)
