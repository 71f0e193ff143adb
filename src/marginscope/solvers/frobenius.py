"""The hard-margin problem in the Frobenius norm, and its solution as a direction.

    minimise ||W||_F   subject to   <x~_ik, W> >= 1 on the separable pairs,
                                    W orthogonal to x~_ik of the tied pairs

With dual weights alpha >= 0 the solution is the projection of sum alpha x~ onto
the allowed directions, alpha (u - 1) = 0, and sum alpha = ||W||^2 = 1 / margin^2.
An intercept is the weight of a column of ones and counts in the norm, as it does
for gradient descent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from marginscope.certificates.kkt import KktResiduals
from marginscope.geometry.intercept import with_ones
from marginscope.geometry.margins import all_pairs, is_sparse
from marginscope.solvers.basis_system import BasisSystem
from marginscope.solvers.distinct_rows import distinct_rows
from marginscope.solvers.dual_system import DualSystem
from marginscope.solvers.interior_point import PathEnd
from marginscope.solvers.least_norm import solve_least_norm
from marginscope.solvers.margin_problem import Codes, Floats, MarginProblem, Mask, Solved
from marginscope.solvers.margin_scaling import power_of_two_above
from marginscope.solvers.margin_system import MarginSystem

__all__ = ["HardMarginDirection", "hard_margin_direction", "solve_frobenius"]

_SIGN_THRESHOLD = 1e-6
_SUPPORT_THRESHOLD = 1e-8


@dataclass(frozen=True, eq=False)
class HardMarginDirection:
    """The max-margin direction, its dual weights and how exact they are.

    Attributes
    ----------
    coef : (n_classes, n_features) array
        Scaled so that the worst margin of the pairs is 1; zero if infeasible.
    intercept : (n_classes,) array or None
    support_pairs : (n_support, 2) array
        Row and class code of the pairs with positive dual weight, one row for
        each group of equal rows.
    support_weights : (n_support,) array
        Their dual weights alpha.
    support_gram : (n_support, n_support) array
        Inner products of their pair features, projected off the tied pairs.
    support_members : tuple of arrays
        All rows equal to the row of each support pair.
    status : str
        "optimal", "inaccurate", "infeasible", "iteration_limit", "numerical_error" or
        "too_large": tied pairs leave too many unknowns, nothing was computed.
    bracket : (float, float)
        Certified lower and upper end of the largest normalised margin.
    kkt : KktResiduals
    nearest_margin : float
        Smallest margin of the pairs that are no support pairs; the margin of those is 1.
    dual_weights : CSR matrix (n_samples, n_classes)
    column_sizes : (n_features,) array
        Largest absolute value of each feature, the scale for ``signs``.
    """

    coef: Floats
    intercept: Floats | None
    support_pairs: NDArray[np.int64]
    support_weights: Floats
    support_gram: Floats
    support_members: tuple[Codes, ...]
    status: str
    bracket: tuple[float, float]
    kkt: KktResiduals
    nearest_margin: float
    dual_weights: Any
    column_sizes: Floats
    n_iterations: int = 0

    @property
    def norm(self) -> float:
        """Frobenius norm, the intercept included."""
        squared = float((self.coef**2).sum())
        return float(np.sqrt(squared + (0.0 if self.intercept is None else float((self.intercept**2).sum()))))

    @property
    def margin(self) -> float:
        """Largest normalised margin, from below."""
        return self.bracket[0]

    def signs(self, threshold: float = _SIGN_THRESHOLD) -> tuple[NDArray[np.int8], NDArray[np.int8] | None]:
        """Return the signs of coefficients and intercepts, 0 below a share of the largest effect.

        The effect of a coefficient is its size times the largest value of its feature.
        """
        effect = np.abs(self.coef) * self.column_sizes
        largest = max(effect.max(initial=0.0), 0.0 if self.intercept is None else float(np.abs(self.intercept).max()))
        coef = (np.sign(self.coef) * (effect > threshold * largest)).astype(np.int8)
        if self.intercept is None:
            return coef, None
        return coef, (np.sign(self.intercept) * (np.abs(self.intercept) > threshold * largest)).astype(np.int8)


def solve_frobenius(problem: MarginProblem) -> Solved:
    """Find the W of least Frobenius norm with margin 1 on all wanted pairs.

        minimise ||W||_F   subject to   u_ik(W) >= 1 on the pairs, = 0 on the tied pairs

    Parameters
    ----------
    problem : MarginProblem

    Returns
    -------
    Solved
        Optimal to the tolerance, and as a rule to rounding; weights of an infeasible
        problem combine to rounding error.
    """
    system, end = solve_least_norm(problem)
    W = np.zeros(problem.shape)
    if system is not None and end.status != "infeasible":
        W = system.to_columns(end.W)
    return Solved(W, _spread(problem, end), end.status, end.n_iterations, "interior point")


def _spread(problem: MarginProblem, end: PathEnd) -> Floats:
    weights = np.zeros(problem.pairs.size)
    weights[end.pairs] = end.alpha
    return weights.reshape(problem.pairs.shape)


def hard_margin_direction(
    X: Any,
    y_codes: Codes,
    *,
    n_classes: int | None = None,
    fit_intercept: bool = False,
    pairs: Mask | None = None,
    tied: Mask | None = None,
    start: Floats | None = None,
    tol: float = 1e-9,
    time_limit: float = 60.0,
) -> HardMarginDirection:
    """Find the least-norm W with margin 1 on pairs, orthogonal to tied pairs.

    Parameters
    ----------
    X : (n_samples, n_features) array or CSR matrix
        Finite values.
    y_codes : (n_samples,) class codes
    n_classes : int, optional
        Default: the largest code plus one.
    fit_intercept : bool
        Append a column of ones.
    pairs : (n_samples, n_classes) mask, optional
        Pairs that must have a margin; default all that are not tied.
    tied : (n_samples, n_classes) mask, optional
        Pairs whose margin must be zero.
    start : (n_classes, n_features [+ 1]) array, optional
        A direction whose smallest margins show where the support is.
    tol : float
        Largest relative gap of a solution called optimal.
    time_limit : float
        Seconds, after which the status is "iteration_limit".

    Returns
    -------
    HardMarginDirection
    """
    y = np.asarray(y_codes, dtype=np.intp)
    K = int(y.max()) + 1 if n_classes is None else n_classes
    same = distinct_rows(X, y)
    first, labels = same.first, y[same.first]
    wanted = all_pairs(labels, K)
    if tied is not None:
        tied = tied[first]
        wanted &= ~tied
    if pairs is not None:
        wanted &= pairs[first]
    Z = with_ones(X[first]) if fit_intercept else X[first]
    size = power_of_two_above(Z)
    problem = MarginProblem(
        X=Z * (1.0 / size),
        y=labels,
        n_classes=K,
        pairs=wanted,
        tied=tied,
        start=None if start is None else _unit(start),
        tol=tol,
        time_limit=time_limit,
    )
    try:
        system, end = solve_least_norm(problem)
    except np.linalg.LinAlgError:
        # beyond the range of numbers directions that are apart have the same digits
        nothing = np.zeros(0)
        system, end = None, PathEnd(nothing, nothing.astype(np.intp), nothing, "numerical_error", 0)
    with np.errstate(all="ignore"):
        measured = _measured(problem, system, end)
    return _in_original_units(X, problem, measured, first, same.group, size, fit_intercept)


def _unit(W: Floats) -> Floats:
    """Divide by the largest entry: squares of a direction may overflow."""
    return W / (np.abs(W).max(initial=0.0) or 1.0)


@dataclass(frozen=True, eq=False)
class _Measured:
    """A solution in the scaled columns, its support, and what all pairs say about it."""

    W: Floats
    pairs: NDArray[np.intp]
    alpha: Floats
    gram: Floats
    status: str
    bracket: tuple[float, float]
    kkt: KktResiduals
    nearest_margin: float
    n_iterations: int


def _measured(problem: MarginProblem, system: MarginSystem | None, end: PathEnd) -> _Measured:
    """Compute bracket and residuals over all wanted pairs, whatever the solver said."""
    heavy = end.alpha > _SUPPORT_THRESHOLD * end.alpha.max(initial=0.0)
    pairs, alpha = end.pairs[heavy], end.alpha[heavy]
    total = float(alpha.sum())
    nowhere = KktResiduals(*(4 * (0.0 if end.status == "optimal" else np.inf,)))
    zero = np.zeros(problem.shape)
    if system is None or not 0.0 < total < np.inf:
        gram = np.zeros((len(pairs), len(pairs)))
        upper = 0.0 if system is None and end.status == "infeasible" else np.inf
        return _Measured(zero, pairs, alpha, gram, end.status, (0.0, upper), nowhere, np.inf, 0)
    system.select(pairs)
    alpha = _in_order(pairs, alpha, system.pairs)
    pairs, G = system.pairs, system.adjoint(alpha)
    own = system.inverse_metric(G / total)
    upper = float(np.sqrt(np.vdot(own, system.metric(own))))
    upper = upper if upper == upper else np.inf
    gram = _products(problem, system)
    if end.status == "infeasible":
        return _Measured(zero, pairs, alpha, gram, end.status, (0.0, upper), nowhere, np.inf, end.n_iterations)
    u = np.where(problem.pairs, system.all_margins(end.W), np.inf)
    norm = float(np.sqrt(np.vdot(end.W, system.metric(end.W))))
    # divided before anything is squared: the norm is 1e100 where the margin is 1e-100
    rest = (end.W - own * total) / norm
    kkt = KktResiduals(
        primal=max(0.0, 1.0 - float(u.min())),
        stationarity=float(np.sqrt(np.vdot(rest, system.metric(rest)))),
        complementarity=float(np.max(alpha / alpha.max() * np.abs(u.ravel()[pairs] - 1.0))),
        gap=abs(total / norm / norm - 1.0),
    )
    lower = max(0.0, float(u.min()) / norm)
    bracket = lower, max(lower, upper)
    u.ravel()[pairs] = np.inf
    return _Measured(
        system.to_columns(end.W), pairs, alpha, gram, end.status, bracket, kkt, float(u.min()), end.n_iterations
    )


def _in_order(pairs: NDArray[np.intp], values: Floats, wanted: NDArray[np.intp]) -> Floats:
    """Rearrange values of pairs into the order of the same pairs elsewhere."""
    order = np.argsort(pairs)
    return values[order[np.searchsorted(pairs, wanted, sorter=order)]]


def _products(problem: MarginProblem, system: MarginSystem) -> Floats:
    """Return the inner products of the selected pairs, those of tied problems projected."""
    if isinstance(system, BasisSystem):
        return np.asarray(system.A @ system.A.T)
    pairwise = DualSystem(problem)
    pairwise.select(system.pairs)
    return pairwise.products


def _in_original_units(
    X: Any,
    problem: MarginProblem,
    found: _Measured,
    first: Codes,
    group: Codes,
    size: float,
    fit_intercept: bool,
) -> HardMarginDirection:
    """Undo the scaling: Z = X / size, so W shrinks by size and alpha by its square."""
    full = found.W / size
    rows, rivals = np.divmod(found.pairs, problem.n_classes)
    order = np.lexsort((rivals, rows))
    rows, rivals, alpha = rows[order], rivals[order], found.alpha[order] / size**2
    sizes = abs(X).max(axis=0)
    sizes = sizes.toarray().ravel() if is_sparse(sizes) else np.asarray(sizes, dtype=float)
    return HardMarginDirection(
        coef=np.ascontiguousarray(full[:, :-1]) if fit_intercept else full,
        intercept=full[:, -1].copy() if fit_intercept else None,
        support_pairs=np.column_stack([first[rows], rivals]).astype(np.int64),
        support_weights=alpha,
        support_gram=found.gram[np.ix_(order, order)] * size**2,
        support_members=tuple(np.flatnonzero(group == row) for row in rows),
        status=found.status,
        bracket=(found.bracket[0] * size, found.bracket[1] * size),
        kkt=found.kkt,
        nearest_margin=found.nearest_margin,
        dual_weights=sp.csr_array((alpha, (first[rows], rivals)), shape=(len(group), problem.n_classes)),
        column_sizes=sizes,
        n_iterations=found.n_iterations,
    )
