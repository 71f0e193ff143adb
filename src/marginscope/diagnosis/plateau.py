"""How far a model has come from the loss of one that only knows the class shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.diagnosis.case import Case

__all__ = ["PriorLoss", "prior_loss"]

Floats = NDArray[np.float64]
_LEAST_PROBABILITY = 1e-15


@dataclass(frozen=True)
class PriorLoss:
    """Cross-entropy of the model on its own training rows, beside that of the class shares.

    Attributes
    ----------
    loss, entropy : float
        Mean cross-entropy of the model (nats), and the entropy of the class shares.
    class_loss, class_entropy : ndarray of shape (n_classes,)
        The same on the rows of each class, NaN for a class without rows.
    """

    loss: float
    entropy: float
    class_loss: Floats
    class_entropy: Floats

    @property
    def left(self) -> float:
        """Share of the entropy that training has left; above 1 where the model is worse than the shares."""
        return self.loss / self.entropy if self.entropy > 0 else 0.0


def prior_loss(case: Case) -> PriorLoss | None:
    """Measure the loss of the fitted model on its training rows; ``None`` without probabilities."""
    rows = case.shown_rows
    codes = case.subject.codes[rows]
    if case.fitted is None or not case.view.has_proba:
        return None
    proba = case.view.probabilities(case.fitted, case.subject.take(rows), case.subject.labels)
    if proba is None:
        return None
    losses = -np.log(np.maximum(proba[np.arange(rows.size), codes], _LEAST_PROBABILITY))
    shares = case.counts / case.counts.sum()
    seen = np.bincount(codes, minlength=case.n_classes)
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.bincount(codes, losses, case.n_classes) / seen
        entropy = np.where(case.counts > 0, -np.log(shares), np.nan)
    # Rows were drawn class by class: the shares of all training rows weigh them.
    present = case.counts > 0
    return PriorLoss(float((shares * own)[present].sum()), float((shares * entropy)[present].sum()), own, entropy)
