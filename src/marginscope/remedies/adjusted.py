"""A classifier that reads another one's probabilities through a rule."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, clone

from marginscope.remedies.recipe import Posthoc

__all__ = ["AdjustedClassifier"]


class AdjustedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Fit ``estimator``, then predict by ``rule(probabilities, training shares)``."""

    def __init__(self, estimator: Any = None, rule: Posthoc | None = None) -> None:
        self.estimator = estimator
        self.rule = rule

    def fit(self, X: Any, y: Any) -> AdjustedClassifier:
        """Fit the wrapped model and count the classes."""
        self.estimator_ = clone(self.estimator, safe=False).fit(X, y)
        self.classes_ = self.estimator_.classes_
        self.shares_ = np.array([np.mean(np.asarray(y) == label) for label in self.classes_])
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return the adjusted scores, one column per class."""
        if self.rule is None:
            raise ValueError("a rule (probabilities, shares) -> scores is needed, got None; pass rule=")
        return self.rule(self.estimator_.predict_proba(X), self.shares_)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the softmax of the adjusted scores, in agreement with the decisions.

        The probabilities under the shares of the training rows are those of ``estimator_``.
        """
        return np.asarray(softmax(self.decision_function(X), axis=1))

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the label of the largest adjusted score."""
        return np.asarray(self.classes_[self.decision_function(X).argmax(axis=1)])
