"""The linear programme that finds all separable pairs at once.

    maximise sum z_m   subject to   z <= A W,  0 <= z <= 1

The recession cone is closed under addition, so at the optimum z_m is 1 on every
pair that some recession direction separates and 0 on the others; the dual
weights are positive on the others and sum to zero. Pairs enter as they are
violated. One class is held at zero, and pair features have norm one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize
import scipy.sparse as sp
from numpy.typing import NDArray

from marginscope.geometry.margins import is_sparse, relative_margins
from marginscope.solvers.pair_rows import pair_rows

__all__ = ["MOST_NONZEROS", "SeparablePairs", "solve_separable_pairs"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

MOST_NONZEROS = 30_000_000
_SMALLEST_MARGIN = 1e-6
_MOST_ROUNDS = 40


@dataclass(frozen=True)
class SeparablePairs:
    """A direction, the pairs it separates and weights for the others; or why there are none."""

    theta: Floats
    separable: Mask
    weights: Floats
    reason: str = ""


def solve_separable_pairs(
    Q: Any, y: NDArray[np.intp], pairs: Mask, first: Mask, *, time_limit: float = 120.0
) -> SeparablePairs:
    """Solve the programme over ``pairs``, starting from the pairs of ``first``."""
    n_classes, rank = pairs.shape[1], Q.shape[1]
    size = np.sqrt(np.asarray((Q.multiply(Q) if is_sparse(Q) else Q * Q).sum(axis=1)).ravel())
    unit = np.where(size > 0, size, 1.0)
    # a row of zeros ties whatever the direction is
    zero = pairs & (size == 0)[:, None]
    working = first & pairs & ~zero
    nothing = np.zeros((n_classes, rank))
    nowhere = np.zeros_like(pairs)
    for _ in range(_MOST_ROUNDS):
        rows, rivals = np.nonzero(working)
        nonzeros = 2 * (int(np.diff(Q.indptr)[rows].sum()) if is_sparse(Q) else rank * len(rows))
        if nonzeros > MOST_NONZEROS:
            return SeparablePairs(
                nothing,
                nowhere,
                nowhere.astype(float),
                f"the linear programme would have {nonzeros:,} nonzeros, the limit is {MOST_NONZEROS:,}",
            )
        theta, gain, dual, trouble = _solve(Q, y, rows, rivals, unit, n_classes, time_limit)
        if trouble:
            return SeparablePairs(nothing, nowhere, nowhere.astype(float), trouble)
        u = relative_margins(Q, y, theta) / unit[:, None]
        violated = pairs & ~working & ~zero & (u < _SMALLEST_MARGIN)
        if not violated.any():
            separable = pairs & ~working & ~zero
            separable[rows, rivals] = gain > 0.5
            weights = zero.astype(float)
            weights[rows, rivals] = np.maximum(dual, 0.0) / unit[rows]
            return SeparablePairs(theta, separable, weights)
        working |= _worst(violated, u, most=max(1000, 4 * n_classes * rank))
    return SeparablePairs(nothing, nowhere, nowhere.astype(float), f"pairs still entered after {_MOST_ROUNDS} rounds")


def _solve(
    Q: Any,
    y: NDArray[np.intp],
    rows: NDArray[np.intp],
    rivals: NDArray[np.intp],
    unit: Floats,
    n_classes: int,
    time_limit: float,
) -> tuple[Floats, Floats, Floats, str]:
    m, rank = len(rows), Q.shape[1]
    scaled = sp.diags_array(1.0 / unit[rows]) @ pair_rows(Q, rows, rivals, n_classes, y)
    A = sp.csr_array(scaled)[:, : (n_classes - 1) * rank]
    free = A.shape[1]
    answer = scipy.optimize.linprog(
        c=np.r_[np.zeros(free), -np.ones(m)],
        A_ub=sp.hstack([-A, sp.eye_array(m)], format="csr"),
        b_ub=np.zeros(m),
        bounds=np.r_[np.full((free, 2), [-np.inf, np.inf]), np.full((m, 2), [0.0, 1.0])],
        method="highs",
        options={"time_limit": time_limit},
    )
    if answer.status != 0:
        return np.zeros((n_classes, rank)), np.zeros(m), np.zeros(m), f"the linear programme ended: {answer.message}"
    found = np.asarray(answer.x)
    theta = np.vstack([found[:free].reshape(n_classes - 1, rank), np.zeros((1, rank))])
    return theta, found[free:], -np.asarray(answer.ineqlin.marginals), ""


def _worst(violated: Mask, u: Floats, *, most: int) -> Mask:
    """Keep the most violated pairs."""
    values = u[violated]
    if len(values) <= most:
        return violated
    return np.asarray(violated & (u <= np.partition(values, most - 1)[most - 1]))
