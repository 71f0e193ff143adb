"""Directions of limited-memory BFGS, about any approximate inverse of the Hessian.

The two loops of Nocedal (1980) around a solver for some Hessian: one of a sample of the rows, or
a multiple of the identity, which is L-BFGS itself.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from marginscope.fitting.newton import Point, Stopping, minimise
from marginscope.fitting.problem import Problem

__all__ = ["CorrectedDirection", "lbfgs"]

Floats = NDArray[np.float64]
Solve = Callable[[Point, Floats], Floats]
# pairs with less curvature than this part of their lengths would be rounding
_LEAST_CURVED = 1e-10
# curvature of a loss in a score, before any is known
_FIRST_CURVATURE = 0.25


class CorrectedDirection:
    """Directions of an approximate inverse, corrected by the last steps and changes of the gradient.

    Parameters
    ----------
    solve : callable
        Called as ``solve(point, right)``.
    n_pairs : int
    is_scaled : bool
        Whether the inverse is known up to a factor only, which the last pair gives.
    """

    def __init__(self, solve: Solve, n_pairs: int, *, is_scaled: bool = False) -> None:
        self._solve, self._n_pairs, self._is_scaled = solve, n_pairs, is_scaled
        self._pairs: list[tuple[Floats, Floats, float]] = []
        self._before: Point | None = None

    def __call__(self, point: Point) -> Floats:
        if self._before is point:
            # no step along the last direction was any good
            self._pairs = []
        elif self._before is not None:
            s, y = point.theta - self._before.theta, point.gradient - self._before.gradient
            curved = float((s * y).sum())
            if curved > _LEAST_CURVED * float(np.linalg.norm(s) * np.linalg.norm(y)):
                self._pairs = [*self._pairs, (s, y, curved)][-self._n_pairs :]
        self._before = point
        q, lengths = point.gradient.copy(), []
        for s, y, curved in reversed(self._pairs):
            lengths.append(float((s * q).sum()) / curved)
            q -= lengths[-1] * y
        r = self._solve(point, q)
        if self._is_scaled and self._pairs:
            _, y, curved = self._pairs[-1]
            r *= curved / float((y * self._solve(point, y)).sum())
        for (s, y, curved), length in zip(self._pairs, reversed(lengths), strict=True):
            r += s * (length - float((y * r).sum()) / curved)
        return -r


def lbfgs(problem: Problem, theta: Floats, stopping: Stopping, rng: np.random.Generator) -> Point:
    """Run L-BFGS in coordinates whose curvatures are about the same."""
    curvature = _FIRST_CURVATURE * problem.total + problem.ridge
    return minimise(
        problem, theta, CorrectedDirection(lambda _, right: right / curvature, 20, is_scaled=True), stopping
    )
