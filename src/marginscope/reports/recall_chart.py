"""Recall of every class with its interval, worst on top, coloured and shaped by verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginscope.diagnosis.result import Diagnosis
from marginscope.findings import ClassDiagnosis, Verdict
from marginscope.reports.figures import axes_of, plain_text, set_names, style_axes
from marginscope.reports.numbers import as_count
from marginscope.reports.palette import INKS, VERDICT_LOOKS
from marginscope.reports.text import as_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_recall"]

MOST_ROWS = 60


def draw_recall(diagnosis: Diagnosis, ax: Axes | None = None) -> Figure:
    """Draw the recall of the classes with matplotlib and return the figure."""
    shown = diagnosis.classes[:MOST_ROWS]
    figure, ax = axes_of(ax, 560, 96 + 22 * max(len(shown), 2))
    style_axes(ax)
    for place, one in enumerate(shown):
        _draw_class(ax, place, one)
    set_names(ax, [as_label(one.label, 30) for one in shown])
    ax.set_ylim(max(len(shown), 1) - 0.4, -0.6)
    ax.set_xlim(-0.03, 1.03)
    left = len(diagnosis.classes) - len(shown)
    more = f"; the {as_count(len(shown))} worst of {as_count(len(diagnosis.classes))} classes" if left else ""
    ax.set_xlabel(f"recall, 95 % interval{more}\n{diagnosis.recall_note}".strip())
    _draw_key(ax, shown)
    return figure


def _draw_class(ax: Axes, place: int, one: ClassDiagnosis) -> None:
    look = VERDICT_LOOKS[one.verdict]
    ink = INKS[look.ink]
    if one.recall_interval is not None:
        ax.hlines(place, *one.recall_interval, color=ink, linewidth=4, alpha=0.3)
    if one.recall is None:
        ax.annotate("no recall", (0.0, place), va="center", **plain_text(color=ink, fontsize=9))
        return
    face = ink if look.is_filled else "white"
    ax.plot([one.recall], [place], look.marker, color=ink, markerfacecolor=face, markersize=7, markeredgewidth=1.4)


def _draw_key(ax: Axes, shown: tuple[ClassDiagnosis, ...]) -> None:
    present = [verdict for verdict in Verdict if any(one.verdict is verdict for one in shown)]
    for verdict in present:
        look = VERDICT_LOOKS[verdict]
        face = INKS[look.ink] if look.is_filled else "white"
        ax.plot([], [], look.marker, color=INKS[look.ink], markerfacecolor=face, linestyle="none", label=look.word)
    if present:
        ax.legend(
            frameon=False, fontsize=9.5, labelcolor=INKS["ink"], loc="lower center", bbox_to_anchor=(0.5, 1.0),
            ncols=len(present), handletextpad=0.3, columnspacing=1.4,
        )  # fmt: skip
