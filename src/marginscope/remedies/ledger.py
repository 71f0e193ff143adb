"""The remedy ledger: what was tried, what it did to every class, what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from marginscope._display import Displayed, make_frame, signed

__all__ = ["Change", "RemedyLedger", "RemedyTrial"]


@dataclass(frozen=True)
class Change:
    """A difference to the present model and its paired 95 % interval."""

    value: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class RemedyTrial:
    """One remedy, refitted on the same folds as the present model.

    Attributes
    ----------
    slug, title, recipe : str
        The remedy, and which of its strengths was best.
    outcome : str
        ``"tried"``, ``"could_not_act"`` or ``"failed"``; ``reason`` says why for the last two.
    recall, change : mapping
        Per class label: recall with the remedy, and its paired change.
    balanced : Change or None
        Change of balanced recall (the mean over the scored classes).
    worst_other : tuple or None
        The class that loses most, and its change of recall: an untargeted one, or of
        several targets one that pays for the others.
    log_loss, calibration : float or None
        Change of the log-loss and of the expected calibration error; ``None``
        where a model gives no probabilities.
    helps : tuple of str
        Targeted classes whose recall rises without balanced recall falling.
    seconds : float
        Time of all fits of the remedy.
    snippet : str
        Code to paste.
    side_effects : str
        What else it changes.
    """

    slug: str
    title: str
    outcome: str
    reason: str = ""
    recall: Mapping[str, float | None] = field(default_factory=dict)
    change: Mapping[str, Change | None] = field(default_factory=dict)
    balanced: Change | None = None
    worst_other: tuple[str, float] | None = None
    log_loss: float | None = None
    calibration: float | None = None
    helps: tuple[str, ...] = ()
    seconds: float = 0.0
    recipe: str = ""
    snippet: str = ""
    side_effects: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "slug": self.slug,
            "title": self.title,
            "recipe": self.recipe or None,
            "outcome": self.outcome,
            "reason": self.reason or None,
            "classes": [
                {
                    "label": label,
                    "recall": recall,
                    "change": None if (change := self.change.get(label)) is None else change.value,
                    "interval": None if change is None else list(change.interval),
                }
                for label, recall in self.recall.items()
            ],
            "balanced_recall_change": None if self.balanced is None else self.balanced.value,
            "balanced_recall_interval": None if self.balanced is None else list(self.balanced.interval),
            "worst_other": None
            if self.worst_other is None
            else {"label": self.worst_other[0], "change": self.worst_other[1]},
            "log_loss_change": self.log_loss,
            "calibration_error_change": self.calibration,
            "helps": list(self.helps),
            "seconds": round(self.seconds, 3),
            "side_effects": self.side_effects,
        }


@dataclass(repr=False)
class RemedyLedger(Displayed):
    """All remedies tried on one diagnosis, on the same folds.

    Attributes
    ----------
    targets : tuple of str
        Labels of the classes to be lifted.
    base_recall : mapping
        Recall of the present model per label, on the rows the ledger used.
    trials : tuple of RemedyTrial
    winner : str or None
        Slug of the remedy that helps most, ``None`` if nothing helped.
    sentence : str
        The outcome in words.
    best_estimator_ : object or None
        The winner fitted on all training rows; ``None`` if nothing helped.
    notes : tuple of str
        How the numbers were got.
    """

    _report = "ledger_page"

    targets: tuple[str, ...]
    base_recall: Mapping[str, float | None]
    trials: tuple[RemedyTrial, ...]
    winner: str | None
    sentence: str
    best_estimator_: Any = None
    notes: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, slug: str) -> RemedyTrial:
        for trial in self.trials:
            if trial.slug == slug:
                return trial
        raise KeyError(slug)

    @property
    def refusals(self) -> tuple[tuple[tuple[str, ...], str, str], ...]:
        """Slugs, outcome and reason of what was not tried, remedies with one reason together."""
        found: dict[tuple[str, str], list[str]] = {}
        for trial in self.trials:
            if trial.outcome != "tried":
                found.setdefault((trial.outcome, trial.reason), []).append(trial.slug)
        return tuple((tuple(slugs), outcome, reason) for (outcome, reason), slugs in found.items())

    @property
    def snippet(self) -> str | None:
        """Code of the winner to paste, or ``None``."""
        return None if self.winner is None else self[self.winner].snippet

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document ``marginscope.remedies/1``."""
        return {
            "schema": "marginscope.remedies/1",
            "data": dict(self.data),
            "targets": list(self.targets),
            "base_recall": dict(self.base_recall),
            "remedies": [trial.to_dict() for trial in self.trials],
            "winner": self.winner,
            "sentence": self.sentence,
            "snippet": self.snippet,
            "notes": list(self.notes),
            "provenance": dict(self.provenance),
        }

    def frame(self) -> Any:
        """Return one row per remedy and class as a data frame."""
        rows = [(trial, label) for trial in self.trials for label in (trial.recall or {"": None})]
        changes = [trial.change.get(label) for trial, label in rows]
        return make_frame(
            {
                "remedy": [trial.slug for trial, _ in rows],
                "outcome": [trial.outcome for trial, _ in rows],
                "class": [label for _, label in rows],
                "recall": [trial.recall.get(label) for trial, label in rows],
                "change": [None if one is None else one.value for one in changes],
                "low": [None if one is None else one.interval[0] for one in changes],
                "high": [None if one is None else one.interval[1] for one in changes],
                "log_loss": [trial.log_loss for trial, _ in rows],
                "seconds": [trial.seconds for trial, _ in rows],
            }
        )

    def __str__(self) -> str:
        lines = [self.sentence]
        for trial in self.trials:
            if trial.outcome != "tried":
                continue
            lifts = ", ".join(
                f"{label} {signed(change.value)} [{signed(change.interval[0])}, {signed(change.interval[1])}]"
                for label in self.targets
                if (change := trial.change.get(label)) is not None
            )
            lines.append(f"  {trial.slug:<18} {lifts}")
        for slugs, outcome, reason in self.refusals:
            lines.append(f"  {', '.join(slugs)} {outcome.replace('_', ' ')}: {reason}")
        return "\n".join(lines)
