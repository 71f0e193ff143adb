"""A classifier whose class vectors are divided by a power of their length after the fit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.metaestimators import available_if

from marginscope._validation import label_codes
from marginscope.adapters.linear_part import linear_part
from marginscope.adapters.networks import network_part
from marginscope.exceptions import ModelError

__all__ = ["TauNormalised", "last_layer"]

Floats = NDArray[np.float64]


def last_layer(fitted: Any, X: Any) -> tuple[Floats, Any]:
    """Return coefficients (n_classes, d) and features (n_samples, d) of the last linear layer.

    Raises
    ------
    ModelError
        If the model has none.
    """
    part = linear_part(fitted, X)
    if part is not None:
        return part.coef, part.features
    classes = np.asarray(fitted.classes_)
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    inside = network_part(fitted, X, np.resize(classes, n_rows))
    if inside is None:
        raise ModelError(
            f"a linear model or a network with a linear last layer is needed, but got {type(fitted).__name__}; "
            "this rule has nothing to rescale there"
        )
    return inside.coef, inside.features


class TauNormalised(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Predict by w_k . (h - m) / ||w_k||^tau, with w as ``estimator`` has fitted them and m the mean of class means.

    ``predict_proba`` stays that of the estimator, so its largest entry need not be the prediction.

    Parameters
    ----------
    estimator : classifier
        Linear, or a network with a linear last layer.
    tau : float
        0 keeps the lengths, 1 makes them equal.

    Attributes
    ----------
    estimator_ : classifier
        Fitted to all rows.
    classes_ : (n_classes,) array
    middle_ : (n_hidden,) array
        m, in the features that the last layer reads.

    Notes
    -----
    Kang et al. (2020), equation 6, drop the intercept, because it holds the class shares. Measured
    from m instead of from the origin, scores do not depend on where the origin lies.
    """

    def __init__(self, estimator: Any = None, tau: float = 1.0) -> None:
        self.estimator = estimator
        self.tau = tau

    def fit(self, X: Any, y: Any) -> TauNormalised:
        """Fit the estimator, and find the middle of the classes."""
        self.estimator_ = clone(self.estimator, safe=False).fit(X, y)
        self.classes_ = self.estimator_.classes_
        _, features = last_layer(self.estimator_, X)
        codes = label_codes(np.asarray(y), self.classes_)
        member = codes[:, None] == np.arange(len(self.classes_))
        means = np.asarray(features.T @ member) / member.sum(axis=0)
        self.middle_ = means.mean(axis=1)
        return self

    def decision_function(self, X: Any) -> Floats:
        """Return the rescaled scores, one column per class."""
        coef, features = last_layer(self.estimator_, X)
        lengths = np.linalg.norm(coef, axis=1)
        # A class vector of length zero scores zero everywhere, whatever it is divided by.
        factors = np.where(lengths > 0, lengths, 1.0) ** -self.tau
        return np.asarray((np.asarray(features @ coef.T) - coef @ self.middle_) * factors)

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the label of the largest rescaled score."""
        return np.asarray(self.classes_[self.decision_function(X).argmax(axis=1)])

    @available_if(lambda self: hasattr(self.estimator, "predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Floats:
        """Return the probabilities of the estimator."""
        return np.asarray(self.estimator_.predict_proba(X))
