"""The max-margin direction in the Frobenius norm.

    minimise ||W||_F   subject to   <x~_ik, W> >= 1 on the separable pairs,
                                    W orthogonal to x~_ik of the tied pairs

With dual weights alpha >= 0 the solution is the projection of sum alpha x~ onto
the allowed directions, alpha (u - 1) = 0, and sum alpha = ||W||^2 = 1 / margin^2.
An intercept is the weight of a column of ones and counts in the norm, as it does
for gradient descent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from marginscope.geometry.margins import all_pairs, is_sparse
from marginscope.solvers.distinct_rows import distinct_rows
from marginscope.solvers.pair_rows import PairSpace
from marginscope.solvers.quadratic import ActiveSolution, solve_least_norm

__all__ = ["HardMarginDirection", "KktResiduals", "hard_margin_direction"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]

_SIGN_THRESHOLD = 1e-6
_SUPPORT_THRESHOLD = 1e-8


class KktResiduals(NamedTuple):
    """How far a solution is from optimal, each relative to its own scale."""

    primal: float
    stationarity: float
    complementarity: float
    gap: float

    @property
    def worst(self) -> float:
        """The largest of the four."""
        return max(self)


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
        "optimal", "inaccurate", "infeasible", "iteration_limit" or "numerical_error".
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
    n_rounds: int = 0

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
    max_rounds: int = 100,
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
    max_rounds : int
        How often violated pairs may enter.
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
    Z, size = _scaled_columns(X[first], fit_intercept)
    space = PairSpace(Z, labels, K, tied if tied is not None and tied.any() else None)
    beta = None if start is None else space.from_columns(_unit(start))
    solution = solve_least_norm(space, wanted, start=beta, tol=tol, max_rounds=max_rounds, time_limit=time_limit)
    return _in_original_units(X, space, solution, first, same.group, size, fit_intercept, wanted)


def _unit(W: Floats) -> Floats:
    """Divide by the largest entry: squares of a direction may overflow."""
    return W / (np.abs(W).max(initial=0.0) or 1.0)


def _scaled_columns(X: Any, fit_intercept: bool) -> tuple[Any, float]:
    """Append ones and divide everything by one power of two near the largest row norm."""
    Z = X
    if fit_intercept:
        ones = np.ones((X.shape[0], 1))
        Z = sp.csr_array(sp.hstack([X, sp.csr_array(ones)])) if is_sparse(X) else np.column_stack([X, ones])
    largest = float(abs(Z).max()) if Z.shape[0] and Z.shape[1] else 0.0
    if not largest > 0:
        return Z, 1.0
    unit = 1.0 / largest
    squared = (Z * unit).multiply(Z * unit).sum(axis=1) if is_sparse(Z) else ((Z * unit) ** 2).sum(axis=1)
    size = float(np.ldexp(1.0, int(np.frexp(largest * np.sqrt(np.max(squared)))[1])))
    return Z * (1.0 / size), size


def _in_original_units(
    X: Any,
    space: PairSpace,
    solution: ActiveSolution,
    first: Codes,
    group: Codes,
    size: float,
    fit_intercept: bool,
    wanted: Mask,
) -> HardMarginDirection:
    """Undo the scaling: Z = X / size, so W shrinks by size and alpha by its square."""
    full = space.to_columns(solution.beta) / size
    heavy = solution.alpha > _SUPPORT_THRESHOLD * solution.alpha.max(initial=0.0)
    rows, rivals, alpha = solution.rows[heavy], solution.rivals[heavy], solution.alpha[heavy]
    features = space.beta_rows(rows, rivals)
    gram = np.asarray((features @ features.T).toarray() if is_sparse(features) else features @ features.T)
    margins = space.margins(solution.beta)
    others = wanted.copy()
    others[rows, rivals] = False
    positions = [np.flatnonzero(group == row) for row in rows]
    n, K = len(group), space.n_classes
    sizes = abs(X).max(axis=0)
    sizes = sizes.toarray().ravel() if is_sparse(sizes) else np.asarray(sizes, dtype=float)
    lower, upper = solution.bracket
    return HardMarginDirection(
        coef=np.ascontiguousarray(full[:, :-1]) if fit_intercept else full,
        intercept=full[:, -1].copy() if fit_intercept else None,
        support_pairs=np.column_stack([first[rows], rivals]).astype(np.int64),
        support_weights=alpha / size**2,
        support_gram=gram * size**2,
        support_members=tuple(positions),
        status=solution.status,
        bracket=(lower * size, upper * size),
        kkt=KktResiduals(*solution.kkt),
        nearest_margin=float(np.min(margins, where=others, initial=np.inf)),
        dual_weights=sp.csr_array((alpha / size**2, (first[rows], rivals)), shape=(n, K)),
        column_sizes=sizes,
        n_rounds=solution.n_rounds,
    )
