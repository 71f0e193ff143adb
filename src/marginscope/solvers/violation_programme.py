"""The linear programme of least total violation, by pairs that enter as they are violated.

    minimise sum_i omega_i xi_i    subject to  u_ik(W) + xi_i >= 1,  xi >= 0
    maximise sum lambda_ik         subject to  sum_k lambda_ik <= omega_i,  sum lambda_ik x~_ik = 0

The second is what is solved: one equation for each free coefficient. Its multipliers are
W. One class is held at zero, and columns are scaled by powers of two.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np
import scipy.optimize
import scipy.sparse as sp
from numpy.typing import NDArray

from marginscope.geometry.margins import all_pairs, relative_margins
from marginscope.solvers.pair_rows import pair_rows
from marginscope.solvers.ridge_guess import ridge_guess

__all__ = ["LeastViolation", "solve_violation_programme"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]

MOST_NONZEROS = 60_000_000
# what is left out of the first programme is at least this far from being a worst rival
_FIRST_REACH = 0.3
_LARGEST_SCALE = 1e3
_VIOLATED = 1e-7
_MOST_ROUNDS = 40


class LeastViolation(NamedTuple):
    """Coefficients, weights of the pairs (n_rows, n_classes), rounds; or why there are none."""

    W: Floats
    weights: Floats
    n_rounds: int
    reason: str = ""


def solve_violation_programme(Z: Any, y: Codes, n_classes: int, omega: Floats, *, deadline: float) -> LeastViolation:
    """Solve it for rows Z, class codes and positive row weights."""
    pairs = all_pairs(y, n_classes)
    working = _first_pairs(Z, y, n_classes, omega)
    nowhere = np.zeros(pairs.shape)
    W = np.zeros((n_classes, Z.shape[1]))
    for n_rounds in range(1, _MOST_ROUNDS + 1):
        rows, rivals = np.nonzero(working)
        A = pair_rows(Z, rows, rivals, n_classes, y)[:, : (n_classes - 1) * Z.shape[1]]
        if A.nnz > MOST_NONZEROS:
            reason = f"the linear programme would have {A.nnz:,} nonzeros, the limit is {MOST_NONZEROS:,}"
            return LeastViolation(W, nowhere, n_rounds, reason)
        W, values, reason = _solve(A, rows, omega, n_classes, deadline)
        if reason:
            return LeastViolation(W, nowhere, n_rounds, reason)
        violations = 1.0 - relative_margins(Z, y, W)
        allowed = np.max(violations, axis=1, where=working, initial=0.0)
        entering = pairs & ~working & (violations > allowed[:, None] + _VIOLATED)
        if not entering.any():
            weights = nowhere.copy()
            weights[rows, rivals] = values
            return LeastViolation(W, weights, n_rounds)
        working |= entering
    return LeastViolation(W, nowhere, _MOST_ROUNDS, f"pairs still entered after {_MOST_ROUNDS} rounds")


def _first_pairs(Z: Any, y: Codes, n_classes: int, omega: Floats) -> Mask:
    """Guess the pairs that matter: those near the worst of their row, at a scaled regression."""
    margins = relative_margins(Z, y, ridge_guess(Z, y, n_classes))
    worst = margins.min(axis=1)

    def violation(log_scale: float) -> float:
        return float(omega @ np.maximum(0.0, 1.0 - np.exp(log_scale) * worst))

    largest = float(np.abs(worst).max(initial=0.0))
    if not 0.0 < largest < np.inf:
        return all_pairs(y, n_classes)
    bounds = (-np.log(largest) - np.log(_LARGEST_SCALE), -np.log(largest) + 2.0 * np.log(_LARGEST_SCALE))
    found = scipy.optimize.minimize_scalar(violation, bounds=bounds, method="bounded")
    scale = float(np.exp(found.x))
    near = np.asarray(scale * margins <= np.minimum(scale * worst, 1.0)[:, None] + _FIRST_REACH)
    return near if near.any() else all_pairs(y, n_classes)


def _solve(A: Any, rows: Codes, omega: Floats, n_classes: int, deadline: float) -> tuple[Floats, Floats, str]:
    """Return W, the weights of the pairs, and why there are none."""
    n_pairs, free = A.shape
    used, place = np.unique(rows, return_inverse=True)
    members = sp.csr_array((np.ones(n_pairs), (place, np.arange(n_pairs))), shape=(len(used), n_pairs))
    # columns that are zero would be equations without unknowns
    kept = np.flatnonzero(np.asarray(abs(A).sum(axis=0)).ravel() > 0.0)
    W = np.zeros(free + free // (n_classes - 1))
    answer: Any = scipy.optimize.linprog(
        c=-np.ones(n_pairs),
        A_ub=members,
        b_ub=omega[used],
        A_eq=A[:, kept].T.tocsr(),
        b_eq=np.zeros(len(kept)),
        bounds=np.tile([0.0, np.inf], (n_pairs, 1)),
        method="highs-ipm",
        options={"time_limit": max(1.0, deadline - time.monotonic())},
    )  # type: ignore[call-overload]
    if answer.status != 0:
        return W.reshape(n_classes, -1), np.zeros(n_pairs), f"the linear programme ended: {answer.message}"
    W[kept] = -np.asarray(answer.eqlin.marginals)
    return W.reshape(n_classes, -1), np.maximum(np.asarray(answer.x), 0.0), ""
