"""The least norm under margin constraints: pick a system, follow its path, judge the end."""

from __future__ import annotations

import time

import numpy as np

from marginscope.certificates.bracket import WIDEST_GAP
from marginscope.solvers.interior_point import PathEnd, follow_path
from marginscope.solvers.margin_coordinates import suitable_systems
from marginscope.solvers.margin_problem import Floats, MarginProblem, Mask
from marginscope.solvers.margin_system import MarginSystem, TooLargeError, row_norms

__all__ = ["solve_least_norm"]

_TIE = 1e-7
# of two ends the one of lower rank is kept
_RANK = {"optimal": 0, "infeasible": 1, "inaccurate": 2, "iteration_limit": 3, "numerical_error": 4, "too_large": 5}


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
    try:
        return _first_settled(problem, deadline)
    except TooLargeError:
        return None, PathEnd(np.zeros(0), none, np.zeros(0), "too_large", 0)


def _first_settled(problem: MarginProblem, deadline: float) -> tuple[MarginSystem | None, PathEnd]:
    best: tuple[MarginSystem | None, PathEnd] | None = None
    for system in suitable_systems(problem):
        # beyond the range of numbers a path ends: its numbers are looked at after every step
        with np.errstate(all="ignore"):
            end = follow_path(system, problem.pairs, _direction(system, problem), tol=problem.tol, deadline=deadline)
            end = end._replace(status=_judged(problem, system, end))
        if best is None or _RANK[end.status] < _RANK[best[1].status]:
            best = system, end
        if _RANK[end.status] <= 1 or time.monotonic() > deadline:
            break
    if best is None:
        every = np.flatnonzero(problem.pairs)
        return None, PathEnd(np.zeros(0), every, np.ones(len(every)), "infeasible", 0)
    return best


def _judged(problem: MarginProblem, system: MarginSystem, end: PathEnd) -> str:
    """Return the status in the columns of the problem; tied pairs leave no simple bound, but must be ties there."""
    if end.status not in ("optimal", "inaccurate"):
        return end.status
    W = system.to_columns(end.W)
    u = problem.margins(W)
    worst = float(np.min(u, where=problem.pairs, initial=np.inf))
    if problem.tied is not None and problem.tied.any():
        off = max(1.0 - worst, float(np.max(np.abs(u), where=problem.tied, initial=0.0)))
        if not off <= WIDEST_GAP:
            return "numerical_error"
        return end.status if off <= _TIE else "inaccurate"
    weights = np.zeros(problem.pairs.size)
    weights[end.pairs] = end.alpha
    G = problem.adjoint(weights.reshape(problem.pairs.shape))
    upper = float(np.linalg.norm(G)) / float(weights.sum())
    holds = worst / float(np.linalg.norm(W)) >= (1.0 - problem.tol) * upper
    return end.status if holds else "inaccurate"


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
