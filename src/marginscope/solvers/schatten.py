"""The exact largest margin in the spectral norm and in the nuclear norm.

    minimise sigma_max(W)  or  sum sigma(W)     subject to   u_ik(W) >= 1 on the wanted pairs

Neither norm grows when W is projected onto the span of the rows or, in the classes, off
what all scores share: the solution is found among those W.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.geometry.gauge import basis_across
from marginscope.geometry.margins import is_sparse
from marginscope.geometry.norms import get_norm
from marginscope.solvers.ball_interior_point import BallInteriorPoint
from marginscope.solvers.ball_problem import BallProblem, scales
from marginscope.solvers.margin_problem import MarginProblem, Solved
from marginscope.solvers.normal_equations import FullCurvature, NormalEquations
from marginscope.solvers.pair_map import PairMap
from marginscope.solvers.schatten_balls import NuclearBall, SpectralBall

__all__ = ["solve_schatten"]

Floats = NDArray[np.float64]

# A ridge keeps W still along flat parts of the spectral ball (more classes than columns), and loses
# columns of small numbers: it is for a second attempt. The nuclear ball has no flat parts of that size.
_RIDGES: dict[str, tuple[float, ...]] = {"spectral": (0.0, 1e-17), "nuclear": (0.0,)}
_BALLS: dict[str, type[SpectralBall] | type[NuclearBall]] = {"spectral": SpectralBall, "nuclear": NuclearBall}


def solve_schatten(problem: MarginProblem, norm: str) -> Solved:
    """Find the largest margin in the norm "spectral" or "nuclear".

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
    Nesterov & Todd, Math. Oper. Res. 22 (1997); Mehrotra, SIAM J. Optim. 2 (1992).
    """
    deadline = time.monotonic() + problem.time_limit
    ball_problem = BallProblem.of(problem, norm)
    if not ball_problem.fits((problem.n_classes - 1) * min(problem.X.shape), dense=True):
        return ball_problem.descended(deadline)
    basis = basis_across(1.0 / scales(problem))
    X, span = _in_row_span(problem.X)
    pairs = ball_problem.pair_map(X, scales(problem)[:, None] * basis)
    # from scores less those of the last class to class coordinates
    turn = np.linalg.inv(pairs.classes[:-1] - pairs.classes[-1])
    before: BallInteriorPoint | None = None
    for ridge in _RIDGES[norm]:
        ball = _BALLS[norm](pairs.shape)
        point = BallInteriorPoint(pairs, get_norm(norm), ball, partial(_factorise, ball, turn, ridge))
        status = point.run(tol=problem.tol, nothing=ball_problem.nothing, deadline=deadline)
        if before is not None:
            point.take(before)
            status = "optimal" if point.is_closed(problem.tol) else status
        if status == "optimal":
            point.clean(tol=problem.tol, deadline=deadline)
        if status != "inaccurate":
            break
        before = point
    W = basis @ point.best_W
    W = W if span is None else W @ span.T
    return ball_problem.solved(point, W, status, "interior point")


def _factorise(
    ball: SpectralBall | NuclearBall, turn: Floats, ridge: float, pairs: PairMap, w: Floats
) -> NormalEquations:
    return FullCurvature(pairs, w, ball.curvature(turn), turn, ridge=ridge)


def _in_row_span(X: Any) -> tuple[Floats, Floats | None]:
    """Return dense rows; where they are fewer than columns, in an orthonormal basis of their span, and that basis."""
    dense = X.toarray() if is_sparse(X) else X
    if X.shape[0] >= X.shape[1]:
        return dense, None
    span, triangle = np.linalg.qr(dense.T)
    return np.ascontiguousarray(triangle.T), span
