"""From the end of an interior point to the support: the pairs that hold the margin, and no other.

An interior point leaves a small multiplier on every pair. Where margin and multiplier are
complementary one of them is small, so a pair belongs to the support if its multiplier,
relative to the largest, exceeds its slack, relative to the margin. Dropping the others
may loosen the upper end of the bracket; the problem on the support alone, which is
small, then has multipliers that restore it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from marginscope.geometry.norms import get_norm
from marginscope.solvers.margin_bracket import support_of
from marginscope.solvers.margin_problem import MarginProblem, Solved

__all__ = ["polished"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

# from a clean support to all pairs that could matter
_SHARES_OF_SLACK = (1.0, 1e-2, 1e-4, 1e-6)
# after any other end there is no time, or no support, for a second solution
_WORTH_IT = ("optimal", "inaccurate")
# share of the tolerance that leaving out multipliers may cost
_COST = 0.4


def polished(problem: MarginProblem, norm: str, solve: Callable[[MarginProblem], Solved], solved: Solved) -> Solved:
    """Return the solution with multipliers on its support alone, and the better of two directions.

    Parameters
    ----------
    problem : MarginProblem
    norm : str
    solve : callable
        Solver of the norm, for the problem on the support.
    solved : Solved
        Its answer to the whole problem. Where it has no margin only its weights are cleaned.
    """
    alpha = np.where(np.isfinite(solved.weights) & (solved.weights > 0) & problem.pairs, solved.weights, 0.0)
    solved = replace(solved, weights=alpha)
    worst = _worst(problem, solved.coef)
    if not alpha.any() or not 0.0 < worst < np.inf:
        return solved
    slack = problem.margins(solved.coef) / worst - 1.0
    allowed = _upper(problem, norm, alpha) * (1.0 + _COST * problem.tol)
    for share in _SHARES_OF_SLACK:
        support = problem.pairs & support_of(alpha, slack, share)
        kept = np.where(support, alpha, 0.0)
        if _upper(problem, norm, kept) <= allowed:
            return replace(solved, weights=kept)
        if share == 1.0 and solved.status in _WORTH_IT:
            again = _on_support(problem, solve, support)
            if _upper(problem, norm, again.weights) <= allowed:
                better = _lower(problem, norm, again.coef) > _lower(problem, norm, solved.coef)
                return replace(solved, weights=again.weights, coef=again.coef if better else solved.coef)
    return solved


def _on_support(problem: MarginProblem, solve: Callable[[MarginProblem], Solved], support: Mask) -> Solved:
    """Solve for the pairs of the support alone and return the answer for all rows."""
    rows = np.flatnonzero(support.any(axis=1))
    small = replace(
        problem,
        X=problem.X[rows],
        y=problem.y[rows],
        pairs=support[rows],
        tied=None if problem.tied is None else problem.tied[rows],
        tol=0.2 * problem.tol,
    )
    found = solve(small)
    weights = np.zeros(problem.pairs.shape)
    weights[rows] = np.where(np.isfinite(found.weights) & (found.weights > 0) & small.pairs, found.weights, 0.0)
    return replace(found, weights=weights)


def _worst(problem: MarginProblem, W: Floats) -> float:
    return float(np.min(problem.margins(W), where=problem.pairs, initial=np.inf)) if np.isfinite(W).all() else -np.inf


def _lower(problem: MarginProblem, norm: str, W: Floats) -> float:
    size = get_norm(norm).value(W) if np.isfinite(W).all() else 0.0
    return _worst(problem, W) / size if size > 0 else -np.inf


def _upper(problem: MarginProblem, norm: str, alpha: Floats) -> float:
    total = float(alpha.sum())
    return get_norm(norm).dual_value(problem.adjoint(alpha)) / total if total > 0 else np.inf
