"""Newton's method on growing samples of the rows, then on all with the Hessian of a sample.

A sample of n rows settles theta up to an error that shrinks as 1 / n, so that steps on all rows
are few: each gains what the Hessian of a sample is good for, and pairs of steps and changes of
the gradient correct that Hessian as they come (Byrd, Hansen, Nocedal and Singer 2016).
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from marginscope.fitting.dense_hessian import DenseHessian, newton_direction, without_common_part
from marginscope.fitting.limited_memory import CorrectedDirection
from marginscope.fitting.newton import Point, Stopping, minimise
from marginscope.fitting.newton_cg import TruncatedDirection, newton_cg
from marginscope.fitting.problem import Problem

__all__ = ["subsampled"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
_MOST_DENSE = 2000
_GROWTH = 4
_STAGE_STEPS = 30
# rows of the last sample, and of the one whose Hessian serves all rows, for each column and unknown
_ROWS_PER_COLUMN = 400
_ROWS_PER_UNKNOWN = 150
_N_PAIRS = 12
# steps after which a Hessian is made anew, from other rows, and the part of all rows that it takes at most
_KEPT_FOR = 8
_MOST_ROWS = 0.125
_ENOUGH_ROWS = 20000


class SampledDirection:
    """Directions of the whole Hessian of a sample, which is made anew where many steps were not enough."""

    def __init__(self, problem: Problem, order: Codes) -> None:
        n, (K, q) = len(order), problem.shape
        self._problem, self._order = problem, order
        self._size = min(_ROWS_PER_UNKNOWN * (K - 1) * q, int(max(_MOST_ROWS * n, min(n, _ENOUGH_ROWS))))
        self._made_at, self._damping, self._n_made = -_KEPT_FOR, 0.0, 0
        self._hessian: DenseHessian

    def solve(self, point: Point, right: Floats) -> Floats:
        """Return about the inverse of the Hessian times a matrix."""
        if point.n_iter >= self._made_at + _KEPT_FOR or point.damping != self._damping:
            n = len(self._order)
            some = self._problem
            if self._size < n // 2:
                # the last rows: those that no earlier sample was fitted to
                first = max(0, n - (self._n_made + 1) * self._size)
                some = some.sample(np.sort(self._order[first : first + self._size]), n / self._size)
            self._hessian = DenseHessian(some, point)
            if some is not self._problem:
                self._problem.passes += some.passes
            self._made_at, self._damping, self._n_made = point.n_iter, point.damping, self._n_made + 1
        return self._hessian.solve(right)


def subsampled(problem: Problem, theta: Floats, stopping: Stopping, rng: np.random.Generator) -> Point:
    """Run Newton's method on growing samples from theta, and end on all rows."""
    n, (K, q) = problem.rows.n_samples, problem.shape
    order = rng.permutation(n)
    is_dense = (K - 1) * q <= _MOST_DENSE
    theta = without_common_part(theta, problem.rows.scales)
    for size in _sizes(n, q):
        theta = _fitted_to_sample(problem, np.sort(order[:size]), theta, stopping.tol, is_dense=is_dense)
    if not is_dense:
        return newton_cg(problem, theta, stopping, rng)
    sampled = SampledDirection(problem, order)
    return minimise(problem, theta, CorrectedDirection(sampled.solve, _N_PAIRS), stopping)


def _fitted_to_sample(problem: Problem, chosen: Codes, theta: Floats, tol: float, *, is_dense: bool) -> Floats:
    """Return the optimum of some of the rows, as near as their number settles it."""
    factor = problem.rows.n_samples / len(chosen)
    some = problem.sample(chosen, factor)
    # the ridge that the sample would have by itself: rare columns run away under less
    some.ridge = problem.ridge * factor
    stage = Stopping(tol, _STAGE_STEPS, decrement=min(0.05, 0.2 * problem.shape[1] / len(chosen)))
    direction = partial(newton_direction, some) if is_dense else TruncatedDirection(some, lambda: some, tol)
    point = minimise(some, theta, direction, stage)
    problem.passes += some.passes
    return point.theta


def _sizes(n: int, q: int) -> list[int]:
    """Return the sizes of the samples, none for few rows."""
    size = min(n // _GROWTH, _ROWS_PER_COLUMN * q)
    sizes = []
    while size >= max(1000, 20 * q):
        sizes.append(size)
        size //= _GROWTH
    return sizes[::-1]
