"""The verdict line and the table of classes, worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from marginscope.diagnosis.result import Diagnosis
from marginscope.findings import ClassDiagnosis, Verdict

__all__ = ["CauseGroup", "VerdictRow", "VerdictTable", "group_causes", "tally", "verdict_line", "verdict_table"]

MOST_ROWS = 200
HEALTHY_IN_SIGHT = 5
NAMES_OF_A_CAUSE = 4


@dataclass(frozen=True)
class VerdictRow:
    """One class of the table; ``anchor`` is the card it leads to, if one was drawn."""

    place: int
    one: ClassDiagnosis
    anchor: str | None


@dataclass(frozen=True)
class VerdictTable:
    """Rows in sight, healthy rows to be folded, and how many of each were left out."""

    rows: tuple[VerdictRow, ...]
    folded: tuple[VerdictRow, ...]
    rows_left_out: int
    folded_left_out: int


@dataclass(frozen=True)
class CauseGroup:
    """A first cause and the classes that have it."""

    slug: str
    members: tuple[VerdictRow, ...]
    n_more: int


def verdict_line(classes: Sequence[ClassDiagnosis]) -> str:
    """Return the outcome as one sentence."""
    count = Counter(one.verdict for one in classes)
    total = len(classes)
    if not total:
        return "No class was judged."
    if count[Verdict.HEALTHY] == total:
        return f"All {total:,} classes are learned."
    parts = [
        (count[Verdict.UNLEARNED] + count[Verdict.ABSENT], "not learned"),
        (count[Verdict.WEAK], "weak"),
        (count[Verdict.UNDECIDED], "undecided"),
    ]
    said: list[str] = []
    for number, word in parts:
        if number:
            of = f" of {total:,} {'class' if total == 1 else 'classes'}" if not said else ""
            said.append(f"{number:,}{of} {'is' if number == 1 else 'are'} {word}")
    return (said[0] if len(said) == 1 else ", ".join(said[:-1]) + " and " + said[-1]) + "."


def tally(classes: Sequence[ClassDiagnosis]) -> list[tuple[Verdict, int]]:
    """Return the verdicts that occur, with their numbers, worst first."""
    count = Counter(one.verdict for one in classes)
    order = (Verdict.UNLEARNED, Verdict.ABSENT, Verdict.WEAK, Verdict.UNDECIDED, Verdict.HEALTHY)
    return [(verdict, count[verdict]) for verdict in order if count[verdict]]


def verdict_table(diagnosis: Diagnosis, n_cards: int) -> VerdictTable:
    """Lay out the classes; the first ``n_cards`` that are not healthy have a card to link to."""
    rows = _rows(diagnosis, n_cards)
    healthy = [row for row in rows if row.one.verdict is Verdict.HEALTHY]
    others = [row for row in rows if row.one.verdict is not Verdict.HEALTHY]
    if len(healthy) <= HEALTHY_IN_SIGHT or (not others and len(healthy) <= 4 * HEALTHY_IN_SIGHT):
        others, healthy = others + healthy, []
    return VerdictTable(
        tuple(others[:MOST_ROWS]),
        tuple(healthy[:MOST_ROWS]),
        max(0, len(others) - MOST_ROWS),
        max(0, len(healthy) - MOST_ROWS),
    )


def group_causes(diagnosis: Diagnosis, n_cards: int) -> tuple[CauseGroup, ...]:
    """Return the first causes in order of appearance, each with the classes that have it."""
    groups: dict[str, list[VerdictRow]] = {}
    for row in _rows(diagnosis, n_cards):
        if row.one.cause is not None and row.one.verdict.needs_cause:
            groups.setdefault(row.one.cause, []).append(row)
    return tuple(
        CauseGroup(slug, tuple(members[:NAMES_OF_A_CAUSE]), max(0, len(members) - NAMES_OF_A_CAUSE))
        for slug, members in groups.items()
    )


def _rows(diagnosis: Diagnosis, n_cards: int) -> list[VerdictRow]:
    rows, cards = [], 0
    for place, one in enumerate(diagnosis.classes):
        anchor = None
        if one.verdict.needs_cause and cards < n_cards:
            anchor, cards = f"class-{place}", cards + 1
        rows.append(VerdictRow(place, one, anchor))
    return rows
