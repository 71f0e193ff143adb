"""Results as text for a terminal or a pipe, wrapped to its width."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Sequence, Set
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from marginscope.cli.output import make_visible, show_label, show_labels
from marginscope.findings import ClassDiagnosis, Finding, Status, Verdict
from marginscope.reports.numbers import THIN, as_share

if TYPE_CHECKING:
    from marginscope.diagnosis.result import Diagnosis

__all__ = ["command_lines", "diagnosis_lines", "first_cause", "paragraph"]

_MOST_FINDINGS = 12
_MOST_HEALTHY = 5
_MOST_NAMED = 4
_STYLES = {
    Verdict.HEALTHY: "green",
    Verdict.WEAK: "yellow",
    Verdict.UNLEARNED: "bold red",
    Verdict.ABSENT: "bold red",
    Verdict.UNDECIDED: "cyan",
}
_INDENT = "    "
_LONGEST_PARAMETER = 40
# About the labels or the fit: worth reading whatever the cause of a recall is.
_NEVER_LOST = ("label-map", "infinite-parameters", "weights-vanish", "non-identifiable")


def diagnosis_lines(diagnosis: Diagnosis, width: int, *, with_unchecked: bool = True) -> list[Text]:
    """Return the table of classes, the notes worth reading and what was not checked."""
    sick = [one for one in diagnosis.classes if one.verdict is not Verdict.HEALTHY]
    notes = _notes(diagnosis)
    most_sick = max(_MOST_FINDINGS - len(notes), _MOST_FINDINGS // 2)
    shown = sick[:most_sick] + _healthy_worth_a_line(diagnosis)
    lines = _heading(diagnosis, width)
    lines += _class_table(shown, width)
    lines += _folded(diagnosis, sick[most_sick:], shown, width)
    told = notes[: _MOST_FINDINGS - min(len(sick), most_sick)]
    tail: list[Text] = []
    for finding in told:
        tail += paragraph(finding.sentence, width, head=f"{finding.slug}: ", style=_note_style(finding))
    tail += _also_found(diagnosis, {*(one.slug for one in told), *(one.cause for one in shown)}, width)
    if with_unchecked:
        tail += _not_checked(diagnosis, width)
    return [*lines, Text(), *tail] if tail else lines


def _heading(diagnosis: Diagnosis, width: int) -> list[Text]:
    data = diagnosis.data
    name = f"{make_visible(str(data.file))}: " if data.file else ""
    model = diagnosis.model.kind + _parameters(diagnosis)
    features = _count(data.features, "feature", "features") if data.features else "no features"
    sentence = f"{name}{data.rows:,} rows, {features}, {data.n_classes:,} classes"
    if data.test_rows is not None:
        sentence += f"; test: {make_visible(str(data.test_file))}, {_count(data.test_rows, 'row', 'rows')}"
    sentence += f"; model: {model}"
    return [*paragraph(sentence, width), Text()]


def _parameters(diagnosis: Diagnosis) -> str:
    """Return the short parameters of the user's model; those of a reference are nobody's choice."""
    if diagnosis.model.kind.startswith("reference"):
        return ""
    shown = [f"{key.removeprefix('model__')}={value}" for key, value in diagnosis.model.params.items()]
    kept = [one for one in shown if not one.startswith("prepare__") and len(one) <= _LONGEST_PARAMETER]
    return f" ({', '.join(kept[:6])})" if kept else ""


def _class_table(classes: Sequence[ClassDiagnosis], width: int) -> list[Text]:
    numbers = [("rows", "share", "recall", "verdict", "cause")]
    numbers += [
        (
            f"{one.rows:,}",
            as_share(one.share).replace(THIN, " "),
            _recall(one),
            str(one.verdict),
            one.cause or ("" if one.verdict.needs_cause else one.reason),
        )
        for one in classes
    ]
    widths = [max(cell_len(row[column]) for row in numbers) for column in range(len(numbers[0]))]
    # The names take what the numbers leave.
    room = max(12, min(24, width - sum(widths) - 2 * len(widths)))
    names = ["class", *show_labels([one.label for one in classes], room)]
    widths = [max(map(cell_len, names)), *widths]
    lines = [_row((names[0], *numbers[0]), widths, "bold")]
    told: dict[str, str] = {}
    for name, row, one in zip(names[1:], numbers[1:], classes, strict=True):
        lines.append(_row((name, *row), widths, _STYLES[one.verdict]))
        if not one.verdict.needs_cause or not one.reason:
            continue
        if one.reason not in told:
            lines += paragraph(one.reason, width, indent=_INDENT)
        elif not one.cause:
            # The column of causes is empty here: without a word the class would look forgotten.
            lines += paragraph(f"as for '{told[one.reason]}'", width, indent=_INDENT)
        told.setdefault(one.reason, name)
    return lines


def _row(cells: Sequence[str], widths: Sequence[int], style: str) -> Text:
    line = Text()
    for column, (cell, wide) in enumerate(zip(cells, widths, strict=True)):
        gap = " " * (wide - cell_len(cell))
        is_number = column in (1, 2)
        is_coloured = style == "bold" or column in (0, 4)
        line.append(gap + cell if is_number else cell + gap, style=style if is_coloured else "")
        line.append("  ")
    line.rstrip()
    return line


def _recall(one: ClassDiagnosis) -> str:
    if one.recall is None:
        return "-"
    if one.recall_interval is None:
        return f"{one.recall:.2f}"
    return f"{one.recall:.2f} [{one.recall_interval[0]:.2f}, {one.recall_interval[1]:.2f}]"


def _healthy_worth_a_line(diagnosis: Diagnosis) -> list[ClassDiagnosis]:
    """All healthy classes if they are few, else only the rare ones, which others would flag."""
    healthy = [one for one in diagnosis.classes if one.verdict is Verdict.HEALTHY]
    if len(healthy) <= _MOST_HEALTHY:
        return healthy
    rare = [one for one in healthy if one.share * len(diagnosis.classes) < 0.5]
    return rare[: _MOST_HEALTHY - 2]


def _folded(
    diagnosis: Diagnosis, sick: Sequence[ClassDiagnosis], shown: Sequence[ClassDiagnosis], width: int
) -> list[Text]:
    lines: list[Text] = []
    if sick:
        names = ", ".join(show_label(one.label) for one in sick[:8]) + (", ..." if len(sick) > 8 else "")
        lines += paragraph(
            f"... and {_count(len(sick), 'more class', 'more classes')} not healthy: {names} (all with --json or -o)",
            width,
        )
    rest = [one for one in diagnosis.classes if one.verdict is Verdict.HEALTHY and one not in shown]
    if rest:
        recalls = [one.recall for one in rest if one.recall is not None]
        span = f" (recall {min(recalls):.2f} to {max(recalls):.2f})" if recalls else ""
        lines += paragraph(f"... and {_count(len(rest), 'healthy class', 'healthy classes')}{span}", width)
    return lines


def _notes(diagnosis: Diagnosis) -> list[Finding]:
    """Return the findings that are no cause, and did not merely lose against one: labels, fit, loose ends."""
    causes = {one.cause for one in diagnosis.classes}
    explained = {one.label for one in diagnosis.classes if one.cause}
    return [
        finding
        for finding in sorted(diagnosis.findings, key=lambda one: one.status is not Status.ISSUE)
        if finding.status in (Status.ISSUE, Status.TIP)
        and finding.slug not in causes
        and (finding.slug in _NEVER_LOST or not finding.classes or not explained.issuperset(finding.classes))
    ]


def _also_found(diagnosis: Diagnosis, told: Set[str | None], width: int) -> list[Text]:
    """Name the issues and tips that stand nowhere above: --fail-on goes by them as by the others."""
    named = [
        finding.slug + (f" ({_quoted(finding.classes)})" if finding.classes else "")
        for finding in diagnosis.findings
        if finding.status in (Status.ISSUE, Status.TIP) and finding.slug not in told
    ]
    return paragraph(", ".join(named), width, head="also found: ") if named else []


def _quoted(labels: Sequence[str]) -> str:
    names = ", ".join(f"'{show_label(label)}'" for label in labels[:_MOST_NAMED])
    return names + (f" and {len(labels) - _MOST_NAMED:,} more" if len(labels) > _MOST_NAMED else "")


def _note_style(finding: Finding) -> str:
    return "bold yellow" if finding.status is Status.ISSUE else "bold"


def _not_checked(diagnosis: Diagnosis, width: int) -> list[Text]:
    """Name what errored or was skipped; only count what had nothing to say about this model and data."""
    lines: list[Text] = []
    for head, reason in diagnosis.not_run:
        lines += paragraph(reason, width, head=f"{head}: ")
    silent = sum(one.status is Status.NOT_APPLICABLE for one in diagnosis.findings)
    if silent:
        does = "check does" if silent == 1 else "checks do"
        reasons = "reason is" if silent == 1 else "reasons are"
        lines += paragraph(f"{silent} {does} not apply here (the {reasons} in --json and the report)", width)
    return lines


def first_cause(diagnosis: Diagnosis) -> str | None:
    """Return the cause to explain first: of the worst class, else of the first issue."""
    causes = [one.cause for one in diagnosis.classes if one.cause]
    issues = [one.slug for one in diagnosis.findings if one.status is Status.ISSUE]
    return next(iter(causes + issues), None)


def command_lines(commands: Sequence[tuple[str, Sequence[str] | None]], report: str | None) -> list[Text]:
    """Return commands ready to paste (never wrapped), and the report that was written."""
    rows = [(word, shlex.join(words)) for word, words in commands if words is not None]
    rows += [("report", make_visible(report))] if report is not None else []
    lines = [Text()] if rows else []
    for word, shown in rows:
        lines.append(Text(f"{word + ':':<8}").append(shown, style="bold cyan"))
    return lines


def paragraph(text: str, width: int, *, head: str = "", indent: str = "", style: str = "") -> list[Text]:
    """Wrap a sentence; the head carries the style, further lines hang under it."""
    hang = indent + ("  " if head else "")
    wrapped = textwrap.wrap(
        " ".join(make_visible(head + text).split()),
        width,
        initial_indent=indent,
        subsequent_indent=hang,
        break_on_hyphens=False,
    )
    lines = [Text(line) for line in wrapped]
    if lines and style:
        first = slice(len(indent), len(indent) + len(head.rstrip())) if head else None
        for line in lines[:1] if head else lines:
            line.stylize(style, *(() if first is None else (first.start, first.stop)))
    return lines


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
