"""Least norm under margin constraints: cutting planes over Clarabel, then an exact active set.

Only the pairs that bind matter, so few pairs enter, and the violated ones are
added until none is left. Clarabel's answer is then replaced by the solution of
its active equations where that is closer to optimal.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
import scipy.optimize
import scipy.sparse as sp
from numpy.typing import NDArray

from marginscope.geometry.margins import is_sparse
from marginscope.solvers.pair_rows import PairSpace

__all__ = ["ActiveSolution", "solve_least_norm"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]

_MOST_ENTRIES_OF_ACTIVE_SET = 1_000_000
_MOST_EXCHANGES = 60
_MOST_SPARSE_UNKNOWNS = 1500
_MOST_DENSE_UNKNOWNS = 800
_SLACK = 1.0
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
    space: PairSpace, wanted: Mask, *, start: Floats | None, tol: float, max_rounds: int, time_limit: float
) -> ActiveSolution:
    """Minimise ||W|| over the space with margin 1 on all wanted pairs.

    ``start`` is a direction (beta); if it separates, it sets the scale, and is the
    answer where the problem is too large to solve.
    """
    none = np.zeros(0, dtype=np.intp)
    beta = np.zeros(space.n_unknowns)
    if not wanted.any() or space.n_unknowns == 0:
        status = "infeasible" if wanted.any() else "optimal"
        return ActiveSolution(beta, none, none, np.zeros(0), status, (0.0, np.inf), (0.0,) * 4, 0)
    best = _Best(space, wanted, start)
    if space.n_unknowns > (_MOST_SPARSE_UNKNOWNS if space.basis is None else _MOST_DENSE_UNKNOWNS):
        return best.answer(
            _Working(np.zeros((0, space.n_unknowns)), none, none, np.zeros(0)), "iteration_limit", tol, 0
        )
    worst = 0.0 if start is None else float(np.min(space.margins(start), where=wanted, initial=np.inf))
    scale = float(np.linalg.norm(start)) / worst if start is not None and worst > 0 else 1.0
    metric = sp.triu(space.metric / scale**2, format="csc")
    pairs = _first_pairs(space, wanted, start)
    deadline = time.monotonic() + time_limit
    near = 1e-7
    for n_rounds in range(1, max_rounds + 1):
        rows, rivals = np.nonzero(pairs)
        left = max(0.1, deadline - time.monotonic())
        gamma, alpha, status = _clarabel(metric, space.gamma_rows(rows, rivals), tol, left)
        working = _Working(space.beta_rows(rows, rivals), rows, rivals, alpha * scale**2)
        if status not in ("optimal", "inaccurate"):
            return best.answer(working, status, tol, n_rounds)
        beta = space.to_beta(gamma)
        u = best.offer(beta, working)
        violated = wanted & ~pairs & (u < 1.0 - near)
        if not violated.any():
            beta, alpha = _polish(space, working.A, beta, working.alpha)
            working = working._replace(alpha=alpha)
            u = best.offer(beta, working)
            near = 0.1 * tol
            violated = wanted & ~pairs & (u < 1.0 - near)
            if not violated.any():
                return best.answer(working, "optimal", tol, n_rounds, beta)
        # slack pairs leave; the norm grows every round, so no working set returns
        pairs = (pairs & (u < 1.0 + _SLACK)) | _most_violated(violated, u, space)
    return best.answer(working, "iteration_limit", tol, max_rounds)


class _Working(NamedTuple):
    """The pairs that take part, their features in beta, and their dual weights."""

    A: Any
    rows: Codes
    rivals: Codes
    alpha: Floats


class _Best:
    """The direction of largest margin so far, and the last dual weights, for an early end."""

    def __init__(self, space: PairSpace, wanted: Mask, start: Floats | None) -> None:
        self.space = space
        self.wanted = wanted
        self.beta = np.zeros(space.n_unknowns)
        self.margin = 0.0
        self.working: _Working | None = None
        if start is not None:
            self._keep(start, space.margins(start))

    def offer(self, beta: Floats, working: _Working) -> Floats:
        """Remember a solution of some pairs; return its margins on all."""
        u = self.space.margins(beta)
        self._keep(beta, u)
        self.working = working
        return u

    def _keep(self, beta: Floats, u: Floats) -> None:
        worst, norm = float(np.min(u, where=self.wanted, initial=np.inf)), float(np.linalg.norm(beta))
        if norm > 0 and worst / norm > self.margin:
            self.beta, self.margin = beta / worst, worst / norm

    def answer(
        self, working: _Working, status: str, tol: float, n_rounds: int, beta: Floats | None = None
    ) -> ActiveSolution:
        """Measure the last solution; fall back on the best one where that is no solution."""
        if beta is not None:
            found = _measured(self.space, self.wanted, working, beta, status, tol, n_rounds)
            if found.status == "optimal" or found.bracket[0] >= self.margin:
                return found
            status = found.status
        elif self.margin > 0 and self.working is not None:
            working = self.working
        if self.margin > 0 and status == "infeasible":
            status = "numerical_error"
        return _measured(self.space, self.wanted, working, self.beta, status, tol, n_rounds)


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
    return np.asarray(chosen & wanted)


def _most_violated(violated: Mask, u: Floats, space: PairSpace) -> Mask:
    """Keep the worst violations of every class and rival: those of one block are often alike."""
    K = space.n_classes
    each = max(5, 2 * space.n_unknowns // (K * (K - 1)))
    chosen = np.zeros_like(violated)
    for c in range(K):
        own = np.flatnonzero(space.y == c)
        for k in range(K):
            here = own[violated[own, k]]
            if len(here) > each:
                here = here[np.argpartition(u[here, k], each)[:each]]
            chosen[here, k] = True
    return chosen


def _clarabel(metric: Any, A: Any, tol: float, time_limit: float) -> tuple[Floats, Floats, str]:
    """Solve min 1/2 gamma' P gamma s.t. A gamma >= 1; return gamma, dual weights and status."""
    import clarabel

    m, n = A.shape
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.time_limit = time_limit
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


def _polish(space: PairSpace, A: Any, beta: Floats, alpha: Floats) -> tuple[Floats, Floats]:
    """Solve the equations of the active pairs, changing them one at a time; keep the better solution."""
    if max(_residuals(A, beta, alpha)) > 1e-6 and A.shape[0] * A.shape[1] <= _MOST_ENTRIES_OF_ACTIVE_SET:
        beta, alpha = _least_distance(A, beta, alpha)
    best = (max(_residuals(A, beta, alpha)), beta, alpha)
    active = np.flatnonzero(alpha > 1e-6 * alpha.max())
    for _ in range(_MOST_EXCHANGES):
        if not len(active):
            break
        B = A[active]
        B = B.toarray() if is_sparse(B) else B
        trial = space.centred(scipy.linalg.lstsq(B, np.ones(len(B)), check_finite=False)[0])
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
    dense = A.toarray() if is_sparse(A) else A
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
    trial = np.asarray(dense.T @ trial_alpha)
    better = max(_residuals(A, trial, trial_alpha)) < max(_residuals(A, beta, alpha))
    return (trial, trial_alpha) if better else (beta, alpha)


def _residuals(A: Any, beta: Floats, alpha: Floats) -> tuple[float, float, float, float]:
    u = np.asarray(A @ beta)
    norm, total = float(np.linalg.norm(beta)), float(alpha.sum())
    if not (norm > 0 and total > 0):
        return np.inf, np.inf, np.inf, np.inf
    primal = max(0.0, 1.0 - float(u.min()))
    # divided before anything is squared: the norm is 1e100 where the margin is 1e-100
    stationarity = float(np.linalg.norm(beta / norm - np.asarray(A.T @ (alpha / norm))))
    complementarity = float(np.max(alpha / alpha.max() * np.abs(u - 1.0)))
    return primal, stationarity, complementarity, abs(total / norm / norm - 1.0)


def _measured(
    space: PairSpace, wanted: Mask, working: _Working, beta: Floats, status: str, tol: float, n_rounds: int
) -> ActiveSolution:
    """Compute bracket and residuals over all wanted pairs, whatever the solver said."""
    A, rows, rivals, alpha = working
    total = float(alpha.sum())
    upper = float(np.linalg.norm(np.asarray(A.T @ (alpha / total)))) if total > 0 else np.inf
    if status == "infeasible":
        zero = np.zeros_like(beta)
        return ActiveSolution(zero, rows, rivals, alpha, status, (0.0, upper), (np.inf,) * 4, n_rounds)
    worst = float(np.min(space.margins(beta), where=wanted, initial=np.inf))
    norm = float(np.linalg.norm(beta))
    lower = worst / norm if norm > 0 else 0.0
    if not len(rows):
        return ActiveSolution(beta, rows, rivals, alpha, status, (max(lower, 0.0), upper), (np.inf,) * 4, n_rounds)
    primal, stationarity, complementarity, gap = _residuals(A, beta, alpha)
    kkt = (max(primal, max(0.0, 1.0 - worst)), stationarity, complementarity, gap)
    if status == "optimal" and not upper - lower <= 10 * tol * upper:
        status = "inaccurate"
    return ActiveSolution(beta, rows, rivals, alpha, status, (max(lower, 0.0), upper), kkt, n_rounds)
