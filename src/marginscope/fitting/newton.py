"""The loop of all solvers: a direction, a step length, and when to stop.

A step is taken if the value falls enough (Armijo 1966); where rounding hides the fall, if
the slope has not turned (Hager and Zhang 2005, equation 4.1). Where only a small part of a
step is any good, the Hessian there says little about the loss: a multiple of the identity is
added to it, and taken away again as steps succeed (Levenberg 1944).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.fitting.problem import Problem
from marginscope.fitting.result import Status

__all__ = ["Point", "Stopping", "minimise", "point_at"]

Floats = NDArray[np.float64]
_SUFFICIENT = 1e-4
_NOISE = 1e-13
_MOST_TRIALS = 15
# part of a step below which the damping grows, by the factor
_SHORT = 0.05
_FIRST_DAMPING = 1e-3
_DAMPING_FACTOR = 10.0
_MOST_DAMPING = 1e6
# a polish ends where a step no longer makes the gradient this much smaller
_STILL_FALLS = 0.3


@dataclass(eq=False)
class Point:
    """Where a solver stands.

    Attributes
    ----------
    theta, value, gradient
    norm : float
        Of the gradient, as ``Problem.gradient_norm``.
    n_iter : int
    damping : float
        Curvature to be added to the Hessian, over the sum of the sample weights.
    status : str
    """

    theta: Floats
    value: float
    gradient: Floats
    norm: float
    n_iter: int = 0
    damping: float = 0.0
    status: Status = "iteration_limit"


@dataclass(frozen=True)
class Stopping:
    """When a solver ends.

    Attributes
    ----------
    tol : float
        Gradient norm that is small enough.
    max_iter : int
    polish : bool
        Whether to go on below it as long as steps make the gradient much smaller.
    decrement : float
        Ends also where a step promises less than this part of the value.
    """

    tol: float
    max_iter: int
    polish: bool = False
    decrement: float = 0.0


Direction = Callable[[Point], Floats]


def point_at(problem: Problem, theta: Floats) -> Point:
    """Evaluate the problem at theta."""
    value, gradient = problem.value_and_gradient(theta)
    return Point(theta, value, gradient, problem.gradient_norm(gradient))


def minimise(problem: Problem, theta: Floats, direction: Direction, stopping: Stopping) -> Point:
    """Take steps along ``direction(point)`` until the gradient is small, or nothing falls any more."""
    point = point_at(problem, theta)
    while True:
        done = point.norm <= stopping.tol
        if (done and not stopping.polish) or point.norm == 0.0:
            return _ended(point, "converged")
        if point.n_iter >= stopping.max_iter:
            return _ended(point, "converged" if done else "iteration_limit")
        step = direction(point)
        slope = float((step * point.gradient).sum())
        if not slope < 0.0:
            step, slope = -point.gradient, -float((point.gradient**2).sum())
        if -slope <= 2.0 * stopping.decrement * abs(point.value):
            return _ended(point, "converged")
        following, length = _search(problem, point, step, slope)
        if length < _SHORT:
            point.damping = max(_FIRST_DAMPING, _DAMPING_FACTOR * point.damping)
        if following is None:
            if point.damping > _MOST_DAMPING or -slope <= _NOISE * abs(point.value):
                return _ended(point, "converged" if done else "stalled")
            continue
        following.damping = point.damping if length < 1.0 else _eased(point.damping)
        if done and following.norm > _STILL_FALLS * point.norm:
            return _ended(following if following.norm < point.norm else point, "converged")
        point = following


def _eased(damping: float) -> float:
    return damping / _DAMPING_FACTOR if damping > _FIRST_DAMPING else 0.0


def _ended(point: Point, status: Status) -> Point:
    point.status = status
    return point


def _search(problem: Problem, point: Point, step: Floats, slope: float) -> tuple[Point | None, float]:
    """Return the first point along the step that is good enough, and the part of the step it took."""
    length = 1.0
    noise = _NOISE * abs(point.value)
    for _ in range(_MOST_TRIALS):
        theta = point.theta + length * step
        value, gradient = problem.value_and_gradient(theta)
        change = value - point.value
        falls = change <= _SUFFICIENT * length * slope
        new_slope = float((gradient * step).sum())
        if falls or (change <= noise and abs(new_slope) <= (1.0 - 2.0 * _SUFFICIENT) * abs(slope)):
            norm = problem.gradient_norm(gradient)
            if np.isfinite(norm):
                return Point(theta, value, gradient, norm, point.n_iter + 1), length
        # the parabola through the value, the slope and the new value
        wanted = -0.5 * slope * length / (change / length - slope) if np.isfinite(change) else 0.0
        length = min(max(wanted, 0.1 * length), 0.5 * length)
    return None, 0.0
