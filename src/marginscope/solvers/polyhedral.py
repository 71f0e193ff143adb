"""The exact largest margin in the max norm and in the sum norm.

    minimise max |W_kj|  or  sum |W_kj|     subject to   u_ik(W) >= 1 on the wanted pairs

Both are linear programmes. An interior point reads their structure, and the solution of
its active equations takes its place where it is not close enough.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from marginscope.geometry.margins import is_sparse
from marginscope.geometry.norms import get_norm
from marginscope.solvers.ball_interior_point import BallInteriorPoint
from marginscope.solvers.ball_problem import BallProblem, scales
from marginscope.solvers.margin_problem import MarginProblem, Solved
from marginscope.solvers.normal_equations import FeatureSide, NormalEquations, PairSide
from marginscope.solvers.pair_map import PairMap
from marginscope.solvers.polyhedral_balls import MaxBall, SumBall
from marginscope.solvers.vertex import offer_vertex

__all__ = ["solve_polyhedral"]

Floats = NDArray[np.float64]

# where the pairs are fewer than this share of the coefficients, they are the cheaper side
_PAIR_SHARE = 0.6
# the side of the pairs is less accurate: the other one is tried after it up to this order
_MOST_UNKNOWNS_TO_REPEAT = 2500
_BALLS: dict[str, type[MaxBall] | type[SumBall]] = {"max": MaxBall, "sum": SumBall}


def solve_polyhedral(problem: MarginProblem, norm: str) -> Solved:
    """Find the largest margin in the norm "max" or "sum".

    Parameters
    ----------
    problem : MarginProblem
        Without tied pairs.
    norm : str

    Returns
    -------
    Solved
        "optimal" if the bracket is as narrow as ``problem.tol``; "infeasible" if no
        direction has a margin that can be told from zero.

    Raises
    ------
    UsageError
        If pairs are tied.

    References
    ----------
    Mehrotra, SIAM J. Optim. 2 (1992); Ye, Math. Programming 57 (1992).
    """
    deadline = time.monotonic() + problem.time_limit
    ball_problem = BallProblem.of(problem, norm)
    pairs = ball_problem.pair_map(problem.X, np.diag(scales(problem)))
    sides = _sides(ball_problem, pairs)
    if not sides:
        return ball_problem.descended(deadline)
    if sides[0] is FeatureSide and is_sparse(problem.X):
        pairs = replace(pairs, X=pairs.X.toarray())
    before: BallInteriorPoint | None = None
    for side in sides:
        ball = _BALLS[norm](pairs.shape)
        point = BallInteriorPoint(pairs, get_norm(norm), ball, partial(_factorise, side, ball))
        status, method = point.run(tol=problem.tol, nothing=ball_problem.nothing, deadline=deadline), "interior point"
        if status == "optimal":
            point.clean(tol=problem.tol, deadline=deadline)
        if before is not None:
            point.take(before)
        if status in ("inaccurate", "iteration_limit") and point.lower > 0:
            offer_vertex(point, ball, tol=problem.tol)
            if point.is_closed(problem.tol):
                status, method = "optimal", "interior point and active equations"
        if status != "inaccurate":
            break
        before = point
    return ball_problem.solved(point, point.best_W, status, method)


def _factorise(
    side: type[FeatureSide] | type[PairSide], ball: MaxBall | SumBall, pairs: PairMap, w: Floats
) -> NormalEquations:
    return side(pairs, w, ball.curvature)


def _sides(ball_problem: BallProblem, pairs: PairMap) -> list[type[FeatureSide] | type[PairSide]]:
    """Choose the smaller normal matrix, and the larger one for a second attempt; none if both are too large."""
    n_pairs, n_free = int(pairs.pairs.sum()), (pairs.n_classes - 1) * pairs.shape[1]
    has_features = ball_problem.fits(n_free, dense=True)
    if has_features and n_pairs >= _PAIR_SHARE * n_free:
        return [FeatureSide]
    sides: list[type[FeatureSide] | type[PairSide]] = [PairSide] if ball_problem.fits(n_pairs, dense=False) else []
    if has_features and (n_free <= _MOST_UNKNOWNS_TO_REPEAT or not sides):
        sides.append(FeatureSide)
    return sides
