"""The inside of scikit-learn's multilayer perceptron, in plain NumPy.

With z_l = h_{l-1} A_l + b_l and h_l = a(z_l), the last layer gives the scores v = h_L A + b.
The reach of the units of layer l on a row of class y is

    |d (v_y - mean_k v_k) / d z_l|,     g_L = A_y - mean_k A_k,   g_{l-1} = A_l (g_l * a'(z_l))

and the pull of the loss is onehot(y) - softmax(v), which is minus its slope in the scores.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope._validation import label_codes
from marginscope.adapters.components import is_named
from marginscope.adapters.network_part import NetworkPart, UnitLayer
from marginscope.geometry.gauge import two_rows

__all__ = ["is_perceptron", "perceptron_part"]

Floats = NDArray[np.float64]

# Slopes from the outputs h = a(z), as scikit-learn's own: at z = 0 the slope of relu counts as 0.
_SLOPES: dict[str, Callable[[Floats], Floats]] = {
    "identity": np.ones_like,
    "relu": lambda h: (h > 0.0).astype(np.float64),
    "tanh": lambda h: 1.0 - h * h,
    "logistic": lambda h: h * (1.0 - h),
}
_ACTIVATIONS: dict[str, Callable[[Floats], Floats]] = {
    "identity": lambda z: z,
    "relu": lambda z: np.maximum(z, 0.0),
    "tanh": np.tanh,
    "logistic": lambda z: 0.5 * (1.0 + np.tanh(0.5 * z)),
}


def is_perceptron(model: Any) -> bool:
    """Return whether it is scikit-learn's multilayer perceptron for classes."""
    return is_named(model, "BaseMultilayerPerceptron") and is_named(model, "ClassifierMixin")


def perceptron_part(fitted: Any, X: Any, y: Any) -> NetworkPart | None:
    """Return the inside of a fitted ``MLPClassifier``, ``None`` if it answers with several labels a row.

    Parameters
    ----------
    fitted : object
    X : array or sparse matrix of shape (n_samples, n_features)
        Rows as the perceptron takes them, after all steps in front of it.
    y : array-like of shape (n_samples,)
        Labels; one that the fit did not see pulls nothing up.

    Notes
    -----
    For two classes scikit-learn has one logistic unit v; here its rows are -v/2 and v/2,
    whose softmax is the same.
    """
    weights = [np.asarray(one, dtype=np.float64) for one in fitted.coefs_]
    shifts = [np.asarray(one, dtype=np.float64) for one in fitted.intercepts_]
    classes = np.asarray(fitted.classes_)
    coef, intercept = weights[-1].T, shifts[-1]
    if fitted.out_activation_ == "logistic":
        if len(classes) != 2 or coef.shape[0] != 1:
            return None
        coef, intercept = two_rows(coef), two_rows(intercept).ravel()
    hidden = _hidden(X, weights[:-1], shifts[:-1], _ACTIVATIONS[fitted.activation])
    features = hidden[-1] if hidden else _dense(X)
    scores = features @ coef.T + intercept
    onehot = (label_codes(np.asarray(y), classes)[:, None] == np.arange(len(classes))).astype(np.float64)
    reach = _reach(hidden, weights, onehot, coef, _SLOPES[fitted.activation])
    layers = tuple(
        UnitLayer(f"hidden layer {number}", outputs, size)
        for number, (outputs, size) in enumerate(zip(hidden, reach, strict=True), start=1)
    )
    return NetworkPart(
        layers, features, coef, intercept, scores, onehot - _softmax(scores), classes, loss_name="cross_entropy"
    )


def _hidden(
    X: Any, weights: list[Floats], shifts: list[Floats], activation: Callable[[Floats], Floats]
) -> list[Floats]:
    """Return the outputs of every hidden layer."""
    outputs: list[Floats] = []
    for A, b in zip(weights, shifts, strict=True):
        X = activation(np.asarray(X @ A) + b)
        outputs.append(X)
    return outputs


def _reach(
    hidden: list[Floats], weights: list[Floats], onehot: Floats, coef: Floats, slope: Callable[[Floats], Floats]
) -> list[Floats]:
    """Return the sizes of the derivatives of own score less mean score, layer by layer."""
    back = (onehot - onehot.mean(axis=1, keepdims=True)) @ coef
    found: list[Floats] = []
    for number in reversed(range(len(hidden))):
        into = back * slope(hidden[number])
        found.append(np.abs(into))
        back = into @ weights[number].T if number else back
    return found[::-1]


def _softmax(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _dense(X: Any) -> Floats:
    return np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=np.float64)
