"""The multinomial log likelihood and its largest value on a linear space.

    l(W) = sum_i omega_i log softmax(W z_i)_{y_i}

A hypothesis is a linear space: its columns A span the allowed vec(W), classes first.
Newton's method works inside it, and keeps the information for a few steps while that
is good enough. Where the data are separable the value tends to its supremum, though
W tends nowhere: every step takes the part that is left down by a factor e or more.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from marginscope.exceptions import NotSolvedError
from marginscope.geometry.gauge import contrast_basis
from marginscope.geometry.intercept import with_ones
from marginscope.geometry.softmax_information import softmax_information
from marginscope.inference.design import Design
from marginscope.losses.adjust import Adjustment
from marginscope.losses.cross_entropy import CrossEntropy
from marginscope.objectives import LinearObjective

__all__ = ["Likelihood", "Maximum"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_MOST_STEPS = 200
_DECREMENT = 1e-11
_FAST_ENOUGH = 0.1
_SMALLEST_STEP = 1e-8
_LIFT = 1e-14
# what the last step may promise and not keep
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Maximum:
    """W (n_classes, n_columns) and the log likelihood there."""

    W: Floats
    log_likelihood: float


class Likelihood:
    """The log likelihood of class codes under linear scores of a design.

    Parameters
    ----------
    design : Design
    y : (n_samples,) class codes
    n_classes : int
    weights : (n_samples,)
        How often each row counts.
    """

    def __init__(self, design: Design, y: Codes, n_classes: int, weights: Floats) -> None:
        self.design, self.n_classes, self.weights = design, n_classes, weights
        self.Z = with_ones(design.Q) if design.fit_intercept else design.Q
        self.objective = LinearObjective(
            CrossEntropy(),
            design.Q,
            y,
            n_classes,
            adjustment=Adjustment(sample_weights=weights),
            fit_intercept=design.fit_intercept,
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of W."""
        return self.objective.shape

    @cached_property
    def space(self) -> Floats:
        """All W that sum to zero over the classes, as orthonormal columns."""
        return np.asarray(np.kron(contrast_basis(self.n_classes), np.eye(self.shape[1])), dtype=float)

    def probabilities(self, W: Floats) -> Floats:
        """Return the softmax of the scores, (n_samples, n_classes)."""
        scores = self.Z @ W.T
        scores -= scores.max(axis=1, keepdims=True)
        P = np.exp(scores)
        return np.asarray(P / P.sum(axis=1, keepdims=True))

    def information(self, W: Floats) -> Floats:
        """Return the Fisher information, (n_classes * n_columns) square."""
        return softmax_information(self.Z, self.probabilities(W), self.weights)

    def maximise(self, space: Floats, start: Floats | None = None) -> Maximum:
        """Return the maximum, or nearly the supremum, in the span of ``space``.

        Parameters
        ----------
        space : (n_classes * n_columns, m) array
            Orthonormal columns; a vector added to every class is in none of them.
        start : (n_classes, n_columns) array, optional

        Raises
        ------
        NotSolvedError
            If no step raises the likelihood though the gradient is not zero.
        """
        theta = np.zeros(space.shape[1]) if start is None else space.T @ start.ravel()
        value, g = self._at(space, theta)
        if not space.shape[1]:
            return Maximum(self._W(space, theta), -value)
        factor, last = None, np.inf
        for _ in range(_MOST_STEPS):
            if factor is None:
                factor = _factor(space.T @ self.information(self._W(space, theta)) @ space)
            step = -scipy.linalg.cho_solve(factor, g, check_finite=False)
            decrement = -0.5 * float(g @ step)
            if decrement <= _DECREMENT * max(1.0, 1e-3 * value):
                return Maximum(self._W(space, theta + step), -min(value, self._at(space, theta + step)[0]))
            length, (trial, h) = 1.0, self._at(space, theta + step)
            while not trial <= value - 0.2 * length * decrement and length > _SMALLEST_STEP:
                length *= 0.5
                trial, h = self._at(space, theta + length * step)
            if length <= _SMALLEST_STEP:
                break
            theta, value, g = theta + length * step, trial, h
            if length < 1.0 or decrement > _FAST_ENOUGH * last:
                factor = None
            last = decrement
        if decrement <= _ROUNDING * max(1.0, value):
            return Maximum(self._W(space, theta), -value)
        raise NotSolvedError(
            f"a maximum of the likelihood is needed, but Newton's method stands still {decrement:.1e} below it; "
            "bring the columns to similar scales"
        )

    def _W(self, space: Floats, theta: Floats) -> Floats:
        return np.asarray((space @ theta).reshape(self.shape))

    def _at(self, space: Floats, theta: Floats) -> tuple[float, Floats]:
        value, gradient = self.objective.value_and_gradient(self._W(space, theta))
        return value, space.T @ gradient.ravel()


def _factor(H: Floats) -> tuple[Floats, bool]:
    """Factor the information; a curvature far below rounding keeps flat directions solvable."""
    H = 0.5 * (H + H.T)
    lift = _LIFT * float(np.trace(H)) / max(1, len(H))
    while True:
        try:
            H[np.diag_indices(len(H))] += lift
            return scipy.linalg.cho_factor(H, lower=True, check_finite=False)
        except scipy.linalg.LinAlgError:
            lift = max(10.0 * lift, np.finfo(float).tiny)
