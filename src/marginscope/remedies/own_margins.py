"""A linear classifier with a margin subtracted from the score of the true class."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from marginscope._validation import check_class_numbers
from marginscope.estimators.margin_classifier import MarginClassifier
from marginscope.estimators.training_rows import TrainingRows
from marginscope.objectives import LinearObjective

__all__ = ["OwnMarginClassifier"]


class OwnMarginClassifier(MarginClassifier):
    """``MarginClassifier`` whose rows of class y have the loss psi(u - c_y).

    Parameters
    ----------
    loss, C, fit_intercept, class_weight, tol, max_iter, random_state, probability
        See ``MarginClassifier``.
    own_shifts : mapping {label: c} or (n_classes,) array, optional
        Positive: margins on the scale of the scores (Cao et al. 2019, LDAM).
    """

    def __init__(
        self,
        loss: Any = "cross_entropy",
        C: float = 1.0,
        *,
        own_shifts: Any = None,
        fit_intercept: bool = True,
        class_weight: Any = None,
        tol: float = 1e-6,
        max_iter: int | None = None,
        random_state: Any = None,
        probability: str = "auto",
    ) -> None:
        super().__init__(
            loss,
            C,
            fit_intercept=fit_intercept,
            class_weight=class_weight,
            tol=tol,
            max_iter=max_iter,
            random_state=random_state,
            probability=probability,
        )
        self.own_shifts = own_shifts

    def _objective(self, rows: TrainingRows) -> LinearObjective:
        plain = super()._objective(rows)
        shifts = check_class_numbers("own_shifts", self.own_shifts, rows.classes)
        adjustment = replace(plain.adjustment, own_shifts=shifts)
        return plain.on_data(plain.X, plain.y, adjustment, ridge=plain.ridge)

    def _scores_are_log_probabilities(self) -> bool:
        return self.own_shifts is None and super()._scores_are_log_probabilities()
