"""The whole Hessian, assembled from weighted Grams and solved by Cholesky.

A loss of relative margins does not change along scores (1 / D_1, ..., 1 / D_K), and at the
optimum coefficients have no part along it. Orthonormal directions B across it leave

    H_ab = sum_i (B' C_i B)_ab z_i z_i' + [a = b] ridge,    a, b = 1..K - 1

with C_i the curvature of the loss of row i in its scores.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import NotSolvedError
from marginscope.fitting.grams import MOST_PACKED, PackedGrams
from marginscope.fitting.newton import Point
from marginscope.fitting.problem import Problem
from marginscope.fitting.rows import Curvature
from marginscope.geometry.gauge import basis_across

__all__ = ["DenseHessian", "class_directions", "newton_direction", "without_common_part"]

Floats = NDArray[np.float64]
_MOST_TRIALS = 40
_SMALLEST_PIVOT = 1e-7
_FIRST_ADDED = 2e-14


def class_directions(scales: Floats) -> Floats:
    """Return B of shape (n_classes, n_classes - 1)."""
    return np.ascontiguousarray(basis_across(1.0 / scales))


def without_common_part(theta: Floats, scales: Floats) -> Floats:
    """Return theta without its part along the common direction; the scores differ by nothing that counts."""
    common = (1.0 / scales) / np.linalg.norm(1.0 / scales)
    return np.asarray(theta - np.outer(common, common @ theta))


class DenseHessian:
    """The Hessian of a problem at a point, damped as the point says, factored."""

    def __init__(self, problem: Problem, point: Point) -> None:
        scales = problem.rows.scales
        self._B = class_directions(scales)
        blocks = _blocks(problem, point.theta, self._B)
        m, q = self._B.shape[1], problem.shape[1]
        H = np.empty((m, q, m, q))
        place = 0
        for a in range(m):
            for b in range(a + 1):
                H[a, :, b] = H[b, :, a] = blocks[place]
                place += 1
        whole = H.reshape(m * q, m * q)
        whole[np.diag_indices(m * q)] += np.tile(problem.ridge + point.damping * problem.total, m)
        self._factor, self._size = _factored(whole)

    def solve(self, gradient: Floats) -> Floats:
        """Return the solution for the part of a gradient across the common direction."""
        from scipy.linalg.lapack import dpotrs

        inside = (self._B.T @ gradient).ravel() / self._size
        solution, _ = dpotrs(self._factor, inside, lower=1)
        return np.asarray(self._B @ (solution / self._size).reshape(self._B.shape[1], -1))


def _blocks(problem: Problem, theta: Floats, B: Floats) -> Floats:
    """Return the Grams of the pairs b <= a, in rows of a."""
    rows = problem.rows
    problem.passes += problem.share
    q = problem.shape[1]
    a, b = np.tril_indices(B.shape[1])
    curved = Curvature(rows, theta).in_directions(B)
    if q <= MOST_PACKED:
        grams = PackedGrams(q, len(a), rows.dtype)
        for block, weights in curved:
            for part, Z in rows.dense(block):
                grams.add(Z, weights[part.start - block.start : part.stop - block.start, a, b])
        return grams.matrices()
    out = np.zeros((len(a), q, q))
    for block, weights in curved:
        for part, Z in rows.dense(block):
            here = weights[part.start - block.start : part.stop - block.start, a, b].astype(Z.dtype)
            for total, w in zip(out, here.T, strict=True):
                total += (w[:, None] * Z).T @ Z
    return out


def _factored(H: Floats) -> tuple[Floats, Floats]:
    """Return the Cholesky factor of H / (size size'), with just enough added to its diagonal."""
    from scipy.linalg.lapack import dpotrf

    diagonal = np.abs(np.diagonal(H))
    size = np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    H /= size[:, None] * size
    added = 0.0
    for _ in range(_MOST_TRIALS):
        trial = H if added == 0.0 else H + added * np.eye(len(H))
        factor, failed = dpotrf(trial, lower=1, clean=0)
        # a pivot that is rounding alone makes a step of any length
        if not failed and np.diagonal(factor).min(initial=1.0) > _SMALLEST_PIVOT:
            return factor, size
        added = max(_FIRST_ADDED, 10.0 * added)
    raise NotSolvedError("a Hessian of finite numbers is needed, but it has others; look for infinite features")


def newton_direction(problem: Problem, point: Point) -> Floats:
    """Return the Newton step at a point."""
    return -DenseHessian(problem, point).solve(point.gradient)
