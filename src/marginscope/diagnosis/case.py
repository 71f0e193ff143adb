"""Everything a check may look at, and the questions it may ask."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from marginscope.adapters.model_view import LinearPart, ModelView
from marginscope.adapters.network_part import NetworkPart
from marginscope.adapters.references import dense_preparation
from marginscope.diagnosis.folds import Design, stratified_subsample
from marginscope.diagnosis.scores import ClassScores, score_classes
from marginscope.diagnosis.signal import SignalTest
from marginscope.diagnosis.subsample_error import SubsampleError
from marginscope.diagnosis.trials import Subject, Trial
from marginscope.findings import Counterfactual, Evidence, Finding
from marginscope.tables.feature_matrix import FeatureMatrix
from marginscope.tables.feature_rows import dense_rows

__all__ = ["BUDGET_SPENT", "BudgetSpent", "Case", "Check", "Failed", "Interventions", "NotTried"]


_SHOWN_ROWS = 2000
_SHOWN_PER_CLASS = 30


class NotTried(Exception):
    """An intervention that has no effect to show; the message says why."""


class Failed(NotTried):
    """An intervention that broke; the message says how."""


#: How every reason begins that want of time gives.
BUDGET_SPENT = "the time budget was spent"


class BudgetSpent(NotTried):
    """The seconds that were allowed are used up."""


class Interventions(Protocol):
    """What a case offers for counterfactuals; see ``Laboratory``."""

    rows: NDArray[np.int64]
    raw: Subject
    prepared: Subject
    design: Design
    base: Trial
    proof: Any

    @property
    def base_recall(self) -> NDArray[np.float64]:
        """Recall of the present model on these rows."""
        ...

    def check_time(self, what: str) -> None:
        """Raise ``BudgetSpent`` if the time budget is used up."""
        ...

    def seconds_left(self, most: float) -> float:
        """Return what is left of the time budget, at most ``most``."""
        ...

    def short_design(self) -> Design:
        """Return two splits of the design."""
        ...

    def effects(self, slug: str) -> tuple[Any, ...]:
        """Run an intervention and return its effects."""
        ...

    def reference(self) -> Trial | None:
        """Return the answers of a flexible learner."""
        ...

    def tried(self) -> dict[str, tuple[Any, ...]]:
        """Return all interventions run so far."""
        ...

    def can_act(self, slug: str) -> bool:
        """Say whether there is anything to turn on this model."""
        ...

    def claim(self, slug: str, code: int, label: str) -> Counterfactual | None:
        """Return the best recipe of an intervention for one class."""
        ...


@dataclass
class Case:
    """One model on one set of rows.

    Attributes
    ----------
    view : ModelView
        The diagnosed model.
    subject : Subject
        All rows: training rows first, then test rows where they were given.
    features : FeatureMatrix
        The same rows as numbers.
    row_groups : ndarray of shape (n_samples,)
        Number of the group of equal feature rows that every row belongs to.
    names : tuple of str
        Labels as strings.
    n_train : int
        Rows before the test rows; equals all rows without a test set.
    design, base : Design, Trial
        How recall is measured, and the model's own answers.
    recall_note : str
        What the recall is of, as a sentence.
    lab : Interventions
        Counterfactuals, on a stated subsample of the rows.
    has_own_form, reads_matrix : bool
        Whether the user's X is another object than the feature matrix, and whether the
        model is fitted on that matrix.
    merges : dict
        Doubtful spellings, written by the label audit and read by its remedy.
    relabelling : dict
        Rows of the data whose labels are in doubt, and the class that they look like;
        written by the check of labels and read by its remedy.
    signals : dict
        Signal tests by class code, written by the permutation check.
    notebook : dict
        What one check worked out and another needs, by name.
    """

    view: ModelView
    subject: Subject
    features: FeatureMatrix
    row_groups: NDArray[np.int64]
    names: tuple[str, ...]
    n_train: int
    design: Design
    base: Trial
    lab: Interventions
    seed: int
    recall_note: str = ""
    has_own_form: bool = False
    reads_matrix: bool = False
    merges: dict[int, int] = field(default_factory=dict)
    relabelling: dict[int, int] = field(default_factory=dict)
    signals: dict[int, SignalTest] = field(default_factory=dict)
    notebook: dict[str, Any] = field(default_factory=dict)

    @property
    def n_classes(self) -> int:
        """Number of classes, absent ones included."""
        return len(self.names)

    @property
    def has_features(self) -> bool:
        """Whether anything but labels and answers is known."""
        return self.features.shape[1] > 0

    @cached_property
    def scores(self) -> ClassScores:
        """Recall and the like of the diagnosed model."""
        return score_classes(self.base, self.subject.codes, self.n_classes)

    @cached_property
    def mean_proba(self) -> NDArray[np.float64] | None:
        """Out-of-sample probabilities of the diagnosed model, averaged over repeats."""
        return self.base.mean_proba()

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Training rows per class."""
        return np.bincount(self.subject.codes[: self.n_train], minlength=self.n_classes)

    @cached_property
    def poor(self) -> tuple[int, ...]:
        """Codes of trained and scored classes with recall below one half."""
        recall = self.scores.recall
        return tuple(int(k) for k in np.flatnonzero((recall < self.lab.proof.good_recall) & (self.counts > 0)))

    @property
    def lab_recall(self) -> NDArray[np.float64]:
        """Recall of the present model on the laboratory's rows."""
        return self.lab.base_recall

    @property
    def training_input(self) -> Any:
        """All training rows as the model reads them; a copy where they are the user's own."""
        if self.reads_matrix:
            return self.subject.parts[0]
        return self.subject.take(np.arange(self.n_train))

    @cached_property
    def fitted(self) -> Any:
        """The user's fitted model, or the model fitted on all training rows; ``None`` without a model."""
        if not self.view.can_refit:
            return None
        if self.view.fitted is not None:
            return self.view.fitted
        return self.view.fit(self.training_input, self.subject.labels[self.subject.codes[: self.n_train]])

    @cached_property
    def linear_part(self) -> LinearPart | None:
        """Coefficients and what they multiply, on the training rows; ``None`` if the model is not linear."""
        if self.fitted is None:
            return None
        return self.view.linear_part(self.fitted, self.training_input)

    @cached_property
    def shown_rows(self) -> NDArray[np.int64]:
        """Training rows, about 2000 of them drawn class by class, on which the inside of a network is looked at."""
        codes = self.subject.codes[: self.n_train]
        rng = np.random.default_rng(self.seed)
        return stratified_subsample(codes, _SHOWN_ROWS, least=_SHOWN_PER_CLASS, rng=rng)

    @cached_property
    def network_part(self) -> NetworkPart | None:
        """Inside of the fitted network on ``shown_rows``; ``None`` if the model is no network."""
        # A frozen network can be looked at, though it cannot be refitted.
        fitted = self.fitted if self.view.can_refit else self.view.fitted
        if fitted is None:
            return None
        labels = self.subject.labels[self.subject.codes[self.shown_rows]]
        return self.view.network_part(fitted, self.subject.take(self.shown_rows), labels)

    def subsample_evidence(self, what: str) -> tuple[Evidence, ...]:
        """Return the error that a subsample adds to ``"the recall"`` or ``"interventions"``; empty without one."""
        errors: tuple[SubsampleError, ...] = self.notebook.get("subsample-errors", ())
        return tuple(row for one in errors if one.what == what for row in one.evidence)

    def is_repaired(self, code: int) -> bool:
        """Whether some intervention provably brings back a fair share of the recall that is missing."""
        missing = 1 - float(np.nan_to_num(self.lab_recall[code]))
        for slug in self.lab.tried():
            claim = self.lab.claim(slug, code, self.names[code])
            if claim is not None and claim.is_proof and claim.lift >= self.lab.proof.least_repair * missing:
                return True
        return False

    def dense_features(self, rows: NDArray[np.int64], *, encoded: bool = True) -> NDArray[np.float64]:
        """Return rows of the features as a dense matrix.

        ``encoded`` makes them finite (imputed, one-hot); else they are as read, with NaN.
        """
        if not encoded:
            return dense_rows(self.features, rows)
        encoded_rows = self._encoder.transform(self.features.take(rows).values)
        return np.asarray(encoded_rows.toarray() if hasattr(encoded_rows, "toarray") else encoded_rows, dtype=float)

    @cached_property
    def _encoder(self) -> Any:
        # A slice, not a selection of rows: dense values are not copied.
        return dense_preparation(self.features).fit(self.features.values[: self.n_train])


class Check(Protocol):
    """One check: the class is its documentation, its fields are its thresholds.

    ``slug`` and ``title`` name it; ``cost`` is ``"free"``, ``"solve"`` or ``"refit"``.
    Cheap checks run first.
    """

    @property
    def slug(self) -> str:
        """See the class."""
        ...

    @property
    def title(self) -> str:
        """See the class."""
        ...

    @property
    def cost(self) -> str:
        """See the class."""
        ...

    def examine(self, case: Case) -> Finding:
        """Return the finding; raise ``CheckNotApplicable`` with the reason if there is none."""
        ...
