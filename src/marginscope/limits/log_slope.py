"""How fast the logarithms of the weights fall with the margins.

    D_jk(u) = -d log q_j / d u_k,    Hessian of psi = diag(q) D

D is of ordinary size where q underflows, which is what a step in log time needs. For
templates of the sum S it is I - (1 - c) 1 s', with shares s_j = exp(-u_j) / S and c = h'' / h'
in t = log S; for sums over the rivals it is diagonal; for others a matrix of differences.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from marginscope.losses.cross_entropy import CrossEntropy
from marginscope.losses.log_domain import share_and_log_sum, sigmoid
from marginscope.losses.pair_logistic import PairLogistic
from marginscope.losses.pairwise import PairwiseTemplate
from marginscope.losses.sum_template import SumTemplate
from marginscope.losses.template import Template

__all__ = ["LogSlope", "MatrixSlope", "PairSlope", "SumSlope", "log_slope"]

Floats = NDArray[np.float64]

# central differences of logarithms, whose rounding grows with their size
_STEP = 6e-6
_LONG_STEP = 1e-4


class SumSlope(NamedTuple):
    """D = I - (1 - c) 1 s' with c and its derivative in t, both (n_samples, 1)."""

    shares: Floats
    relative: Floats
    change_of_relative: Floats

    def product(self, change: Floats) -> Floats:
        """Return D times a change of the margins, (n_samples, n_classes - 1)."""
        return np.asarray(change - (1.0 - self.relative) * self._mean(change))

    def bend(self, change: Floats) -> Floats:
        """Return the second derivative of log q along the change."""
        mean = self._mean(change)
        variance = self._mean((change - mean) ** 2)
        return np.asarray(self.change_of_relative * mean**2 - (1.0 - self.relative) * variance)

    def weighted(self, weights: Floats, j: int, k: int) -> Floats:
        """Return weight_ij D_jk of every row."""
        out = -weights[:, j] * (1.0 - self.relative[:, 0]) * self.shares[:, k]
        return np.asarray(out + weights[:, j] if j == k else out)

    def _mean(self, values: Floats) -> Floats:
        return np.asarray(np.einsum("ij,ij->i", self.shares, values)[:, None])


class PairSlope(NamedTuple):
    """D diagonal, and minus the second derivative of log q_j in u_j."""

    diagonal: Floats
    change_of_diagonal: Floats

    def product(self, change: Floats) -> Floats:
        """Return D times a change of the margins, (n_samples, n_classes - 1)."""
        return self.diagonal * change

    def bend(self, change: Floats) -> Floats:
        """Return the second derivative of log q along the change."""
        return -self.change_of_diagonal * change**2

    def weighted(self, weights: Floats, j: int, k: int) -> Floats:
        """Return weight_ij D_jk of every row."""
        return weights[:, j] * self.diagonal[:, j] if j == k else np.zeros(len(weights))


class MatrixSlope(NamedTuple):
    """D of a template that is known by its logarithms only, (n_samples, n_classes - 1, n_classes - 1)."""

    matrix: Floats
    log_weights: Callable[[Floats], Floats]
    margins: Floats

    def product(self, change: Floats) -> Floats:
        """Return D times a change of the margins, (n_samples, n_classes - 1)."""
        return np.asarray(np.einsum("ijk,ik->ij", self.matrix, change))

    def bend(self, change: Floats) -> Floats:
        """Return the second derivative of log q along the change."""
        length = _LONG_STEP / max(1.0, float(np.abs(change).max(initial=0.0)))
        ahead, here, behind = (self.log_weights(self.margins + sign * length * change) for sign in (1.0, 0.0, -1.0))
        return np.asarray((ahead - 2.0 * here + behind) / length**2)

    def weighted(self, weights: Floats, j: int, k: int) -> Floats:
        """Return weight_ij D_jk of every row."""
        return np.asarray(weights[:, j] * self.matrix[:, j, k])


LogSlope: TypeAlias = SumSlope | PairSlope | MatrixSlope


def log_slope(template: Template, margins: Floats) -> LogSlope:
    """Return D at margins of shape (n_samples, n_classes - 1)."""
    if isinstance(template, SumTemplate):
        shares, t = share_and_log_sum(margins)
        if isinstance(template, CrossEntropy):
            relative = sigmoid(-t)
            change = -relative * sigmoid(t)
        else:
            relative, change = _derivatives(template.log_slope, t)
        return SumSlope(shares, relative[:, None], change[:, None])
    if isinstance(template, PairLogistic):
        diagonal = sigmoid(margins)
        return PairSlope(diagonal, diagonal * (1.0 - diagonal))
    if isinstance(template, PairwiseTemplate):
        first, second = _derivatives(template.log_weights, margins)
        return PairSlope(-first, -second)
    return MatrixSlope(_differences(template, margins), template.log_weights, margins)


def _derivatives(function: Callable[[Floats], Floats], x: Floats) -> tuple[Floats, Floats]:
    """Return the first and second derivative of an elementwise function."""
    scale = np.maximum(1.0, np.abs(x))
    step = _STEP * scale
    ahead, behind = x + step, x - step
    first = (function(ahead) - function(behind)) / (ahead - behind)
    step = _LONG_STEP * scale
    ahead, behind = x + step, x - step
    second = (function(ahead) - 2.0 * function(x) + function(behind)) / step**2
    return np.asarray(first), np.asarray(second)


def _differences(template: Template, margins: Floats) -> Floats:
    out = np.empty((*margins.shape, margins.shape[1]))
    for k in range(margins.shape[1]):
        step = _STEP * np.maximum(1.0, np.abs(margins[:, k]))
        ahead, behind = margins.copy(), margins.copy()
        ahead[:, k] += step
        behind[:, k] -= step
        width = (ahead[:, k] - behind[:, k])[:, None]
        out[:, :, k] = (template.log_weights(behind) - template.log_weights(ahead)) / width
    return out
