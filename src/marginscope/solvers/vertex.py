"""The end of an interior point in the max or sum norm, made exact.

Close to the solution it is clear which pairs bind and which entries are on the boundary
of the ball (max) or not zero (sum). Direction and weights then move by the least change
that solves the equations of the face exactly (Ye 1992), which leaves no gap.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from marginscope.solvers.ball_interior_point import BallInteriorPoint
from marginscope.solvers.polyhedral_balls import MaxBall, SumBall

__all__ = ["offer_vertex"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Signs = NDArray[np.int8]

# the two sides of a product differ by many orders, so the cut matters little
_CUTS = (1.0, 1e-2, 1e2)
_MOST_EXCHANGES = 8
_MOST_ENTRIES_TO_EXCHANGE = 1_000_000
_MOST_ENTRIES = 9_000_000
_VIOLATED = 1e-12


class _Face(NamedTuple):
    """The pairs that bind, and the signs of the entries on the boundary (max) or not zero (sum)."""

    bind: Mask
    side: Signs


def offer_vertex(point: BallInteriorPoint, ball: MaxBall | SumBall, *, tol: float) -> None:
    """Offer solutions of the active equations to the bracket of an interior point, until it is closed."""
    is_max = isinstance(ball, MaxBall)
    for cut in _CUTS:
        bind = point.mask & (point.weights * int(point.mask.sum()) > cut * point.slack / point.upper)
        face = _Face(bind, ball.side(cut, point.upper))
        for _ in range(_MOST_EXCHANGES):
            free = (face.side == 0) if is_max else (face.side != 0)
            entries = int(face.bind.sum()) * max(1, int(free.sum()))
            if not face.bind.any() or entries > _MOST_ENTRIES:
                break
            A = point.pairs.rows(face.bind, free)
            solve = _solve_max if is_max else _solve_sum
            W, weights, gamma, tau = solve(point, A, face, free, ball.tau)
            point.offer(W, np.maximum(weights, 0.0))
            if point.is_closed(tol):
                return
            other = _exchanged(point, face, W, weights, gamma, tau, is_max=is_max)
            same = np.array_equal(other.bind, face.bind) and np.array_equal(other.side, face.side)
            if same or entries > _MOST_ENTRIES_TO_EXCHANGE:
                break
            face = other


def _solve_max(
    point: BallInteriorPoint, A: Floats, face: _Face, free: Mask, tau: float
) -> tuple[Floats, Floats, float, float]:
    """Solve margins = gamma with the entries of the boundary fixed, and G = 0 at the others."""
    bind, gamma = face.bind, point.gamma
    W, weights = np.where(free, point.W, face.side.astype(float)), np.where(bind, point.weights, 0.0)
    for _ in range(2):
        left = gamma - point.pairs.margins(W)[bind]
        change = _least_change(np.column_stack([A, -np.ones(len(A))]), left)
        W[free] += change[:-1]
        gamma += float(change[-1])
        G = point.pairs.adjoint(weights)[free]
        weights[bind] += _least_change(np.vstack([A.T, np.ones(len(A))]), np.r_[-G, 1.0 - weights.sum()])
    return W, weights, gamma, tau


def _solve_sum(
    point: BallInteriorPoint, A: Floats, face: _Face, free: Mask, tau: float
) -> tuple[Floats, Floats, float, float]:
    """Solve margins = gamma with sum |W| = 1 at the entries that are not zero, and G = sign tau there."""
    bind, gamma, sign, ones = face.bind, point.gamma, face.side[free].astype(float), np.ones(len(A))
    W, weights = np.where(free, point.W, 0.0), np.where(bind, point.weights, 0.0)
    for _ in range(2):
        left = np.r_[gamma - point.pairs.margins(W)[bind], 1.0 - sign @ W[free]]
        change = _least_change(np.block([[A, -ones[:, None]], [sign[None, :], np.zeros((1, 1))]]), left)
        W[free] += change[:-1]
        gamma += float(change[-1])
        G = point.pairs.adjoint(weights)[free]
        matrix = np.block([[A.T, -sign[:, None]], [ones[None, :], np.zeros((1, 1))]])
        change = _least_change(matrix, np.r_[sign * tau - G, 1.0 - weights.sum()])
        weights[bind] += change[:-1]
        tau += float(change[-1])
    return W, weights, gamma, tau


def _exchanged(
    point: BallInteriorPoint, face: _Face, W: Floats, weights: Floats, gamma: float, tau: float, *, is_max: bool
) -> _Face:
    """Leave out what has the wrong sign, and take in what is violated."""
    violated = point.mask & (point.pairs.margins(W) < gamma - _VIOLATED * point.upper)
    bind = (face.bind & (weights > 0)) | violated
    side, G = face.side.copy(), point.pairs.adjoint(weights)
    if is_max:
        side[(side != 0) & (side * G < 0)] = 0
        out = (side == 0) & (np.abs(W) > 1.0 + _VIOLATED)
        side[out] = np.sign(W[out]).astype(np.int8)
    else:
        side[side * W < 0] = 0
        out = (side == 0) & (np.abs(G) > tau * (1.0 + _VIOLATED))
        side[out] = np.sign(G[out]).astype(np.int8)
    return _Face(bind, side)


def _least_change(A: Floats, right: Floats) -> Floats:
    found = scipy.linalg.lstsq(A, right, lapack_driver="gelsy", check_finite=False)
    return np.asarray(found[0])
