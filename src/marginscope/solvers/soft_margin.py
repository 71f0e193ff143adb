"""The least total violation of the margin, and the least norm that attains it.

    V(W) = sum_i omega_i max_k (1 - u_ik(W))_+

On separable data the least V is 0 and the answer is the hard margin. On others it is the
limit of ridge-penalised Crammer-Singer machines as the penalty vanishes: V is polyhedral,
so from some C on the minimiser of C V(W) + ||W||^2 / 2 minimises V exactly.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from marginscope.certificates.bracket import Bracket
from marginscope.certificates.margin_constraints import MarginConstraints
from marginscope.certificates.norm_bounds import dual_norm_bound
from marginscope.certificates.pair_weights import PairWeights
from marginscope.exceptions import NotSolvedError
from marginscope.geometry.intercept import with_ones
from marginscope.geometry.margins import is_sparse
from marginscope.geometry.norms import get_norm
from marginscope.geometry.orthonormal import column_exponents
from marginscope.solvers.distinct_rows import distinct_rows
from marginscope.solvers.optimal_face import least_norm_on_face
from marginscope.solvers.violation_programme import solve_violation_programme

__all__ = ["SoftMargin", "solve_soft_margin"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_EPS = float(np.finfo(float).eps)
_RADIUS = 1e3
_TOL, _WORSE = 1e-8, 1e-6
# of the weight of the row: pairs this far from both bounds may be moved to balance the others
_FREE = 1e-6


@dataclass(frozen=True, eq=False)
class SoftMargin:
    """Coefficients of least total violation, and of these of least norm.

    Attributes
    ----------
    status : str
        "optimal", or "inaccurate" where the ends of the bracket differ by more than 1e-8 of the
        violation plus that of one row, or the norm may not be the least.
    norm : str
    coef : (n_classes, n_features) array
    intercept : (n_classes,) array or None
        The weight of a column of ones; it counts in the norm.
    violation : Bracket
        ``upper`` is what the coefficients attain, rounded up. No W with a norm of at most
        ``radius`` has less than ``lower``, because of ``dual_weights``.
    radius : float
        A thousand times the norm of the coefficients, or the reciprocal of the largest entry of X
        if that is more.
    dual_weights : CSR matrix (n_rows, n_classes)
        lambda >= 0 with sum_k lambda_ik <= omega_i and sum lambda x~ = 0 to rounding.
    n_rounds : int
        Linear programmes that were solved.
    reason : str
        Why it is inaccurate.
    """

    status: str
    norm: str
    coef: Floats
    intercept: Floats | None
    violation: Bracket
    radius: float
    dual_weights: Any
    n_rounds: int = 0
    reason: str = ""

    @property
    def full_coef(self) -> Floats:
        """W with the intercept as its last column, if there is one."""
        return self.coef if self.intercept is None else np.column_stack([self.coef, self.intercept])

    @property
    def norm_value(self) -> float:
        """Norm of W, the intercept included."""
        return get_norm(self.norm).value(self.full_coef)


def solve_soft_margin(
    X: Any,
    y: Codes,
    n_classes: int,
    *,
    norm: str = "frobenius",
    fit_intercept: bool = False,
    sample_weight: Floats | None = None,
    time_limit: float = 600.0,
) -> SoftMargin:
    """Find the coefficients of least total violation and, among them, of least norm.

    Parameters
    ----------
    X : (n_samples, n_features) array or CSR matrix
    y : (n_samples,) class codes 0..n_classes - 1
    n_classes : int
    norm : str
        "frobenius", "max", "sum", "spectral" or "nuclear".
    fit_intercept : bool
        Append a column of ones, whose weights count in the norm.
    sample_weight : (n_samples,) array of positive numbers, optional
        Factors of the violations of the rows.
    time_limit : float
        Seconds.

    Returns
    -------
    SoftMargin

    Raises
    ------
    NotSolvedError
        If the linear programme does not end within the time, or is too large.

    References
    ----------
    Crammer & Singer, JMLR 2 (2001); Mangasarian & Meyer, SIAM J. Control 17 (1979).

    Examples
    --------
    >>> import numpy as np
    >>> X, y = np.array([[-2.0], [-1.0], [1.0], [2.0], [-1.5]]), np.array([0, 0, 1, 1, 1])
    >>> soft = solve_soft_margin(X, y, 2)
    >>> soft.coef.round(6).tolist(), round(soft.violation.upper, 6)
    ([[-0.5], [0.5]], 2.5)
    """
    get_norm(norm)
    deadline = time.monotonic() + time_limit
    constraints = MarginConstraints(X, y, n_classes, bool(fit_intercept))
    omega = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
    same = distinct_rows(X, y)
    mass = np.bincount(same.group, weights=omega, minlength=len(same.first))
    unit = float(mass.max())
    Z = with_ones(X[same.first]) if fit_intercept else X[same.first]
    exponent = column_exponents(Z)
    scaled = sp.csr_array(Z @ sp.diags_array(np.ldexp(1.0, -exponent))) if is_sparse(Z) else np.ldexp(Z, -exponent)
    codes = y[same.first]
    found = solve_violation_programme(scaled, codes, n_classes, mass / unit, deadline=deadline)
    if found.reason:
        raise NotSolvedError(
            f"the least total violation was wanted, but {found.reason}; take fewer rows or MarginClassifier with a "
            "large C"
        )
    weights = balanced(scaled, codes, mass / unit, found.weights)
    W, reason = least_norm_on_face(
        Z,
        codes,
        mass / unit,
        np.ldexp(found.W, -exponent),
        weights,
        norm,
        time_limit=deadline - time.monotonic(),
    )
    W, reason = _not_worse(constraints, omega, W, np.ldexp(found.W, -exponent), reason)
    shared = (weights[same.group] * unit) * (omega / mass[same.group])[:, None]
    return _measured(constraints, omega, W, shared, norm, found.n_rounds, reason)


def balanced(Z: Any, y: Codes, omega: Floats, weights: Floats) -> Floats:
    """Move the pairs that are at no bound, by as little as makes the pair features sum to zero."""
    K = weights.shape[1]
    total = weights.sum(axis=1)
    inside = (weights > _FREE * omega[:, None]) & (weights < (1.0 - _FREE) * omega[:, None])
    # a row that is full stays full: its own pairs are moved against each other only
    signed = -weights
    signed[np.arange(len(y)), y] = total
    missing = -np.asarray(Z.T @ signed).T
    rows, rivals = np.nonzero(inside)
    if not len(rows) or not missing.any():
        return weights
    p = Z.shape[1]
    features = np.asarray(Z[rows].toarray() if is_sparse(Z) else Z[rows])
    A = np.zeros((len(rows), K, p))
    A[np.arange(len(rows)), y[rows]] += features
    A[np.arange(len(rows)), rivals] -= features
    A = A.reshape(len(rows), -1)
    full = total >= (1.0 - _FREE) * omega
    held = np.flatnonzero(full & (inside.sum(axis=1) > 0))
    C = (rows[None, :] == held[:, None]).astype(float)
    move = np.linalg.lstsq(np.vstack([A.T, C]), np.r_[missing.ravel(), (omega - total)[held]], rcond=None)[0]
    moved = weights.copy()
    moved[rows, rivals] += move
    return moved if bool(np.all(moved >= 0.0)) else weights


def _measured(
    constraints: MarginConstraints,
    omega: Floats,
    W: Floats,
    weights: Floats,
    norm: str,
    n_rounds: int,
    reason: str,
) -> SoftMargin:
    """Bound the violation on the rows as given, both ends rounded outward."""
    over = weights.sum(axis=1) * (1.0 + 8.0 * _EPS) / omega
    weights = weights / np.maximum(over, 1.0)[:, None]
    upper = _attained(constraints, omega, W)
    size = get_norm(norm).value(W)
    radius = _RADIUS * max(size, 1.0 / max(float(abs(constraints.X).max()), float(constraints.fit_intercept), 1e-300))
    combined = constraints.weighted_sum(PairWeights.of(weights))
    off = dual_norm_bound(norm, combined.value, combined.error)
    lower = combined.total * (1.0 - 4.0 * _EPS) - (off * radius)
    bracket = Bracket(min(max(0.0, lower), upper), upper)
    is_closed = upper - bracket.lower <= _TOL * (upper + float(omega.max()))
    p = constraints.X.shape[1]
    return SoftMargin(
        status="optimal" if is_closed and not reason else "inaccurate",
        norm=norm,
        coef=np.ascontiguousarray(W[:, :p]),
        intercept=W[:, -1].copy() if constraints.fit_intercept else None,
        violation=bracket,
        radius=radius,
        dual_weights=sp.csr_array(weights),
        n_rounds=n_rounds,
        reason=reason or ("" if is_closed else f"both ends differ by {bracket.width:.1e}"),
    )


def _not_worse(
    constraints: MarginConstraints, omega: Floats, W: Floats, vertex: Floats, reason: str
) -> tuple[Floats, str]:
    """Return the point of least norm, or the vertex of the programme where rounding made it violate more."""
    least = _attained(constraints, omega, vertex)
    if _attained(constraints, omega, W) <= least + _WORSE * (least + float(omega.max())):
        return W, reason
    return vertex - vertex.mean(axis=0), reason or "rounding hides which of the solutions has the least norm"


def _attained(constraints: MarginConstraints, omega: Floats, W: Floats) -> float:
    """Return a number not below V(W)."""
    low = (constraints.scaled_margins(W) - constraints.scaled_rounding(W)).min(axis=1)
    return float(math.fsum(omega * np.maximum(0.0, 1.0 - low))) * (1.0 + 8.0 * _EPS)
