"""A ledger of remedies as text: the best ones for every class, their costs by kind, and the outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from marginscope._display import signed
from marginscope.cli.output import make_visible, show_label
from marginscope.cli.table import paragraph

if TYPE_CHECKING:
    from marginscope.remedies.ledger import RemedyLedger, RemedyTrial

__all__ = ["ledger_lines"]

_MOST_TRIALS = 12
_MOST_OF_SEVERAL = 6
_MOST_TARGETS = 12
_INDENT = "    "


def ledger_lines(ledger: RemedyLedger, width: int) -> list[Text]:
    """Return what every remedy did, the outcome in words and the code to paste."""
    tried = _ranked(ledger)
    if not tried:
        # Tables that hold the present model alone would hide the one sentence that counts.
        return [*paragraph(ledger.sentence, width, style="bold"), Text(), *_reasons(ledger, width)][:-1]
    shown = tried[:_MOST_TRIALS]
    lines: list[Text] = []
    for label in ledger.targets[:_MOST_TARGETS]:
        lines += _target_table(ledger, shown, label)
    if (n_more := len(ledger.targets) - _MOST_TARGETS) > 0:
        what = "class" if n_more == 1 else "classes"
        lines += paragraph(f"... and {n_more:,} more {what} (all with --json)", width)
    lines += _cost_table(ledger, shown, width)
    lines += _left_out(tried[_MOST_TRIALS:], width)
    lines += _reasons(ledger, width)
    lines += paragraph(ledger.tally, width) if ledger.tally else []
    lines += paragraph(ledger.sentence, width, style="bold")
    if ledger.selection is not None and ledger.selection.sentence in ledger.notes:
        lines += paragraph(ledger.selection.sentence, width)
    if ledger.snippet:
        lines += [Text(), *(Text(_INDENT + make_visible(line)) for line in ledger.snippet.splitlines())]
    return lines


def _left_out(rest: Sequence[RemedyTrial], width: int) -> list[Text]:
    """Name what was tried but not shown, with the rule of ``_ranked`` in words."""
    if not rest:
        return []
    lifts, gains = ("lifts", "gains") if len(rest) == 1 else ("lift", "gain")
    said = f"... and {len(rest):,} more, which {lifts} fewer classes for sure or {gains} less (mean change of the "
    said += f"targets plus that of balanced recall): {', '.join(one.slug for one in rest)} (--json)"
    return [*paragraph(said, width), Text()]


def _ranked(ledger: RemedyLedger) -> list[RemedyTrial]:
    """Return what was tried: the winner, then by targets helped and by what targets and balance gain."""

    def rank(trial: RemedyTrial) -> tuple[bool, int, float]:
        lifts = [change.value for label in ledger.targets if (change := trial.change.get(label)) is not None]
        balanced = 0.0 if trial.balanced is None else trial.balanced.value
        return trial.slug != ledger.winner, -len(trial.helps), -balanced - sum(lifts) / max(1, len(ledger.targets))

    return sorted((one for one in ledger.trials if one.outcome == "tried"), key=rank)


def _reasons(ledger: RemedyLedger, width: int) -> list[Text]:
    """Return what could not act, what failed, and what cannot move the limit, with the reason of each group."""
    groups = [
        ("could not act", [(slugs, why) for slugs, how, why in ledger.refusals if how == "could_not_act"]),
        ("failed", [(slugs, why) for slugs, how, why in ledger.refusals if how == "failed"]),
        ("could act before the limit only", list(ledger.caveats)),
    ]
    lines: list[Text] = []
    for head, reasons in groups:
        if reasons:
            lines.append(Text(f"{head}:", style="bold"))
            for slugs, reason in reasons:
                lines += paragraph(reason, width, head=f"{', '.join(slugs)}: ", indent="  ")
            lines.append(Text())
    return lines


def _target_table(ledger: RemedyLedger, shown: Sequence[RemedyTrial], label: str) -> list[Text]:
    most = _MOST_TRIALS if len(ledger.targets) == 1 else _MOST_OF_SEVERAL
    by_lift = sorted(shown, key=lambda one: -_lift(one, label))
    kept = by_lift[:most]
    kept += [one for one in by_lift[most:] if one.slug == ledger.winner]
    base = ledger.base_recall.get(label)
    rows = [("  remedy", "recall", "change [95 % interval]")]
    rows.append(("  present model", "-" if base is None else f"{base:.2f}", ""))
    for one in kept:
        change, recall = one.change.get(label), one.recall.get(label)
        rows.append(
            (
                ("* " if one.slug == ledger.winner and label in one.helps else "  ") + one.slug,
                "-" if recall is None else f"{recall:.2f}",
                "-"
                if change is None
                else f"{signed(change.value)} [{signed(change.interval[0])}, {signed(change.interval[1])}]",
            )
        )
    return [Text(f"class {show_label(label)}", style="bold"), *_aligned(rows)]


def _cost_table(ledger: RemedyLedger, shown: Sequence[RemedyTrial], width: int) -> list[Text]:
    """What every remedy changes beside the classes it is meant for, under headings that say how far it reaches."""
    rows = [("  remedy", "balanced", "worst other", "log-loss", "time", "calibration")]
    families = list(dict.fromkeys(one.family for one in ledger.trials))
    groups = [(head, [one for one in group if one in shown]) for head, group in ledger.by_kind]
    groups = [(head, sorted(group, key=lambda one: families.index(one.family))) for head, group in groups if group]
    rows += [
        (
            ("* " if one.slug == ledger.winner else "  ") + one.slug,
            "-" if one.balanced is None else f"{signed(one.balanced.value)}",
            "-" if one.worst_other is None else f"{signed(one.worst_other[1])} {_cut(one.worst_other[0])}",
            _with_correction(one.log_loss, one.log_loss_corrected),
            f"{one.seconds:.1f} s",
            _with_correction(one.calibration, one.calibration_corrected),
        )
        for _, group in groups
        for one in group
    ]
    kept = _columns_that_fit(rows, width)
    lines = _aligned([tuple(row[column] for column in kept) for row in rows])
    place = 1
    for head, group in groups:
        if head:
            lines.insert(place, Text(set_cell_size(head, width).rstrip(), style="italic"))
        place += bool(head) + len(group)
    if any(one.log_loss_corrected is not None for one in shown):
        note = "in brackets: with the probabilities turned back to the class shares of the rows"
        lines[-1:] = [*paragraph(note, width, indent="  "), Text()]
    return [Text("what it changes besides", style="bold"), *lines]


def _with_correction(change: float | None, corrected: float | None) -> str:
    if change is None:
        return "-"
    return signed(change) if corrected is None else f"{signed(change)} ({signed(corrected)})"


def _columns_that_fit(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Drop the least telling columns from the right where the screen is narrow."""
    kept = list(range(len(rows[0])))
    while len(kept) > 1 and sum(max(cell_len(row[one]) for row in rows) + 2 for one in kept) - 2 > width:
        kept.pop()
    return kept


def _aligned(rows: Sequence[Sequence[str]]) -> list[Text]:
    """Return rows in columns, a blank line after them; the first is a heading, a star marks the winner."""
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for number, row in enumerate(rows):
        style = "bold" if number == 0 else "bold green" if row[0].startswith("*") else ""
        cells = [cell + " " * (wide - cell_len(cell)) for cell, wide in zip(row, widths, strict=True)]
        lines.append(Text("  ".join(cells).rstrip(), style=style))
    return [*lines, Text()]


def _cut(label: str, width: int = 14) -> str:
    """Return a name that is only a hint here; the sentence and --json have it whole."""
    shown = make_visible(label[: 4 * width])
    return shown if cell_len(shown) <= width else set_cell_size(shown, width - 2).rstrip() + ".."


def _lift(trial: RemedyTrial, label: str) -> float:
    change = trial.change.get(label)
    return float("-inf") if change is None else change.value
