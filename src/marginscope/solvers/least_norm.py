"""The least norm under margin constraints: pick a system, follow its path, judge the end."""

from __future__ import annotations

import time

import numpy as np

from marginscope.solvers.interior_point import PathEnd, follow_path
from marginscope.solvers.margin_coordinates import suitable_systems
from marginscope.solvers.margin_problem import Floats, MarginProblem, Mask
from marginscope.solvers.margin_system import MarginSystem, row_norms

__all__ = ["solve_least_norm"]

# of two ends the one of lower rank is kept
_RANK = {"optimal": 0, "infeasible": 1, "inaccurate": 2, "iteration_limit": 3, "numerical_error": 4}


def solve_least_norm(problem: MarginProblem) -> tuple[MarginSystem | None, PathEnd]:
    """Go through the systems until one settles the problem; no system where there is nothing to solve."""
    deadline = time.monotonic() + problem.time_limit
    none = np.zeros(0, dtype=np.intp)
    if not problem.pairs.any():
        return None, PathEnd(np.zeros(0), none, np.zeros(0), "optimal", 0)
    # a row of zeros has margin 0 under every W
    empty = np.flatnonzero(problem.pairs & (row_norms(problem.X) == 0.0)[:, None])
    if len(empty):
        return None, PathEnd(np.zeros(0), empty, np.ones(len(empty)), "infeasible", 0)
    best: tuple[MarginSystem | None, PathEnd] | None = None
    for system in suitable_systems(problem):
        # beyond the range of numbers a path ends: its numbers are looked at after every step
        with np.errstate(all="ignore"):
            end = follow_path(system, problem.pairs, _direction(system, problem), tol=problem.tol, deadline=deadline)
            if end.status == "optimal" and not _holds(problem, system, end):
                end = end._replace(status="inaccurate")
        if best is None or _RANK[end.status] < _RANK[best[1].status]:
            best = system, end
        if _RANK[end.status] <= 1 or time.monotonic() > deadline:
            break
    if best is None:
        every = np.flatnonzero(problem.pairs)
        return None, PathEnd(np.zeros(0), every, np.ones(len(every)), "infeasible", 0)
    return best


def _holds(problem: MarginProblem, system: MarginSystem, end: PathEnd) -> bool:
    """Say whether the gap is as small in the columns of the problem; tied pairs leave no simple bound."""
    if problem.tied is not None and problem.tied.any():
        return True
    W, weights = system.to_columns(end.W), np.zeros(problem.pairs.size)
    weights[end.pairs] = end.alpha
    G = problem.adjoint(weights.reshape(problem.pairs.shape))
    worst = float(np.min(problem.margins(W), where=problem.pairs, initial=np.inf))
    return worst / float(np.linalg.norm(W)) >= (1.0 - problem.tol) * float(np.linalg.norm(G)) / float(weights.sum())


def _direction(system: MarginSystem, problem: MarginProblem) -> Floats:
    """Return the better of a ridge regression and the given start."""
    guess = system.first_guess()
    if problem.start is None:
        return guess
    start = system.from_columns(problem.start)
    return max(guess, start, key=lambda W: _normalised_margin(system, problem.pairs, W))


def _normalised_margin(system: MarginSystem, pairs: Mask, W: Floats) -> float:
    norm = float(np.sqrt(np.vdot(W, system.metric(W))))
    worst = float(np.min(system.all_margins(W), where=pairs, initial=np.inf))
    return worst / norm if norm > 0 else -np.inf
