"""What a diagnosis says: plain data that every layer may hold.

Nothing here computes. A finding carries the numbers that decided it; its
sentence only puts them into words, and its panels are the same numbers laid out
for a picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["ClassDiagnosis", "Counterfactual", "Evidence", "Finding", "Panel", "Series", "Status", "Verdict"]


class Status(StrEnum):
    """What a check reports; every check reports exactly one of these."""

    ISSUE = "issue"
    TIP = "tip"
    PASSED = "passed"
    NOT_APPLICABLE = "not_applicable"
    SKIPPED = "skipped"
    ERRORED = "errored"

    @property
    def is_decided(self) -> bool:
        """Whether the check came to a conclusion."""
        return self in (Status.ISSUE, Status.TIP, Status.PASSED)


class Verdict(StrEnum):
    """How well a class is learned."""

    HEALTHY = "healthy"
    WEAK = "weak"
    UNLEARNED = "unlearned"
    ABSENT = "absent"
    UNDECIDED = "undecided"

    @property
    def needs_cause(self) -> bool:
        """Whether the referee has to name a cause for it."""
        return self is not Verdict.HEALTHY


@dataclass(frozen=True)
class Evidence:
    """One named number, the threshold it was held against, and its interval."""

    name: str
    value: float | None
    threshold: float | None = None
    interval: tuple[float, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of the contract."""
        return {
            "name": self.name,
            "value": self.value,
            "threshold": self.threshold,
            "interval": None if self.interval is None else list(self.interval),
        }


@dataclass(frozen=True)
class Series:
    """One line, set of bars or sample of a panel; ``x`` may hold names."""

    name: str
    x: tuple[float | str, ...]
    y: tuple[float | None, ...] = ()
    low: tuple[float | None, ...] | None = None
    high: tuple[float | None, ...] | None = None


@dataclass(frozen=True)
class Panel:
    """The numbers of one small picture.

    ``kind`` is ``"forest"`` (named rows, value with interval), ``"path"`` (y
    against a numeric x, with a band), ``"null"`` (a sample in ``x`` of the first
    series, observed value in ``marks``), ``"histogram"`` (samples in ``x`` of
    each series) or ``"counts"`` (named bars). ``marks`` are labelled reference lines.
    """

    kind: str
    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    marks: tuple[tuple[str, float], ...] = ()
    log_x: bool = False


@dataclass(frozen=True)
class Counterfactual:
    """One intervention, and what it did to one class on the same rows.

    ``lift`` is the change of the class's recall, ``interval`` its paired 95 %
    interval, ``placebo`` what the same intervention makes where the class labels were
    permuted (the share of missing recall that returns there, times what is missing
    here), ``balanced`` the change of balanced recall and
    ``rival_cost`` the recall that other classes lost to this one. ``predicted`` is
    the least lift that the cause claims. ``reason`` says why it is no proof, and
    is empty where it is one.
    """

    intervention: str
    label: str
    predicted: float
    lift: float
    interval: tuple[float, float]
    balanced: float
    rival_cost: float
    placebo: float | None = None
    reason: str = ""

    @property
    def is_proof(self) -> bool:
        """Whether it proves that the intervention acts on the class."""
        return not self.reason

    @property
    def net(self) -> float:
        """Lift of the class less what its rivals paid for it."""
        return self.lift - self.rival_cost


@dataclass(frozen=True, repr=False)
class Finding:
    """The outcome of one check.

    ``classes`` are labels as strings; ``reasons`` says for a label what ``sentence`` says
    for all; ``advice`` is what to do where no remedy helps. ``rows`` are example row
    indices, and ``certificate`` an object with ``verify`` where the claim has one.
    """

    slug: str
    status: Status
    sentence: str
    classes: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    remedies: tuple[str, ...] = ()
    counterfactuals: tuple[Counterfactual, ...] = ()
    panels: Mapping[str, Panel] = field(default_factory=dict)
    rows: tuple[int, ...] = ()
    certificate: Any = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    advice: str = ""

    def __repr__(self) -> str:
        return f"<Finding {self.slug}: {self.status}, {self.sentence!r:.120}>"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of the contract."""
        return {
            "slug": self.slug,
            "status": str(self.status),
            "classes": list(self.classes),
            "sentence": self.sentence,
            "evidence": [one.to_dict() for one in self.evidence],
            "remedies": list(self.remedies),
        }


@dataclass(frozen=True, repr=False)
class ClassDiagnosis:
    """How well one class is learned, and why not.

    ``recall``, ``precision`` and ``rival`` are ``None`` where they do not exist.
    ``reason`` is the first cause in a sentence, or why none is named;
    ``runner_up_reason`` says why the second explanation lost.
    """

    label: str
    rows: int
    share: float
    recall: float | None
    recall_interval: tuple[float, float] | None
    precision: float | None
    rival: str | None
    verdict: Verdict
    cause: str | None = None
    runner_up: str | None = None
    findings: tuple[str, ...] = ()
    reason: str = ""
    runner_up_reason: str = ""
    panel: Panel | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        recall = "no recall" if self.recall is None else f"recall {self.recall:.2f}"
        cause = f", {self.cause}" if self.cause else ""
        return f"<ClassDiagnosis {self.label!r:.60}: {self.verdict}, {recall}{cause}>"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of the contract."""
        return {
            "label": self.label,
            "rows": self.rows,
            "share": self.share,
            "recall": self.recall,
            "recall_interval": None if self.recall_interval is None else list(self.recall_interval),
            "precision": self.precision,
            "rival": self.rival,
            "verdict": str(self.verdict),
            "cause": self.cause,
            "reason": self.reason or None,
            "runner_up": self.runner_up,
            "findings": list(self.findings),
        }
