"""Classifiers that hand sample weights by class to the model they wrap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.class_weight import compute_sample_weight

__all__ = ["BalancedWeights", "LabelWeights"]


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
        weights = self._weights(y)
        self.estimator_ = clone(self.estimator, safe=False).fit(X, y, **{self.keyword: weights})
        self.classes_ = self.estimator_.classes_
        return self

    def _weights(self, y: Any) -> NDArray[np.float64]:
        return np.asarray(compute_sample_weight("balanced", y), dtype=np.float64)

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict labels."""
        return np.asarray(self.estimator_.predict(X))

    def __getattr__(self, name: str) -> Any:
        if name in ("predict_proba", "decision_function"):
            # Only what the wrapped model has, so that hasattr tells the truth.
            return getattr(self.__dict__.get("estimator_", self.__dict__.get("estimator")), name)
        raise AttributeError(name)


class LabelWeights(BalancedWeights):
    """Fit ``estimator`` with a given weight per label.

    Parameters
    ----------
    estimator, keyword
        See ``BalancedWeights``.
    weights : mapping {label: weight}
    """

    def __init__(
        self, estimator: Any = None, weights: Mapping[Any, float] | None = None, keyword: str = "sample_weight"
    ) -> None:
        super().__init__(estimator, keyword)
        self.weights = weights

    def _weights(self, y: Any) -> NDArray[np.float64]:
        given = self.weights or {}
        return np.array([given.get(label, 1.0) for label in np.asarray(y).tolist()])
