"""The hard-margin problem of a system: along the central path, then exactly.

The path is left for the active set as soon as that settles; where it does not, the
path goes on to the tolerance. Without a solution the dual weights grow, and their
sum of pair features falls to rounding error: the weights then refute the problem.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marginscope.solvers.active_set import solve_active
from marginscope.solvers.central_path import CentralPath
from marginscope.solvers.margin_system import Floats, Indices, MarginSystem, NotPositiveError, TooLargeError
from marginscope.solvers.refutation import cancelled_weights

__all__ = ["PathEnd", "follow_path"]

_FIRST_CROSSOVER = 1e-3
_LATER_CROSSOVERS = 1e-2
_MOST_STEPS = 120
_MOST_IDLE_STEPS = 20
_FALL = 0.1
_SUSPICIOUS = 1e-6
_USABLE = 0.1
_MOST_ENTRIES = 4


class PathEnd(NamedTuple):
    """W in the coordinates of the system, dual weights alpha of its pairs, and how it ended."""

    W: Floats
    pairs: Indices
    alpha: Floats
    status: str
    n_iterations: int


def follow_path(
    system: MarginSystem,
    wanted: NDArray[np.bool_],
    direction: Floats,
    *,
    tol: float,
    deadline: float,
) -> PathEnd:
    """Solve for the wanted pairs, starting from a direction."""
    path = CentralPath(system, wanted, direction)
    asked = np.inf
    crossover, n_factored = _FIRST_CROSSOVER, 0
    last, moved_at = (-np.inf, np.inf), 0
    status = "iteration_limit"
    while True:
        try:
            path.measure()
        except TooLargeError:
            break
        if not path.is_finite:
            status = "numerical_error"
            break
        if path.upper == 0.0:
            # weights that combine to nothing, or to less than has a square
            return PathEnd(path.W, path.best_pairs, path.best_alpha, "infeasible", path.n_steps)
        if _is_suspicious(path, asked):
            asked = path.upper
            weights = cancelled_weights(system, path.best_alpha)
            if weights is not None:
                return PathEnd(path.W, system.pairs, weights, "infeasible", path.n_steps)
        if path.gap <= max(crossover, 0.1 * tol):
            n_factored += _cross_over(path)
            crossover = min(crossover, path.gap) * _LATER_CROSSOVERS
        if path.gap <= 0.1 * tol:
            break
        if path.upper < 0.9 * last[1] or path.lower > last[0] + 0.1 * abs(last[0]):
            last, moved_at = (path.lower, path.upper), path.n_steps
        if path.n_steps >= _MOST_STEPS or path.n_steps - moved_at > _MOST_IDLE_STEPS or time.monotonic() > deadline:
            break
        try:
            path.step()
        except NotPositiveError:
            status = "numerical_error"
            break
    if path.gap <= tol:
        status = "optimal"
    elif path.gap <= _USABLE:
        status = "inaccurate"
    return PathEnd(*path.scaled_best(), status, path.n_steps + n_factored)


def _is_suspicious(path: CentralPath, bound: float) -> bool:
    """Say whether nothing separates so far and the weights combine to a small share of what they sum."""
    if path.lower > 0.0 or path.best_pairs is not path.system.pairs or not path.upper < _FALL * bound:
        return False
    rows = path.system.pairs // path.system.n_classes
    size = float(path.best_alpha @ path.system.row_sizes[rows])
    return bool(np.linalg.norm(path.best_sum) <= _SUSPICIOUS * size)


def _cross_over(path: CentralPath) -> int:
    """Solve the active pairs exactly and offer the solution; return how often a system was factored."""
    if not path.worst > 0.0:
        return 0
    # as it would be with the worst margin at 1 and all weight where it belongs
    system, W = path.system, path.W / path.worst
    alpha = path.alpha * (path.norm / path.worst / float(path.alpha.sum()) * path.norm / path.worst)
    active = alpha > (path.u / path.worst - 1.0) * float(alpha.max())
    n_factored = 0
    for _ in range(_MOST_ENTRIES):
        found = solve_active(system, W, alpha, active)
        if found is None:
            return n_factored + 1
        n_factored += found.n_factored
        pairs = system.pairs
        violated = path.offer(found.W, found.alpha)
        if not len(violated):
            break
        path.enter(violated)
        # the pairs are in a new order
        W, alpha = found.W, np.zeros(len(system.pairs))
        at = np.argsort(system.pairs)
        alpha[at[np.searchsorted(system.pairs, pairs, sorter=at)]] = found.alpha
        active = (alpha > 0.0) | np.isin(system.pairs, violated)
    return n_factored
