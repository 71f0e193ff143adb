"""A network whose last layer is fitted again on frozen features, every class with the same weight."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone

from marginscope.adapters.networks import network_part
from marginscope.exceptions import ModelError

__all__ = ["RetrainedHead"]

Floats = NDArray[np.float64]


class RetrainedHead(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Fit ``estimator``, freeze what comes before its last layer, and fit that layer to balanced classes.

    Parameters
    ----------
    estimator : classifier
        A network.
    C : float
        Weight of the loss of the new layer, on standardised features.

    Notes
    -----
    Classifier re-training of Kang et al. (2020): sampling the classes equally often is, in the
    mean, the same as weighting them equally, which is what is done here.
    """

    def __init__(self, estimator: Any = None, C: float = 1.0) -> None:
        self.estimator = estimator
        self.C = C

    def fit(self, X: Any, y: Any) -> RetrainedHead:
        """Fit the network, then its last layer."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        self.estimator_ = clone(self.estimator, safe=False).fit(X, y)
        self.classes_ = self.estimator_.classes_
        head = LogisticRegression(C=self.C, class_weight="balanced", max_iter=1000)
        self.head_ = make_pipeline(StandardScaler(), head).fit(self._features(X), y)
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict labels by the new layer."""
        return np.asarray(self.head_.predict(self._features(X)))

    def predict_proba(self, X: Any) -> Floats:
        """Return probabilities (n_samples, n_classes) of a population of equal classes."""
        return np.asarray(self.head_.predict_proba(self._features(X)))

    def _features(self, X: Any) -> Floats:
        n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
        # The labels play no part in the features.
        part = network_part(self.estimator_, X, np.resize(self.classes_, n_rows))
        if part is None:
            raise ModelError(
                f"a network with a linear last layer is needed, but got {type(self.estimator_).__name__}; "
                "use class weights for other models"
            )
        return part.features
