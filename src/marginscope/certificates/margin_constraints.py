"""The constraints of a hard-margin problem on the rows as given, and both ends of its bracket.

    u_ik(W) = <D_y w_y - D_k w_k, z_i> >= m_{y_i}    for every row i and class k other than y_i

z is the row, with a one appended for an intercept; D are the class scales and m the class
margins. For every W and all multipliers beta >= 0

    min_ik u_ik(W) / m_{y_i} / ||W||  <=  largest margin  <=  ||sum beta z~||_dual / sum beta m.

Both ends are rounded outward. The pairs that decide are taken in twice the working
precision, so that a margin far below the size of the rows keeps its digits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.certificates.bracket import Bracket
from marginscope.certificates.norm_bounds import dual_norm_bound, norm_bound
from marginscope.certificates.pair_weights import PairWeights, WeightedSum
from marginscope.geometry.accurate_sums import product_parts, sum_of_products
from marginscope.geometry.intercept import with_ones
from marginscope.geometry.margins import is_sparse, relative_margins, rounding_bound

__all__ = ["MarginConstraints"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_EPS = float(np.finfo(float).eps)
_TINY = float(np.finfo(float).smallest_subnormal)
_SMALLEST_NORMAL = float(np.finfo(float).smallest_normal)
_LARGEST = float(np.finfo(float).max)
_MOST_TERMS = 40_000_000
_TERMS_AT_ONCE = 2_000_000


@dataclass(frozen=True, eq=False)
class MarginConstraints:
    """Rows, class codes, class margins and class scales.

    Attributes
    ----------
    X : (n_rows, n_features) array or CSR matrix
    y : (n_rows,) class codes
    n_classes : int
    fit_intercept : bool
    class_margins, class_scales : (n_classes,) array or None
    """

    X: Any
    y: Codes
    n_classes: int
    fit_intercept: bool
    class_margins: Floats | None = None
    class_scales: Floats | None = None

    def scaled_margins(self, W: Floats) -> Floats:
        """Return u_ik / m_{y_i}, plus infinity at the own class; the last column of W is the intercept."""
        margins: Floats = relative_margins(self.X, self.y, *self._scaled(W)) / self.row_margins[:, None]
        return margins

    def scaled_rounding(self, W: Floats) -> Floats:
        """Bound how far ``scaled_margins`` may be from the exact ones."""
        bound: Floats = (rounding_bound(self.X, self.y, *self._scaled(W)) + self._lost) / self.row_margins[:, None]
        return bound

    def margin_bound(self, W: Floats, *, slack: float = 1.0, is_quick: bool = False) -> float:
        """Return a number not above min_ik u_ik / m_{y_i}; ``slack`` multiplies the allowance for rounding.

        The quick bound is in working precision throughout.
        """
        coef, intercept = self._scaled(W)
        targets = self.row_margins[:, None]
        with np.errstate(all="ignore"):
            margins = relative_margins(self.X, self.y, coef, intercept)
            rounding = slack * (rounding_bound(self.X, self.y, coef, intercept) + self._lost)
        low = (margins - rounding) / targets
        if not np.isfinite(rounding).all() or np.isnan(low).any():
            return -math.inf
        certain = float(low.min())
        doubtful = low <= float(((margins + rounding) / targets).min())
        rows, rivals = np.nonzero(doubtful)
        if not is_quick and 2 * len(rows) * W.shape[1] <= _MOST_TERMS:
            with np.errstate(all="ignore"):
                values, bounds = self._accurate_margins(W, rows, rivals)
            certain = max(certain, float(((values - slack * bounds) / targets[rows, 0]).min()))
        return certain - 4.0 * _EPS * abs(certain) - _TINY

    def weighted_sum(self, pairs: PairWeights, *, is_quick: bool = False) -> WeightedSum:
        """Return sum beta z~ with a bound of its error, and sum beta m; quick is in working precision."""
        p = self.X.shape[1] + self.fit_intercept
        if not is_quick and 2 * len(pairs.rows) * p <= _MOST_TERMS:
            G, error = self._accurate_sum(pairs)
        else:
            G, error = self._plain_sum(pairs)
        if self.class_scales is not None:
            scales = self.class_scales[:, None]
            G, error = G * scales, error * scales
            error = error * (1.0 + 4.0 * _EPS) + _EPS * np.abs(G) + 2.0 * _TINY
        return WeightedSum(G, error, _sum_from_below(pairs.values * self.row_margins[pairs.rows]))

    def bracket(
        self, norm: str, W: Floats, combined: WeightedSum, *, slack: float = 1.0, worst: float | None = None
    ) -> Bracket:
        """Return certified ends of the largest margin in a norm; a slack of 2 leaves room to verify elsewhere.

        ``worst`` is the ``margin_bound`` of W where that is known.
        """
        worst, size = self.margin_bound(W, slack=slack) if worst is None else worst, norm_bound(norm, W)
        lower = 0.0
        if 0.0 < size < math.inf and worst > 0:
            lower = worst / size * (1.0 - 4.0 * slack * _EPS) - slack * _TINY
            lower = min(max(0.0, lower), _LARGEST)
        total = combined.total * (1.0 - 4.0 * _EPS)
        if not 0.0 < total < math.inf:
            return Bracket(lower, math.inf)
        upper = dual_norm_bound(norm, combined.value, slack * combined.error) / total * (1.0 + 4.0 * slack * _EPS)
        upper += slack * _TINY
        if slack > 1.0 and norm in ("spectral", "nuclear"):
            # the rational proof of a nuclear norm is looser than the one in floats
            room = min(W.shape) * 2.0**-44
            lower, upper = lower * (1.0 - room), upper * (1.0 + room)
        return Bracket(lower, upper if upper == upper else math.inf)

    def dense_rows(self, rows: Codes) -> Floats:
        """Return chosen rows z as a dense array."""
        Z = self.X[rows]
        Z = Z.toarray() if is_sparse(self.X) else np.asarray(Z)
        return np.asarray(with_ones(Z)) if self.fit_intercept else Z

    @property
    def row_margins(self) -> Floats:
        """(n_rows,) margins m_{y_i}."""
        return np.ones(len(self.y)) if self.class_margins is None else self.class_margins[self.y]

    @property
    def _lost(self) -> Any:
        """Bound what margins lose where W times the class scales is below the normal range."""
        if self.class_scales is None:
            return 0.0
        sizes = np.asarray(abs(self.X).sum(axis=1)).ravel() + self.fit_intercept
        return 16.0 * _TINY * sizes[:, None]

    def _scaled(self, W: Floats) -> tuple[Floats, Floats | None]:
        V = W if self.class_scales is None else W * self.class_scales[:, None]
        return (np.ascontiguousarray(V[:, :-1]), V[:, -1].copy()) if self.fit_intercept else (V, None)

    def _accurate_margins(self, W: Floats, rows: Codes, rivals: Codes) -> tuple[Floats, Floats]:
        """Return u of chosen pairs, products and sums in twice the working precision."""
        own = self.y[rows]
        if self.class_scales is None:
            parts = [W]
        else:
            parts = list(product_parts(W, np.broadcast_to(self.class_scales[:, None], W.shape)))
        values, bounds = np.empty(len(rows)), np.empty(len(rows))
        size = max(1, _TERMS_AT_ONCE // (2 * len(parts) * W.shape[1]))
        for start in range(0, len(rows), size):
            block = slice(start, start + size)
            Z = self.dense_rows(rows[block]).T
            left = np.concatenate([Z, -Z] * len(parts))
            right = np.concatenate([part[which[block]].T for part in parts for which in (own, rivals)])
            values[block], bounds[block] = sum_of_products(left, right)
        return values, bounds if self.class_scales is None else bounds + self._lost[rows, 0]

    def _accurate_sum(self, pairs: PairWeights) -> tuple[Floats, Floats]:
        """Sum class by class in twice the working precision."""
        p = self.X.shape[1] + self.fit_intercept
        own = self.y[pairs.rows]
        G, error = np.zeros((self.n_classes, p)), np.zeros((self.n_classes, p))
        size = max(1, _TERMS_AT_ONCE // max(1, p))
        for k in range(self.n_classes):
            plus, minus = np.flatnonzero(own == k), np.flatnonzero(pairs.rivals == k)
            members = pairs.rows[np.concatenate([plus, minus])]
            signed = np.concatenate([pairs.values[plus], -pairs.values[minus]])
            for start in range(0, len(members), size):
                block = slice(start, start + size)
                value, bound = sum_of_products(self.dense_rows(members[block]), signed[block, None])
                G[k] = G[k] + value
                # the blocks are added in single precision
                error[k] = (error[k] + bound + (_EPS * np.abs(G[k]) if start else 0.0)) * (1.0 + 4.0 * _EPS)
        return G, error

    def _plain_sum(self, pairs: PairWeights) -> tuple[Floats, Floats]:
        weights = pairs.matrix(len(self.y), self.n_classes)
        used = np.unique(pairs.rows)
        signed = -np.asarray(weights[used].toarray(), dtype=float)
        signed[np.arange(len(used)), self.y[used]] = -signed.sum(axis=1)
        X = self.X[used]
        G, size = np.asarray(X.T @ signed).T, np.asarray(abs(X).T @ np.abs(signed)).T
        if self.fit_intercept:
            G = np.column_stack([G, signed.sum(axis=0)])
            size = np.column_stack([size, np.abs(signed).sum(axis=0)])
        terms = len(used) + self.n_classes + 8
        return G, 2.0 * terms * _EPS * size + terms * float(np.finfo(float).smallest_subnormal)


def _sum_from_below(products: Floats) -> float:
    """Add up products >= 0 without those below the normal range, which may have been rounded up by half."""
    try:
        return math.fsum(products[products >= _SMALLEST_NORMAL].tolist())
    except OverflowError:
        return math.inf
