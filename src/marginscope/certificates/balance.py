"""How far pair weights are from weights that sum to zero exactly.

Weights lambda > 0 on a set T of pairs with sum lambda_ik x~_ik = 0 prove that no
direction has only margins >= 0 on T and one > 0 (Stiemke). Weights found in
floating point leave a sum g. With H = sum lambda_ik vec(x~_ik) vec(x~_ik)' and
H D = g, the weights lambda_ik (1 - <x~_ik, D>) sum to zero; they are positive if
max <x~_ik, D> < 1. That largest relative correction is the slack.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from marginscope.geometry.margins import pair_sum, relative_margins, signed_weights
from marginscope.geometry.pair_gram import pair_gram

__all__ = ["BalanceSystem", "margin_upper_bound", "relative_residual"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
_SMALLEST_EIGENVALUE = 1e-13
_LARGEST_NULL_SQUARE = 1e-12


def relative_residual(X: Any, y: Codes, weights: Floats, *, fit_intercept: bool) -> float:
    """Return max_kj |sum lambda x~|_kj / sum lambda |x~|_kj, which no scaling changes."""
    sums = np.abs(pair_sum(X, y, weights))
    total = np.abs(signed_weights(y, weights))
    sizes = np.ascontiguousarray(np.asarray(abs(X).T @ total).T)
    worst = _largest_ratio(sums, sizes)
    if fit_intercept:
        worst = max(worst, _largest_ratio(np.abs(signed_weights(y, weights).sum(axis=0)), total.sum(axis=0)))
    return worst


def margin_upper_bound(X: Any, y: Codes, weights: Floats, *, fit_intercept: bool) -> float:
    """Return ||sum lambda x~||_F / sum lambda, which no margin of a unit-norm W exceeds."""
    total = float(weights.sum())
    sums = pair_sum(X, y, weights)
    squared = float((sums * sums).sum())
    if fit_intercept:
        squared += float((signed_weights(y, weights).sum(axis=0) ** 2).sum())
    return float(np.sqrt(squared)) / total


class BalanceSystem:
    """The matrix H of weights that are positive on their pairs, factorised once.

    Parameters
    ----------
    Q : (n_samples, rank) features with orthogonal columns
    y : (n_samples,) class codes
    weights : (n_samples, n_classes), zero where there is no pair
    """

    def __init__(self, Q: Floats, y: Codes, weights: Floats) -> None:
        self.Q, self.y, self.weights = Q, y, weights
        self.shape = (weights.shape[1], Q.shape[1])
        self._factor = self._find_factor() if Q.shape[1] else None

    @property
    def spans(self) -> bool:
        """Whether H spans the features of all pairs."""
        return self._factor is not None or self.shape[1] == 0

    def solve(self, total: Floats) -> Floats:
        """Return D with H D = total, for a combination of the pair features."""
        if self._factor is None:
            return np.zeros(self.shape)
        factor, scale = self._factor
        solution = scipy.linalg.cho_solve((factor, True), total.ravel() / scale, check_finite=False) / scale
        return np.asarray(solution).reshape(self.shape)

    def correction(self, weights: Floats) -> tuple[float, Floats]:
        """Return the slack of weights near those of H, and the margins of D.

        Below 1 the slack says that the weights can be corrected; it is infinite where H does
        not span the pairs.
        """
        if not self.spans:
            return np.inf, np.zeros(weights.shape)
        D = self.solve(pair_sum(self.Q, self.y, weights))
        margins = np.where(self.weights > 0, relative_margins(self.Q, self.y, D), 0.0)
        return float(np.abs(margins).max(initial=0.0)), margins

    def _find_factor(self) -> tuple[Floats, Floats] | None:
        Q, y, weights = self.Q, self.y, self.weights
        H = pair_gram(Q, y, weights, gauge=1.0)
        factor = _well_conditioned_factor(H)
        if factor is None and _stiffen(H, Q, y, weights):
            factor = _well_conditioned_factor(H)
        if factor is None:
            # a direction that no weight holds has no margins, or there is no balance
            null = _null_directions(pair_gram(Q, y, weights, gauge=1.0))
            if _are_flat(Q, y, weights > 0, null):
                H += float(np.trace(H)) / len(H) * (null @ null.T)
                factor = _well_conditioned_factor(H)
        return factor


def _well_conditioned_factor(H: Floats) -> tuple[Floats, Floats] | None:
    """Return the Cholesky factor of H with a unit diagonal, and the square root of the diagonal."""
    scale = np.sqrt(np.diag(H))
    if not np.all(scale > 0):
        return None
    scaled = H / scale / scale[:, None]
    norm = np.abs(scaled).sum(axis=0).max()
    try:
        factor = scipy.linalg.cholesky(scaled, lower=True, check_finite=False, overwrite_a=True)
    except np.linalg.LinAlgError:
        return None
    reciprocal, _ = scipy.linalg.lapack.dpocon(factor, norm, uplo="L")
    return None if reciprocal < _SMALLEST_EIGENVALUE else (factor, scale)


def _null_directions(H: Floats) -> Floats:
    """Return orthonormal directions, as columns, in which H is rounding."""
    cut = _SMALLEST_EIGENVALUE * float(np.abs(H).sum(axis=0).max())
    return np.asarray(scipy.linalg.eigh(H, subset_by_value=(-np.inf, cut), check_finite=False)[1])


def _stiffen(H: Floats, Q: Floats, y: Codes, weights: Floats) -> bool:
    """Add curvature along the directions of one class alone that have no margin; say if there are any.

    A column that is zero wherever a class takes part leaves such a direction.
    """
    n_classes, rank = weights.shape[1], Q.shape[1]
    unit = float(np.trace(H)) / len(H)
    found = False
    for k in range(n_classes):
        rows = (weights[:, k] > 0) | ((y == k) & (weights > 0).any(axis=1))
        moment = Q[rows].T @ Q[rows]
        values, vectors = scipy.linalg.eigh(moment, check_finite=False)
        flat = vectors[:, values <= _LARGEST_NULL_SQUARE * np.trace(moment) / rank]
        if flat.shape[1]:
            found = True
            H[k * rank : (k + 1) * rank, k * rank : (k + 1) * rank] += unit * (flat @ flat.T)
    return found


def _are_flat(Q: Floats, y: Codes, pairs: NDArray[np.bool_], directions: Floats) -> bool:
    """Say whether orthonormal directions (as columns) have no margin on the pairs, up to rounding."""
    moment = pair_gram(Q, y, pairs.astype(float))
    squares = np.einsum("ij,ij->j", directions, moment @ directions)
    return bool(squares.max(initial=0.0) <= _LARGEST_NULL_SQUARE * np.trace(moment) / len(moment))


def _largest_ratio(sums: Floats, sizes: Floats) -> float:
    ratio = np.divide(sums, sizes, out=np.zeros_like(sums), where=sizes > 0)
    return float(ratio.max(initial=0.0))
