"""The card of a class that is not healthy: cause, deciding picture, what was tried, runner-up, what to do."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from marginscope.diagnosis.result import Diagnosis
from marginscope.findings import ClassDiagnosis, Counterfactual, Evidence, Finding, Panel, Status
from marginscope.remedies.ledger import RemedyTrial
from marginscope.reports.panels import has_numbers, inline_panel
from marginscope.reports.text import as_label, hide_home, quote_for_shell, shorten, show_hidden
from marginscope.reports.verdict_table import VerdictRow

__all__ = ["ClassCard", "Picture", "class_card", "fix_command", "picture_of"]

MOST_EVIDENCE = 10
MOST_TRIED = 12
COMMAND_LENGTH = 400


@dataclass(frozen=True)
class Picture:
    """A drawn panel and its caption."""

    svg: Markup
    caption: str


@dataclass(frozen=True)
class Attempt:
    """An intervention and the check that made it."""

    slug: str
    one: Counterfactual


@dataclass(frozen=True)
class ClassCard:
    """All that a card shows."""

    anchor: str
    one: ClassDiagnosis
    sentence: str
    picture: Picture | None
    evidence: tuple[Evidence, ...]
    attempts: tuple[Attempt, ...]
    attempts_left_out: int
    also: tuple[Finding, ...]
    is_second_open: bool
    remedies: tuple[tuple[str, RemedyTrial | None], ...]
    advice: str
    command: str


def class_card(diagnosis: Diagnosis, row: VerdictRow, *, draw: bool = True) -> ClassCard:
    """Gather the card of one class."""
    one = row.one
    by_slug = {finding.slug: finding for finding in diagnosis.findings}
    cause = by_slug.get(one.cause or "")
    attempts = _attempts(diagnosis, one)
    remedies = _remedies(diagnosis, cause, attempts)
    return ClassCard(
        anchor=row.anchor or f"class-{row.place}",
        one=one,
        sentence=one.reason or (cause.sentence if cause else ""),
        picture=picture_of(_panel(one, cause)) if draw else None,
        evidence=() if cause is None else _evidence_for(one, cause)[:MOST_EVIDENCE],
        attempts=attempts[:MOST_TRIED],
        attempts_left_out=max(0, len(attempts) - MOST_TRIED),
        also=_also_found(one, by_slug),
        is_second_open=_is_open(one, by_slug),
        remedies=remedies,
        advice="" if cause is None or remedies else cause.advice,
        command=fix_command(diagnosis, one.label),
    )


def picture_of(panel: Panel | None) -> Picture | None:
    """Draw a panel, if there is one and it holds a number."""
    return None if panel is None or not has_numbers(panel) else Picture(inline_panel(panel), panel.title)


def fix_command(diagnosis: Diagnosis, label: str | None = None) -> str:
    """Return the line to type or call that tries the remedies."""
    if not diagnosis.fix_words:
        return f"diagnosis.remedy({'' if label is None else repr(shorten(label, COMMAND_LENGTH))})"
    words = [_as_word(hide_home(word)) for word in diagnosis.fix_words]
    if label is not None:
        words += ["--class", quote_for_shell(shorten(label, COMMAND_LENGTH))]
    return show_hidden(" ".join(words))


def _as_word(word: str) -> str:
    # A quoted ~ would not be expanded.
    return "~/" + quote_for_shell(word[2:]) if word.startswith("~/") else quote_for_shell(word)


def _panel(one: ClassDiagnosis, cause: Finding | None) -> Panel | None:
    """Return the deciding panel: the class's own, else the one its cause keeps for it."""
    if one.panel is not None or cause is None:
        return one.panel
    own = cause.panels.get(one.label)
    return own if own is not None else next(iter(cause.panels.values()), None)


def _evidence_for(one: ClassDiagnosis, cause: Finding) -> tuple[Evidence, ...]:
    """Return the numbers of the cause that are about the class: named ones first, then those about no class.

    Checks quote the first 60 characters of a label in the names of its numbers.
    """
    numbers = [item for item in cause.evidence if item.value is not None or item.threshold is not None]
    own = [item for item in numbers if _quoted(one.label) in item.name]
    others = {_quoted(label) for label in cause.classes}
    shared = [item for item in numbers if not any(label in item.name for label in others)]
    return tuple(own + [item for item in shared if item not in own])


def _quoted(label: str) -> str:
    return f"'{label[:60]}'"


def _attempts(diagnosis: Diagnosis, one: ClassDiagnosis) -> tuple[Attempt, ...]:
    """Return the interventions on the class: its cause's first, then by what they gained on balance."""
    found = [
        Attempt(finding.slug, tried)
        for finding in diagnosis.findings
        for tried in finding.counterfactuals
        if tried.label == one.label
    ]
    return tuple(sorted(found, key=lambda attempt: (attempt.slug != one.cause, -attempt.one.net)))


def _also_found(one: ClassDiagnosis, by_slug: dict[str, Finding]) -> tuple[Finding, ...]:
    told = (one.cause, one.runner_up)
    found = (by_slug[slug] for slug in one.findings if slug in by_slug and slug not in told)
    return tuple(finding for finding in found if finding.status in (Status.ISSUE, Status.TIP))


def _is_open(one: ClassDiagnosis, by_slug: dict[str, Finding]) -> bool:
    """Say whether the second explanation may be true too: it was proved, or found where the first was not proved."""
    second = by_slug.get(one.runner_up or "")
    if second is None or second.status is not Status.ISSUE or one.label not in second.classes:
        return False
    first = by_slug.get(one.cause or "")
    return _is_proved(one, second) or first is None or not _is_proved(one, first)


def _is_proved(one: ClassDiagnosis, finding: Finding) -> bool:
    return any(tried.label == one.label and tried.is_proof for tried in finding.counterfactuals)


def _remedies(
    diagnosis: Diagnosis, cause: Finding | None, attempts: tuple[Attempt, ...]
) -> tuple[tuple[str, RemedyTrial | None], ...]:
    """Return the remedies of the cause that may help this class, each with its trial if the ledger has one.

    What was tried on the class and proved nothing, and what cannot act, is left out.
    """
    if cause is None:
        return ()
    trials = {} if diagnosis.ledger is None else {trial.slug: trial for trial in diagnosis.ledger.trials}
    # A recipe is named after its remedy, a strength may follow.
    proved = {attempt.one.intervention.partition(" ")[0] for attempt in attempts if attempt.one.is_proof}
    refuted = {attempt.one.intervention.partition(" ")[0] for attempt in attempts} - proved
    kept = [slug for slug in cause.remedies if slug not in refuted]
    return tuple(
        (as_label(slug), trials.get(slug))
        for slug in kept
        if slug not in trials or trials[slug].outcome != "could_not_act"
    )
