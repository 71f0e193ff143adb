"""A network of one hidden layer, shared by all classes or in a branch per class, with exact gradients.

    scores(x) = V a(U x),    a(z) = max(0, z) or 1 / (1 + exp(-z))

There are no biases: give the rows a column of ones. With max(0, z) the scores are homogeneous of
degree 2 in (U, V). Gradients are those of cross-entropy, in logarithms, so that they are exact
where the loss underflows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy.special
from numpy.typing import NDArray

from marginscope.geometry.label_code import margins_of_scores, scores_of_weights
from marginscope.losses.cross_entropy import CrossEntropy
from marginscope.losses.log_domain import log_sum_exp

__all__ = ["Descended", "TwoLayer", "Weights", "descend_network"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_LOSS = CrossEntropy()


class Weights(NamedTuple):
    """U of the hidden layer, (n_hidden, n_features), and V above it, (n_classes, n_hidden)."""

    hidden: Floats
    output: Floats

    def flat(self) -> Floats:
        """Return both as one vector."""
        return np.concatenate([self.hidden.ravel(), self.output.ravel()])

    def moved(self, step: float, direction: Weights) -> Weights:
        """Return these weights plus a step along a direction."""
        return Weights(self.hidden + step * direction.hidden, self.output + step * direction.output)


@dataclass(frozen=True)
class TwoLayer:
    """Activation, and to which class a hidden unit belongs.

    Attributes
    ----------
    activation : str
        "relu" or "sigmoid".
    has_branches : bool
        Split the hidden units evenly among the classes; a class's score is of its own units.
    """

    activation: str = "relu"
    has_branches: bool = False

    def start(self, n_features: int, n_hidden: int, n_classes: int, scale: float, rng: np.random.Generator) -> Weights:
        """Draw U and V normal, of variance scale^2 over the number of inputs of their layer."""
        U = rng.standard_normal((n_hidden, n_features)) * (scale / np.sqrt(n_features))
        V = rng.standard_normal((n_classes, n_hidden)) * (scale / np.sqrt(n_hidden))
        return Weights(U, V * self._connected(V))

    def units(self, weights: Weights, X: Floats) -> tuple[Floats, Floats]:
        """Return the activations of the hidden units on every row, and their slopes; max(0, z) has slope 0 at 0."""
        z = X @ weights.hidden.T
        if self.activation == "relu":
            return np.maximum(z, 0.0), (z > 0.0).astype(float)
        # the slope by both tails: 1 - a(z) would round to 0
        return scipy.special.expit(z), scipy.special.expit(z) * scipy.special.expit(-z)

    def scores(self, weights: Weights, X: Floats) -> Floats:
        """Return the scores, (n_samples, n_classes)."""
        return np.asarray(self.units(weights, X)[0] @ weights.output.T)

    def pull_back(self, weights: Weights, X: Floats, G: Floats) -> Weights:
        """Return the gradient of sum_ik G_ik score_k(x_i)."""
        a, slope = self.units(weights, X)
        hidden = ((G @ weights.output) * slope).T @ X
        output = G.T @ a
        return Weights(hidden, output * self._connected(output))

    def pair_gradients(self, weights: Weights, X: Floats, own: Codes, rivals: Codes) -> Floats:
        """Return the gradient of score_own(x) - score_rival(x), one flat row for each row of X."""
        a, slope = self.units(weights, X)
        K, n = len(weights.output), np.arange(len(X))
        G = np.zeros((len(X), K))
        G[n, own] += 1.0
        G[n, rivals] -= 1.0
        hidden = ((G @ weights.output) * slope)[:, :, None] * X[:, None, :]
        output = G[:, :, None] * a[:, None, :] * self._connected(weights.output)
        return np.concatenate([hidden.reshape(len(X), -1), output.reshape(len(X), -1)], axis=1)

    def force(self, weights: Weights, X: Floats, y: Codes, log_omega: Floats | None = None) -> tuple[Weights, float]:
        """Return minus the gradient of the summed cross-entropy, divided by the loss, and the loss's logarithm."""
        G, log_loss = self.pulls(weights, X, y, log_omega)
        return self.pull_back(weights, X, G), log_loss

    def pulls(self, weights: Weights, X: Floats, y: Codes, log_omega: Floats | None = None) -> tuple[Floats, float]:
        """Return minus the derivative of the loss by the scores, divided by the loss, and the loss's logarithm."""
        margins = margins_of_scores(self.scores(weights, X), y)
        own = np.zeros(len(y)) if log_omega is None else log_omega
        log_loss = float(log_sum_exp(_LOSS.log_value(margins) + own))
        return scores_of_weights(np.exp(_LOSS.log_weights(margins) + own[:, None] - log_loss), y), log_loss

    def class_forces(self, weights: Weights, X: Floats, y: Codes) -> list[Weights]:
        """Return the part of ``force`` that is of the rows of each class."""
        G, _ = self.pulls(weights, X, y)
        K = len(weights.output)
        return [self.pull_back(weights, X[y == k], G[y == k]) for k in range(K)]

    def _connected(self, V: Floats) -> Floats:
        """Return 1 where a class uses a hidden unit, else 0."""
        K, n_hidden = V.shape
        if not self.has_branches:
            return np.ones((K, n_hidden))
        return np.asarray(np.arange(n_hidden) * K // n_hidden == np.arange(K)[:, None], dtype=float)


@dataclass(frozen=True)
class Descended:
    """The weights at the recorded steps."""

    steps: list[int]
    weights: list[Weights]
    log_loss: list[float]


def descend_network(
    network: TwoLayer,
    weights: Weights,
    X: Floats,
    y: Codes,
    *,
    step_size: float,
    records: Sequence[int],
    adaptive: bool = False,
    log_omega: Floats | None = None,
) -> Descended:
    """Take full-batch steps on the mean loss, and record the weights.

    With ``adaptive`` the step is step_size / (B^2 ||theta||^2) times the gradient of the loss's
    logarithm, B the length of the longest row: the path of gradient flow in another clock, in
    which margins grow linearly (Lyu & Li 2020, loss-based step sizes).
    """
    records = sorted(set(records))
    longest = float((X**2).sum(axis=1).max())
    found = Descended([], [], [])
    for step in range(records[-1] + 1):
        force, log_loss = network.force(weights, X, y, log_omega)
        if step in records:
            found.steps.append(step)
            found.weights.append(weights)
            found.log_loss.append(log_loss)
        if adaptive:
            size = step_size / (longest * float((weights.flat() ** 2).sum()))
        else:
            size = step_size * float(np.exp(log_loss)) / len(y)
        weights = weights.moved(size, force)
    return found
