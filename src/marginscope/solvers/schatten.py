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

# the spectral ball is flat wherever a singular value is below one
_SPECTRAL_RIDGE = 1e-16
_BALLS: dict[str, type[SpectralBall] | type[NuclearBall]] = {"spectral": SpectralBall, "nuclear": NuclearBall}


def solve_schatten(problem: MarginProblem, norm: str) -> Solved:
    """Solve in the norm "spectral" or "nuclear"."""
    deadline = time.monotonic() + problem.time_limit
    ball_problem = BallProblem.of(problem, norm)
    basis = _off_shared(1.0 / scales(problem))
    X, span = _in_row_span(problem.X)
    pairs = ball_problem.pair_map(X, scales(problem)[:, None] * basis)
    ball = _BALLS[norm](pairs.shape)
    # from scores less those of the last class to class coordinates
    turn = np.linalg.inv(pairs.classes[:-1] - pairs.classes[-1])
    point = BallInteriorPoint(pairs, get_norm(norm), ball, partial(_factorise, ball, turn))
    status = point.run(tol=problem.tol, nothing=ball_problem.nothing, deadline=deadline)
    W = basis @ point.best_W
    W = W if span is None else W @ span.T
    return ball_problem.solved(W, point.best_weights, point.upper, status, point.n_iterations, "interior point")


def _factorise(ball: SpectralBall | NuclearBall, turn: Floats, pairs: PairMap, w: Floats) -> NormalEquations:
    ridge = _SPECTRAL_RIDGE if isinstance(ball, SpectralBall) else 0.0
    return FullCurvature(pairs, w, ball.curvature(turn), turn, ridge=ridge)


def _off_shared(shared: Floats) -> Floats:
    """Return an orthonormal basis (n_classes, n_classes - 1) of the class vectors orthogonal to one."""
    return np.linalg.qr(np.column_stack([shared, np.eye(len(shared))[:, :-1]]))[0][:, 1:]


def _in_row_span(X: Any) -> tuple[Any, Floats | None]:
    """Return rows in an orthonormal basis of their span, and that basis, if there are fewer rows than columns."""
    if X.shape[0] >= X.shape[1]:
        return X, None
    dense = X.toarray() if is_sparse(X) else X
    span, triangle = np.linalg.qr(dense.T)
    return np.ascontiguousarray(triangle.T), span
