"""The diagonal blocks of a Hessian, one for each class, factored: a preconditioner.

    H_kk = sum_i c_ik z_i z_i' + ridge,    c_ik = d^2 loss_i / d v_ik^2

In single precision: it only has to be near.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from marginscope.fitting.grams import add_weighted_gram
from marginscope.fitting.newton import Point
from marginscope.fitting.problem import Problem
from marginscope.fitting.rows import Curvature
from marginscope.geometry.margins import is_sparse

__all__ = ["BlockPreconditioner", "DiagonalPreconditioner", "Preconditioner", "preconditioner"]

Floats = NDArray[np.float64]
# of the size of a diagonal entry
_LIFT = 1e-5
# weights below this part of their mean are left out
_LIGHT = 0.3
# bytes of blocks that are nothing, the part of the rows' bytes that they may take, and their work over a pass
_SMALL_BLOCKS = 2**22
_PART_OF_ROWS = 1.0 / 6.0
_MOST_WORK = 100


class Preconditioner(Protocol):
    """What is near the inverse of a Hessian."""

    def solve(self, residual: Floats) -> Floats: ...


def preconditioner(problem: Problem, some: Problem, point: Point) -> Preconditioner:
    """Return the blocks of some rows of a problem where they are small beside its rows, and diagonals otherwise."""
    K, q = problem.shape
    X = problem.rows.objective.X
    entries = X.nnz if is_sparse(X) else X.size
    room = max(_SMALL_BLOCKS, _PART_OF_ROWS * entries * X.dtype.itemsize)
    if q**3 <= _MOST_WORK * entries and 4 * K * q**2 <= room:
        return BlockPreconditioner(some, point)
    return DiagonalPreconditioner(some, point)


class BlockPreconditioner:
    """The inverse of the diagonal blocks at a point."""

    def __init__(self, problem: Problem, point: Point) -> None:
        K, q = problem.shape
        rows = problem.rows
        weights = np.maximum(Curvature(rows, point.theta).of_classes(), 0.0)
        # where all classes curve alike, as at zero, one block serves all
        self._n_blocks = 1 if np.all(weights == weights[:, :1]) else K
        weights = np.where(weights > _LIGHT * weights.mean(axis=0), weights, 0.0)
        totals = np.zeros((self._n_blocks, q, q), np.float32)
        for block in rows.blocks:
            for part, rows_of_part in rows.dense(block):
                Z = rows_of_part.astype(np.float32, copy=False)
                for total, w in zip(totals, weights[part].T, strict=False):
                    some = np.flatnonzero(w)
                    add_weighted_gram(total, Z[some], w[some])
        added = (problem.ridge + point.damping * problem.total).astype(np.float32)
        factored = [_factored(one, added) for one in totals]
        self._factors = [factor for factor, _ in factored]
        self._sizes = np.stack([size for _, size in factored])

    def solve(self, residual: Floats) -> Floats:
        """Return the product of the inverse with a matrix of the shape of theta."""
        from scipy.linalg.lapack import spotrs

        # single precision holds no numbers below 1e-38
        scale = np.abs(residual).max(initial=0.0) or 1.0
        right = (residual / scale).astype(np.float32) / self._sizes
        if self._n_blocks == 1:
            solved = spotrs(self._factors[0], right.T, lower=1)[0].T
        else:
            solved = np.stack([spotrs(one, r, lower=1)[0] for one, r in zip(self._factors, right, strict=True)])
        return np.asarray((solved / self._sizes).astype(float) * scale)


def _factored(total: Any, ridge: Any) -> tuple[Any, Any]:
    """Return the Cholesky factor of a block whose diagonal is made one, in its place, and the roots of the diagonal."""
    from scipy.linalg.lapack import spotrf

    diagonal = np.diagonal(total) + ridge
    size = np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    total /= size[:, None] * size
    # the upper triangle of a row-major matrix is the lower one in the order of Fortran; the other keeps a copy
    lower = np.tri(len(total), k=-1, dtype=bool)
    total[lower] = total.T[lower]
    lift = _LIFT
    while True:
        total[np.diag_indices(len(total))] = 1.0 + lift
        factor, failed = spotrf(total.T, lower=1, clean=0, overwrite_a=1)
        if not failed:
            return factor, size
        total.T[lower] = total[lower]
        lift *= 10.0


class DiagonalPreconditioner:
    """The inverse of the diagonal at a point, for many columns."""

    def __init__(self, problem: Problem, point: Point) -> None:
        rows = problem.rows
        weights = np.maximum(Curvature(rows, point.theta).of_classes(), 0.0)
        diagonal = np.zeros(problem.shape)
        for block in rows.blocks:
            X = rows.objective.X[block]
            if is_sparse(X):
                squares = X.multiply(X.multiply(1.0 / rows.coordinates.size**2)).tocsr()
                diagonal[:, : rows.n_features] += np.asarray(squares.T @ weights[block]).T
                diagonal[:, rows.n_features :] += weights[block].sum(axis=0)[:, None]
            else:
                for part, Z in rows.dense(block):
                    diagonal += weights[part].T @ Z**2
        diagonal += problem.ridge + point.damping * problem.total
        self._diagonal = np.where(diagonal > 0.0, diagonal, max(float(diagonal.max(initial=0.0)), 1e-300))

    def solve(self, residual: Floats) -> Floats:
        return residual / self._diagonal
