"""A diagnosis as one self-contained page, as a notebook cell, and as a figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marginscope.diagnosis.result import Diagnosis
from marginscope.findings import Finding
from marginscope.reports.class_card import Picture, class_card, fix_command, picture_of
from marginscope.reports.confusion_table import confusion_table
from marginscope.reports.environment import render_fragment, render_page
from marginscope.reports.forest import forest_table
from marginscope.reports.heat_map import heat_map
from marginscope.reports.method import method_of, open_findings
from marginscope.reports.recall_chart import draw_recall
from marginscope.reports.verdict_table import VerdictRow, group_causes, tally, verdict_line, verdict_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figure", "fragment", "page"]

MOST_CARDS = 30
MOST_FINDINGS = 24
MOST_PICTURES = 12
FRAGMENT_CARDS = 12
FRAGMENT_PICTURES = 4


@dataclass(frozen=True)
class OpenFinding:
    """A finding that no card tells, with its first picture."""

    finding: Finding
    picture: Picture | None


def figure(result: Diagnosis, ax: Axes | None = None) -> Figure:
    """Draw the recall of every class with its interval, worst on top."""
    return draw_recall(result, ax)


def page(result: Diagnosis) -> str:
    """Return one HTML page that holds everything and fetches nothing."""
    carded = _carded(result, MOST_CARDS)
    findings = open_findings(result, [row.one.label for row in carded])
    return render_page(
        "diagnosis.html.j2",
        result.to_dict(),
        verdict_line=verdict_line(result.classes),
        tally=tally(result.classes),
        causes=group_causes(result, MOST_CARDS),
        diagnosis=result,
        table=verdict_table(result, MOST_CARDS),
        cards=[class_card(result, row) for row in carded],
        cards_left_out=len(result.not_learned) - len(carded),
        findings=[_open_finding(finding, number) for number, finding in enumerate(findings[:MOST_FINDINGS])],
        findings_left_out=max(0, len(findings) - MOST_FINDINGS),
        ledger=result.ledger,
        forest=None if result.ledger is None else forest_table(result.ledger),
        heat=heat_map(result),
        confusion=confusion_table(result),
        method=method_of(result),
        fix=fix_command(result),
    )


def fragment(result: Diagnosis) -> str:
    """Return the cell of a notebook: the classes worst first, each unfolding to its evidence."""
    carded = _carded(result, FRAGMENT_CARDS)
    drawn = {row.place for row in carded[:FRAGMENT_PICTURES]}
    return render_fragment(
        "diagnosis_fragment.html.j2",
        verdict_line=verdict_line(result.classes),
        tally=tally(result.classes),
        diagnosis=result,
        table=verdict_table(result, 0),
        cards=[class_card(result, row, draw=row.place in drawn) for row in carded],
        findings=[OpenFinding(finding, None) for finding in open_findings(result, [row.one.label for row in carded])],
        ledger=result.ledger,
        fix=fix_command(result),
    )


def _carded(result: Diagnosis, most: int) -> list[VerdictRow]:
    """Return the worst classes that are not healthy, at most so many."""
    rows = (VerdictRow(place, one, f"class-{place}") for place, one in enumerate(result.classes))
    return [row for row in rows if row.one.verdict.needs_cause][:most]


def _open_finding(finding: Finding, number: int) -> OpenFinding:
    panel = next(iter(finding.panels.values()), None) if number < MOST_PICTURES else None
    return OpenFinding(finding, picture_of(panel))
