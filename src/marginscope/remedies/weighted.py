"""A classifier that hands balanced sample weights to the model it wraps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.class_weight import compute_sample_weight

__all__ = ["BalancedWeights"]


class BalancedWeights(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Fit ``estimator`` with the weights n / (K n_k).

    Parameters
    ----------
    estimator : object
        A classifier whose ``fit`` takes the weights under the name ``keyword``.
    keyword : str
        ``"sample_weight"``, or ``"step__sample_weight"`` for a pipeline.
    """

    def __init__(self, estimator: Any = None, keyword: str = "sample_weight") -> None:
        self.estimator = estimator
        self.keyword = keyword

    def fit(self, X: Any, y: Any) -> BalancedWeights:
        """Fit the wrapped model with balanced weights."""
        weights = compute_sample_weight("balanced", y)
        self.estimator_ = clone(self.estimator, safe=False).fit(X, y, **{self.keyword: weights})
        self.classes_ = self.estimator_.classes_
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict labels."""
        return np.asarray(self.estimator_.predict(X))

    def __getattr__(self, name: str) -> Any:
        if name in ("predict_proba", "decision_function"):
            # Only what the wrapped model has, so that hasattr tells the truth.
            return getattr(self.__dict__.get("estimator_", self.__dict__.get("estimator")), name)
        raise AttributeError(name)
