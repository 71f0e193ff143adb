"""A classifier whose penalty is meant for the mean of the losses, not their sum."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.metaestimators import available_if

__all__ = ["PenaltyPerRow"]


def _has(method: str) -> Any:
    return available_if(lambda self: hasattr(getattr(self, "estimator_", self.estimator), method))


class PenaltyPerRow(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Set C = 1 / (alpha n) of a linear classifier when its n rows are known.

    ``SGDClassifier`` penalises with alpha / 2 ||W||^2 beside the mean loss; the same optimum
    has C = 1 / (alpha n) beside the sum of the losses.

    Parameters
    ----------
    estimator : object
        A classifier with a parameter ``C`` that multiplies the sum of its losses.
    alpha : float
        Strength of the penalty, positive.
    """

    def __init__(self, estimator: Any = None, alpha: float = 1e-4) -> None:
        self.estimator = estimator
        self.alpha = alpha

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> PenaltyPerRow:
        """Fit with the C of these rows."""
        n = X.shape[0] if hasattr(X, "shape") else len(X)
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        self.estimator_ = clone(self.estimator).set_params(C=1.0 / (self.alpha * n)).fit(X, y, **weights)
        self.classes_ = self.estimator_.classes_
        self.coef_, self.intercept_ = self.estimator_.coef_, self.estimator_.intercept_
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict labels."""
        return np.asarray(self.estimator_.predict(X))

    @_has("decision_function")  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return the scores."""
        return np.asarray(self.estimator_.decision_function(X))

    @_has("predict_proba")  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict probabilities."""
        return np.asarray(self.estimator_.predict_proba(X))
