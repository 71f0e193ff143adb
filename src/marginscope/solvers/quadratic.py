"""Least norm under margin constraints: cutting planes over Clarabel, then an exact active set.

Only the pairs that bind matter, so few pairs enter, and the violated ones are
added until none is left. Clarabel's answer is then replaced by the solution of
its active equations where that is closer to optimal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg
import scipy.optimize
import scipy.sparse as sp
from numpy.typing import NDArray

from marginscope.solvers.pair_rows import PairSpace

__all__ = ["ActiveSolution", "solve_least_norm"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]

_MOST_ENTRIES_OF_ACTIVE_SET = 1_000_000
_MOST_EXCHANGES = 60
_STATUSES = {
    "Solved": "optimal",
    "AlmostSolved": "inaccurate",
    "PrimalInfeasible": "infeasible",
    "AlmostPrimalInfeasible": "infeasible",
    "MaxIterations": "iteration_limit",
    "MaxTime": "iteration_limit",
}


@dataclass(frozen=True)
class ActiveSolution:
    """A direction, the working pairs with their dual weights, and the residuals."""

    beta: Floats
    rows: Codes
    rivals: Codes
    alpha: Floats
    status: str
    bracket: tuple[float, float]
    kkt: tuple[float, float, float, float]
    n_rounds: int


def solve_least_norm(
    space: PairSpace, wanted: Mask, *, start: Floats | None, tol: float, max_rounds: int
) -> ActiveSolution:
    """Minimise ||W|| over the space with margin 1 on all wanted pairs.

    ``start`` is a direction (beta); if it separates, it sets the scale.
    """
    none = np.zeros(0, dtype=np.intp)
    beta = np.zeros(space.n_unknowns)
    if not wanted.any() or space.n_unknowns == 0:
        status = "infeasible" if wanted.any() else "optimal"
        return ActiveSolution(beta, none, none, np.zeros(0), status, (0.0, np.inf), (0.0,) * 4, 0)
    worst = 0.0 if start is None else float(np.min(space.margins(start), where=wanted, initial=np.inf))
    scale = float(np.linalg.norm(start)) / worst if start is not None and worst > 0 else 1.0
    metric = sp.triu(space.metric / scale**2, format="csc")
    working = _first_pairs(space, wanted, start)
    for n_rounds in range(1, max_rounds + 1):
        rows, rivals = np.nonzero(working)
        A = space.beta_rows(rows, rivals)
        gamma, alpha, status = _clarabel(metric, space.gamma_rows(rows, rivals), tol)
        alpha = alpha * scale**2
        if status not in ("optimal", "inaccurate"):
            break
        beta, alpha = _polish(A, space.to_beta(gamma), alpha)
        if max(_residuals(A, beta, alpha)) > tol and A.shape[0] * A.shape[1] <= _MOST_ENTRIES_OF_ACTIVE_SET:
            beta, alpha = _least_distance(A, beta, alpha)
        u = space.margins(beta)
        violated = wanted & ~working & (u < 1.0 - 0.1 * tol)
        if not violated.any():
            break
        working |= _most_violated(violated, u, space)
    else:
        status = "iteration_limit"
    return _measured(space, wanted, rows, rivals, A, beta, alpha, status, tol, n_rounds)


def _first_pairs(space: PairSpace, wanted: Mask, start: Floats | None) -> Mask:
    """Choose the smallest margins of each class and rival under the start, or spread pairs."""
    most = max(200, 2 * space.n_unknowns)
    if int(wanted.sum()) <= most:
        return wanted.copy()
    if start is None:
        centres = np.zeros((space.n_classes, space.rank))
        for k in range(space.n_classes):
            centres[k] = np.asarray(space.Y[space.y == k].mean(axis=0)).ravel() if np.any(space.y == k) else 0.0
        flat = (centres - centres.mean(axis=0)).ravel()
        start = flat if space.basis is None else space.basis.T @ flat
    u = np.where(wanted, space.margins(start), np.inf)
    chosen = wanted & (u <= np.partition(u[wanted], most - 1)[most - 1])
    rows = np.arange(len(u))
    for c in range(space.n_classes):
        own = rows[space.y == c]
        for k in range(space.n_classes):
            if k != c and len(own) and np.any(wanted[own, k]):
                chosen[own[np.argmin(u[own, k])], k] = True
    return chosen & wanted


def _most_violated(violated: Mask, u: Floats, space: PairSpace) -> Mask:
    values = u[violated]
    most = max(200, space.n_unknowns)
    if len(values) <= most:
        return violated
    return violated & (u <= np.partition(values, most - 1)[most - 1])


def _clarabel(metric: Any, A: Any, tol: float) -> tuple[Floats, Floats, str]:
    """Solve min 1/2 gamma' P gamma s.t. A gamma >= 1; return gamma, dual weights and status."""
    import clarabel

    m, n = A.shape
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.tol_gap_abs = settings.tol_gap_rel = min(1e-10, 0.1 * tol)
    settings.tol_feas = min(1e-10, 0.1 * tol)
    solver = clarabel.DefaultSolver(
        sp.csc_matrix(metric),
        np.zeros(n),
        sp.csc_matrix(-A),
        -np.ones(m),
        [clarabel.NonnegativeConeT(m)],
        settings,
    )
    found = solver.solve()
    status = _STATUSES.get(str(found.status), "numerical_error")
    return np.asarray(found.x), np.maximum(np.asarray(found.z), 0.0), status


def _polish(A: Any, beta: Floats, alpha: Floats) -> tuple[Floats, Floats]:
    """Solve the equations of the active pairs, changing them one at a time; keep the better solution."""
    best = (max(_residuals(A, beta, alpha)), beta, alpha)
    active = np.flatnonzero(alpha > 1e-6 * alpha.max())
    for _ in range(_MOST_EXCHANGES):
        if not len(active):
            break
        B = A[active]
        B = B.toarray() if sp.issparse(B) else B
        trial = scipy.linalg.lstsq(B, np.ones(len(B)), check_finite=False)[0]
        weights = scipy.linalg.lstsq(B.T, trial, check_finite=False)[0]
        if weights.min() < 0:
            active = np.delete(active, int(np.argmin(weights)))
            continue
        trial_alpha = np.zeros_like(alpha)
        trial_alpha[active] = weights
        residual = max(_residuals(A, trial, trial_alpha))
        if residual < best[0]:
            best = (residual, trial, trial_alpha)
        u = np.asarray(A @ trial)
        u[active] = np.inf
        worst = int(np.argmin(u))
        if not u[worst] < 1.0 - 1e-13:
            break
        active = np.append(active, worst)
    return best[1], best[2]


def _least_distance(A: Any, beta: Floats, alpha: Floats) -> tuple[Floats, Floats]:
    """Solve by non-negative least squares (Lawson & Hanson 1974, chapter 23), if that is closer to optimal."""
    dense = A.toarray() if sp.issparse(A) else A
    # in units in which the margin is near one
    unit = 1.0 / max(float(np.linalg.norm(beta)), 1e-300)
    E = np.vstack([dense.T / unit, np.ones(len(dense))])
    try:
        weights, _ = scipy.optimize.nnls(E, np.r_[np.zeros(dense.shape[1]), 1.0], maxiter=20 * max(E.shape))
    except RuntimeError:
        return beta, alpha
    rest = 1.0 - float(weights.sum())
    if not rest > 0:
        return beta, alpha
    trial_alpha = weights / rest / unit**2
    trial, trial_alpha = _polish(A, np.asarray(dense.T @ trial_alpha), trial_alpha)
    better = max(_residuals(A, trial, trial_alpha)) < max(_residuals(A, beta, alpha))
    return (trial, trial_alpha) if better else (beta, alpha)


def _residuals(A: Any, beta: Floats, alpha: Floats) -> tuple[float, float, float, float]:
    u = np.asarray(A @ beta)
    squared, total = float(beta @ beta), float(alpha.sum())
    if not (squared > 0 and total > 0):
        return np.inf, np.inf, np.inf, np.inf
    primal = max(0.0, 1.0 - float(u.min()))
    stationarity = float(np.linalg.norm(beta - np.asarray(A.T @ alpha))) / np.sqrt(squared)
    complementarity = float(np.max(alpha * np.abs(u - 1.0))) / float(alpha.max())
    return primal, stationarity, complementarity, abs(total - squared) / squared


def _measured(
    space: PairSpace,
    wanted: Mask,
    rows: Codes,
    rivals: Codes,
    A: Any,
    beta: Floats,
    alpha: Floats,
    status: str,
    tol: float,
    n_rounds: int,
) -> ActiveSolution:
    """Compute bracket and residuals over all wanted pairs, whatever the solver said."""
    total = float(alpha.sum())
    upper = float(np.linalg.norm(np.asarray(A.T @ alpha))) / total if total > 0 else np.inf
    if status == "infeasible":
        zero = np.zeros_like(beta)
        return ActiveSolution(zero, rows, rivals, alpha, status, (0.0, upper), (np.inf,) * 4, n_rounds)
    worst = float(np.min(space.margins(beta), where=wanted, initial=np.inf))
    norm = float(np.linalg.norm(beta))
    lower = worst / norm if norm > 0 else 0.0
    primal, stationarity, complementarity, gap = _residuals(A, beta, alpha)
    kkt = (max(primal, max(0.0, 1.0 - worst)), stationarity, complementarity, gap)
    if status in ("optimal", "inaccurate"):
        status = "optimal" if upper - lower <= 10 * tol * upper else "inaccurate"
    return ActiveSolution(beta, rows, rivals, alpha, status, (max(lower, 0.0), upper), kkt, n_rounds)
