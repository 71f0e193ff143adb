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

__all__ = ["margin_upper_bound", "multiplier_slack", "relative_residual"]

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


def multiplier_slack(Q: Floats, y: Codes, weights: Floats) -> tuple[float, Floats]:
    """Return the slack of weights that are positive on their pairs, and the direction D.

    Parameters
    ----------
    Q : (n_samples, rank) features with orthogonal columns
    y : (n_samples,) class codes
    weights : (n_samples, n_classes), zero where there is no pair

    Returns
    -------
    slack : float
        Below 1 the weights can be corrected; infinite where H does not span the pairs.
    D : (n_classes, rank)
    """
    n_classes, rank = weights.shape[1], Q.shape[1]
    if rank == 0:
        return 0.0, np.zeros((n_classes, 0))
    g = pair_sum(Q, y, weights).ravel()
    H = pair_gram(Q, y, weights, gauge=1.0)
    D = _solve_if_well_conditioned(H, g)
    if D is None and _stiffen(H, Q, y, weights):
        D = _solve_if_well_conditioned(H, g)
    if D is None:
        # a margin that no weight holds: its directions do nothing, or there is no balance
        null = _null_directions(pair_gram(Q, y, weights, gauge=1.0))
        if not _are_flat(Q, y, weights > 0, null):
            return np.inf, np.zeros((n_classes, rank))
        H += float(np.trace(H)) / len(H) * (null @ null.T)
        D = _solve_if_well_conditioned(H, g)
    if D is None:
        return np.inf, np.zeros((n_classes, rank))
    D = D.reshape(n_classes, rank)
    return _largest_margin(Q, y, D, weights), D


def _solve_if_well_conditioned(H: Floats, g: Floats) -> Floats | None:
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
    if reciprocal < _SMALLEST_EIGENVALUE:
        return None
    return np.asarray(scipy.linalg.cho_solve((factor, True), g / scale, check_finite=False)) / scale


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


def _largest_margin(Q: Floats, y: Codes, theta: Floats, weights: Floats) -> float:
    margins = np.abs(relative_margins(Q, y, theta))
    return float(np.max(margins, where=weights > 0, initial=0.0))


def _largest_ratio(sums: Floats, sizes: Floats) -> float:
    ratio = np.divide(sums, sizes, out=np.zeros_like(sums), where=sizes > 0)
    return float(ratio.max(initial=0.0))
