"""Method and limits: every check with its status, thresholds, seed, versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from marginscope import __version__
from marginscope.diagnosis.result import Diagnosis
from marginscope.findings import Finding, Status
from marginscope.reports.numbers import as_number
from marginscope.reports.palette import STATUS_WORDS

__all__ = ["Method", "Origin", "Source", "method_of", "open_findings", "origin_of", "source_of"]

MOST_THRESHOLDS = 200
COUNTED = (Status.ISSUE, Status.TIP)
FIT_SLUGS = ("infinite-parameters", "weights-vanish", "non-identifiable")


@dataclass(frozen=True)
class Origin:
    """Where a result came from."""

    version: str | None
    seed: str | None
    command: str | None
    packages: tuple[tuple[str, str], ...]
    others: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Source:
    """What a certificate or a margin is about, as far as it is known, and what made it."""

    file: str | None
    target: str | None
    sha256: str | None
    notes: tuple[str, ...]
    origin: Origin


@dataclass(frozen=True)
class Method:
    """What was checked against what."""

    notes: tuple[str, ...]
    checks: tuple[Finding, ...]
    summary: str
    thresholds: tuple[tuple[str, str, str], ...]
    params: tuple[tuple[str, str], ...]
    origin: Origin


def method_of(diagnosis: Diagnosis) -> Method:
    """Gather the section on method and limits."""
    order = list(Status)
    count = Counter(finding.status for finding in diagnosis.findings)
    said = [
        f"{count[status]} {STATUS_WORDS[status]}{'s' if status in COUNTED and count[status] > 1 else ''}"
        for status in order
        if count[status]
    ]
    thresholds = [
        (slug, name, as_number(value) if isinstance(value, int | float) else str(value))
        for slug, fields in diagnosis.thresholds.items()
        for name, value in fields.items()
    ]
    return Method(
        notes=tuple(diagnosis.notes),
        checks=tuple(sorted(diagnosis.findings, key=lambda finding: order.index(finding.status))),
        summary=", ".join(said),
        thresholds=tuple(thresholds[:MOST_THRESHOLDS]),
        # How columns are encoded is said in the notes.
        params=tuple(
            (str(name), str(value))
            for name, value in diagnosis.model.params.items()
            if not str(name).startswith("prepare__")
        ),
        origin=origin_of(diagnosis.provenance),
    )


def origin_of(provenance: Mapping[str, Any]) -> Origin:
    """Return the provenance as text, in the order in which it is shown."""
    known = ("version", "seed", "command", "packages")
    packages = provenance.get("packages") or {}
    return Origin(
        version=_text(provenance.get("version")),
        seed=_text(provenance.get("seed")),
        command=_text(provenance.get("command")),
        packages=tuple((str(name), str(version)) for name, version in sorted(dict(packages).items())),
        others=tuple((str(name), str(value)) for name, value in provenance.items() if name not in known),
    )


def source_of(known: Mapping[str, Any] | None) -> Source:
    """Gather the section on method of a result that holds no record itself; in Python only the version is known."""
    known = known or {}
    return Source(
        file=_text(known.get("file")),
        target=_text(known.get("target")),
        sha256=_text(known.get("sha256")),
        notes=tuple(known.get("notes", ())),
        origin=origin_of(known.get("provenance") or {"version": __version__}),
    )


def open_findings(diagnosis: Diagnosis, carded: Iterable[str]) -> tuple[Finding, ...]:
    """Return the issues and tips that no class card tells: about the data, the fit, or classes without a card."""
    told_by_cards: set[str] = set()
    labels = set(carded)
    for one in diagnosis.classes:
        if one.label in labels:
            told_by_cards.update(slug for slug in (one.cause, *one.findings) if slug is not None)
    return tuple(
        finding
        for finding in diagnosis.findings
        if finding.status in (Status.ISSUE, Status.TIP)
        and (finding.slug in FIT_SLUGS or not finding.classes or finding.slug not in told_by_cards)
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
