"""The remedy ledger: what was tried, what it did to every class, what it cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from marginscope._display import Displayed, make_frame, signed
from marginscope.remedies.changes import KINDS, kind_of

__all__ = ["Change", "RemedyLedger", "RemedyTrial", "Selection"]

_HEADS = (*KINDS.items(), ("", ""))


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
    log_loss_interval : tuple or None
        Paired 95 % interval of the change of the log-loss.
    log_loss_corrected, calibration_corrected : float or None
        The same changes after the probabilities are turned back to the class shares of the
        rows; ``None`` where the remedy does not train under other shares.
    helps : tuple of str
        Targeted classes whose recall rises without balanced recall falling.
    seconds : float
        Time of all fits of the remedy.
    snippet : str
        Code to paste.
    side_effects : str
        What else it changes.
    changes : frozenset of str
        What it can move: "path", "penalised optimum", "limit" (see ``remedies.changes``).
    family : str
        What it turns, one of ``remedies.changes.FAMILIES``.
    caveat : str
        Why it cannot move the limit on these rows, where that is certified.
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
    changes: frozenset[str] = frozenset()
    family: str = ""
    caveat: str = ""
    log_loss_interval: tuple[float, float] | None = None
    log_loss_corrected: float | None = None
    calibration_corrected: float | None = None

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
            "log_loss_interval": None if self.log_loss_interval is None else list(self.log_loss_interval),
            "log_loss_change_corrected": self.log_loss_corrected,
            "calibration_error_change": self.calibration,
            "calibration_error_change_corrected": self.calibration_corrected,
            "helps": list(self.helps),
            "seconds": round(self.seconds, 3),
            "side_effects": self.side_effects,
            "changes": sorted(self.changes),
            "family": self.family or None,
            "caveat": self.caveat or None,
            "snippet": self.snippet or None,
        }


@dataclass(frozen=True)
class Selection:
    """How much choosing the best of many flatters it.

    Attributes
    ----------
    n_tried : int
        Trials among which the best was chosen: a remedy may have several strengths, each
        of which is one.
    apparent, held_out : float
        Balanced recall that the best one gains on the rows that chose it, and on rows that
        had no part in the choice.
    """

    n_tried: int
    apparent: float
    held_out: float

    @property
    def optimism(self) -> float:
        """Balanced recall that is owed to the choice."""
        return self.apparent - self.held_out

    @property
    def sentence(self) -> str:
        """What the choice adds, in words."""
        return (
            f"The best of {self.n_tried:,} trials was chosen on the rows that it is scored on: "
            f"{signed(self.apparent)} of balanced recall there, {signed(self.held_out)} where four fifths of the rows "
            "choose and the rest score."
        )


@dataclass(repr=False)
class RemedyLedger(Displayed):
    """All remedies tried on one diagnosis, on the same folds.

    ``ledger[slug]`` is one remedy, ``slug in ledger`` says whether it is listed, and
    iteration gives all of them, also those that were not tried.

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
    selection : Selection or None
        What choosing the best on the rows that score it adds to its score.
    separation : object or None
        ``certificate``, ``X`` and ``y`` where an unpenalised linear model has separable training
        rows: ``certificate.verify(X, y)`` proves it again.
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
    selection: Selection | None = None
    separation: Any = None

    def __iter__(self) -> Iterator[RemedyTrial]:
        # No __len__: a ledger without trials is an answer too, and must not count as false.
        return iter(self.trials)

    def __contains__(self, slug: Any) -> bool:
        return slug in self.trials or any(trial.slug == slug for trial in self.trials)

    def __getitem__(self, slug: str) -> RemedyTrial:
        for trial in self.trials:
            if trial.slug == slug:
                return trial
        raise KeyError(f"no remedy {slug!r}; the remedies are {', '.join(trial.slug for trial in self.trials)}")

    @property
    def tally(self) -> str:
        """How many remedies were tried, in how many trials, and how many were not; empty where there are none."""
        count = Counter(trial.outcome for trial in self.trials)
        tried = count["tried"]
        parts = [f"{tried:,} {'remedy was' if tried == 1 else 'remedies were'} tried"] if tried else []
        if tried and self.selection is not None and self.selection.n_tried > tried:
            parts[0] += f" in {self.selection.n_tried:,} trials (some have several strengths)"
        parts += [f"{count[one]:,} {one.replace('_', ' ')}" for one in ("could_not_act", "failed") if count[one]]
        if not parts:
            return ""
        if not tried:
            parts[0] = f"No remedy was tried; {parts[0]}"
        return ", ".join(parts) + "."

    @property
    def refusals(self) -> tuple[tuple[tuple[str, ...], str, str], ...]:
        """Slugs, outcome and reason of what was not tried, remedies with one reason together."""
        found: dict[tuple[str, str], list[str]] = {}
        for trial in self.trials:
            if trial.outcome != "tried":
                found.setdefault((trial.outcome, trial.reason), []).append(trial.slug)
        return tuple((tuple(slugs), outcome, reason) for (outcome, reason), slugs in found.items())

    @property
    def caveats(self) -> tuple[tuple[tuple[str, ...], str], ...]:
        """Slugs of the remedies that cannot move the limit, with the sentence that says why."""
        found: dict[str, list[str]] = {}
        for trial in self.trials:
            if trial.caveat:
                found.setdefault(trial.caveat, []).append(trial.slug)
        return tuple((tuple(slugs), caveat) for caveat, slugs in found.items())

    @property
    def by_kind(self) -> tuple[tuple[str, tuple[RemedyTrial, ...]], ...]:
        """What was tried under a heading that says how far it reaches, empty where that is not known."""
        tried = [one for one in self.trials if one.outcome == "tried"]
        groups = ((head, tuple(one for one in tried if kind_of(one.changes) == kind)) for kind, head in _HEADS)
        return tuple((head, group) for head, group in groups if group)

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
            "tally": self.tally or None,
            "snippet": self.snippet,
            "selection": None
            if self.selection is None
            else {
                "n_tried": self.selection.n_tried,
                "n_remedies": sum(trial.outcome == "tried" for trial in self.trials),
                "balanced_recall_apparent": self.selection.apparent,
                "balanced_recall_held_out": self.selection.held_out,
            },
            "separability": None if self.separation is None else self.separation.certificate.status,
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
                "log_loss_corrected": [trial.log_loss_corrected for trial, _ in rows],
                "calibration": [trial.calibration for trial, _ in rows],
                "calibration_corrected": [trial.calibration_corrected for trial, _ in rows],
                "can_move": [", ".join(sorted(trial.changes)) for trial, _ in rows],
                "seconds": [trial.seconds for trial, _ in rows],
            }
        )

    def __str__(self) -> str:
        lines = [self.sentence]
        for head, group in self.by_kind:
            lines += [f"  {head}"] if head else []
            lines += [f"    {trial.slug:<22} {self._lifts(trial)}" for trial in group]
        for slugs, outcome, reason in self.refusals:
            lines.append(f"  {', '.join(slugs)} {outcome.replace('_', ' ')}: {reason}")
        lines += [f"  {', '.join(slugs)} {caveat}" for slugs, caveat in self.caveats]
        lines += [f"  {self.tally}"] if self.tally else []
        return "\n".join(lines)

    def _lifts(self, trial: RemedyTrial) -> str:
        return ", ".join(
            f"{label} {signed(change.value)} [{signed(change.interval[0])}, {signed(change.interval[1])}]"
            for label in self.targets
            if (change := trial.change.get(label)) is not None
        )
