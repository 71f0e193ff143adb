"""Truncated Newton: steps by conjugate gradients, preconditioned by blocks from some of the rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from marginscope.fitting.block_preconditioner import Preconditioner, preconditioner
from marginscope.fitting.conjugate_gradients import conjugate_gradients
from marginscope.fitting.dense_hessian import without_common_part
from marginscope.fitting.newton import Point, Stopping, minimise
from marginscope.fitting.problem import Problem
from marginscope.fitting.rows import Curvature

__all__ = ["ImplicitHessian", "TruncatedDirection", "newton_cg"]

Floats = NDArray[np.float64]
_MOST_PRODUCTS = 250
# rows for each column that the blocks are made from, and steps after which they are made anew
_ROWS_PER_COLUMN = 6
_FEWEST_ROWS = 4000
_KEPT_FOR = 2
# how far conjugate gradients go at most, and least beyond what the tolerance asks for
_RTOL = 0.5
_BEYOND_TOL = 0.3


class ImplicitHessian:
    """The damped Hessian of a problem at a point, known by its products, and solved by conjugate gradients."""

    def __init__(self, problem: Problem, point: Point, blocks: Preconditioner) -> None:
        self._problem, self._blocks = problem, blocks
        self._added = problem.ridge + point.damping * problem.total
        self._curvature = Curvature(problem.rows, point.theta)
        problem.passes += problem.share

    def solve(self, right: Floats, rtol: float) -> Floats:
        """Return about the inverse of the Hessian times a matrix."""
        return conjugate_gradients(self._product, self._precondition, right, rtol=rtol, max_iter=_MOST_PRODUCTS)

    def _precondition(self, residual: Floats) -> Floats:
        # blocks know nothing of the common direction, in which there is no curvature but the ridge
        return without_common_part(self._blocks.solve(residual), self._problem.rows.scales)

    def _product(self, V: Floats) -> Floats:
        self._problem.passes += self._problem.share
        return np.asarray(self._curvature.product(V) + self._added * V)


class TruncatedDirection:
    """Newton directions of a problem by conjugate gradients.

    Parameters
    ----------
    products_of : Problem
        Whose rows give the Hessian.
    some : callable
        Returns the problem whose rows give the preconditioner; it is not kept.
    tol : float
        Gradient norm that is wanted.
    """

    def __init__(self, products_of: Problem, some: Callable[[], Problem], tol: float) -> None:
        self._problem, self._some, self._tol = products_of, some, tol
        self._made_at, self._damping = -_KEPT_FOR, 0.0
        self._first_norm = 0.0
        self._blocks: Preconditioner | None = None

    def __call__(self, point: Point) -> Floats:
        if point.n_iter >= self._made_at + _KEPT_FOR or point.damping != self._damping:
            self._blocks = None  # the largest arrays of all: never two of them
            some = self._some()
            self._blocks = preconditioner(self._problem, some, point)
            if some is not self._problem:
                self._problem.passes += some.share
            self._made_at, self._damping = point.n_iter, point.damping
        self._first_norm = max(self._first_norm, point.norm)
        rtol = max(min(_RTOL, (point.norm / self._first_norm) ** 0.5), min(0.5, _BEYOND_TOL * self._tol / point.norm))
        assert self._blocks is not None
        return -ImplicitHessian(self._problem, point, self._blocks).solve(point.gradient, rtol)


def newton_cg(problem: Problem, theta: Floats, stopping: Stopping, rng: np.random.Generator) -> Point:
    """Run truncated Newton on all rows from theta."""
    n, q = problem.rows.n_samples, problem.shape[1]
    n_some = min(n, max(_FEWEST_ROWS, _ROWS_PER_COLUMN * q))
    chosen = np.sort(rng.choice(n, n_some, replace=False))

    def some() -> Problem:
        return problem if n_some == n else problem.sample(chosen, n / n_some)

    theta = without_common_part(theta, problem.rows.scales)
    quick = problem.in_single_precision()
    point = minimise(problem, theta, TruncatedDirection(quick, some, stopping.tol), stopping)
    if quick is not problem:
        problem.passes += quick.passes
    return point
