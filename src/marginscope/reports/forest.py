"""The remedy ledger as a forest plot: lift of each targeted class with its interval."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from marginscope.remedies.ledger import Change, RemedyLedger, RemedyTrial
from marginscope.reports.figures import axes_of, plain_text, set_names, style_axes
from marginscope.reports.numbers import as_change
from marginscope.reports.palette import INKS
from marginscope.reports.text import as_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ForestLine", "ForestRow", "ForestTable", "draw_forest", "forest_table"]

MOST_TARGETS = 6
MOST_TRIALS = 40
BAR_WIDTH = 220.0
PAD = 8.0


@dataclass(frozen=True)
class ForestLine:
    """One class under one remedy; places are in units of the bar."""

    label: str
    change: Change | None
    low: float = 0.0
    middle: float = 0.0
    high: float = 0.0
    is_lift: bool = False
    is_loss: bool = False


@dataclass(frozen=True)
class ForestRow:
    """One remedy that was tried."""

    trial: RemedyTrial
    lines: tuple[ForestLine, ...]
    is_winner: bool


@dataclass(frozen=True)
class ForestTable:
    """The table beside which the bars stand; ``ticks`` are (place, text)."""

    rows: tuple[ForestRow, ...]
    zero: float
    ticks: tuple[tuple[float, str], ...]
    targets_left_out: int
    trials_left_out: int
    silent: tuple[tuple[tuple[str, ...], str], ...]
    failed: tuple[tuple[tuple[str, ...], str], ...]
    limited: tuple[tuple[tuple[str, ...], str], ...] = ()

    @property
    def has_corrections(self) -> bool:
        """Whether some costs are shown again after prior correction."""
        return any(row.trial.log_loss_corrected is not None for row in self.rows)

    @property
    def says_what_moves(self) -> bool:
        """Whether the remedies say what they can move."""
        return any(row.trial.changes for row in self.rows)

    @property
    def has_one_target(self) -> bool:
        """Whether naming the class on each line can be left out."""
        return all(len(row.lines) <= 1 for row in self.rows)


def forest_table(ledger: RemedyLedger) -> ForestTable:
    """Lay out the trials: the winner first, then by their largest certain lift."""
    targets = ledger.targets[:MOST_TARGETS]
    tried = _ranked(ledger)
    shown = tried[:MOST_TRIALS]
    low, high = _range(shown, targets)

    def place(value: float) -> float:
        return round(PAD + (BAR_WIDTH - 2 * PAD) * (min(max(value, low), high) - low) / (high - low), 1)

    rows = tuple(
        ForestRow(trial, tuple(_line(trial, label, place) for label in targets), trial.slug == ledger.winner)
        for trial in shown
    )
    return ForestTable(
        rows,
        place(0.0),
        tuple((place(tick), as_change(tick)) for tick in _ticks(low, high)),
        len(ledger.targets) - len(targets),
        len(tried) - len(shown),
        tuple((slugs, reason) for slugs, outcome, reason in ledger.refusals if outcome == "could_not_act"),
        tuple((slugs, reason) for slugs, outcome, reason in ledger.refusals if outcome != "could_not_act"),
        ledger.caveats,
    )


def _ranked(ledger: RemedyLedger) -> list[RemedyTrial]:
    def rank(trial: RemedyTrial) -> tuple[bool, float]:
        lower = [change.interval[0] for label in ledger.targets if (change := trial.change.get(label))]
        return trial.slug != ledger.winner, -max(lower, default=-math.inf)

    return sorted((trial for trial in ledger.trials if trial.outcome == "tried"), key=rank)


def _changes(trials: list[RemedyTrial], targets: tuple[str, ...]) -> Iterator[Change]:
    for trial in trials:
        yield from (change for label in targets if (change := trial.change.get(label)) is not None)


def _range(trials: list[RemedyTrial], targets: tuple[str, ...]) -> tuple[float, float]:
    """Return the common ends of the bars, zero inside, at least a fifth wide."""
    ends = [end for change in _changes(trials, targets) for end in (*change.interval, change.value)]
    finite = [end for end in ends if math.isfinite(end)]
    low, high = min([-0.05, *finite]), max([0.15, *finite])
    return math.floor(low * 20) / 20, math.ceil(high * 20) / 20


def _ticks(low: float, high: float) -> list[float]:
    step = next(step for step in (0.1, 0.2, 0.25, 0.5, 1.0) if (high - low) / step <= 6 or step == 1.0)
    return [float(tick) for tick in np.arange(math.ceil(low / step), math.floor(high / step) + 1) * step]


def _line(trial: RemedyTrial, label: str, place: object) -> ForestLine:
    change = trial.change.get(label)
    if change is None or not callable(place):
        return ForestLine(label, None)
    low, high = change.interval
    return ForestLine(label, change, place(low), place(change.value), place(high), low > 0, high < 0)


def draw_forest(ledger: RemedyLedger, ax: Axes | None = None) -> Figure:
    """Draw the forest plot with matplotlib and return its figure."""
    targets = ledger.targets[:MOST_TARGETS]
    lines = [(row.trial, line, row.is_winner) for row in forest_table(ledger).rows for line in row.lines]
    lines = [entry for entry in lines if entry[1].change is not None]
    figure, ax = axes_of(ax, 560, 90 + 24 * max(len(lines), 2))
    style_axes(ax)
    for place, (_, line, _) in enumerate(lines):
        change = line.change
        assert change is not None
        ink = INKS["accent"] if line.is_lift else INKS["unlearned"] if line.is_loss else INKS["soft"]
        ax.hlines(place, *change.interval, color=ink, linewidth=2.4, alpha=0.5)
        ax.plot([change.value], [place], "o" if line.is_lift else "s", color=ink, markersize=6)
    is_one = len(targets) == 1
    set_names(ax, [_name(trial, line.label, is_winner, is_one) for trial, line, is_winner in lines])
    ax.set_ylim(max(len(lines), 1) - 0.4, -0.6)
    ax.axvline(0.0, color=INKS["ink"], linewidth=1.1, linestyle=(0, (4, 3)))
    of = f" of {as_label(targets[0], 30)}" if is_one else ""
    ax.set_xlabel(f"change of recall{of}, paired 95 % interval", parse_math=False)
    if not lines:
        ax.annotate("no remedy was tried", (0.5, 0.5), xycoords="axes fraction", ha="center", **plain_text())
    return figure


def _name(trial: RemedyTrial, label: str, is_winner: bool, is_one: bool) -> str:
    name = as_label(trial.title, 34) if is_one else f"{as_label(trial.title, 26)}: {as_label(label, 18)}"
    return f"{name} (winner)" if is_winner else name
