"""Upper bounds of the five norms that hold whatever rounding does.

A singular value decomposition in floating point is no proof. With its square factor Q

    ||W||_spectral^2 <= max_i sum_j |M M'|_ij / (1 - delta),    M = Q' W,
    ||W||_nuclear    <= sum_i ||row i of M|| / sqrt(1 - delta),

where delta bounds ||Q'Q - I||. Both hold for every Q with delta < 1, and are sharp when
Q holds the singular vectors. The products are bounded as in Higham (2002), section 3.5.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from marginscope.geometry.norms import get_norm

__all__ = ["dual_norm_bound", "norm_bound"]

Floats = NDArray[np.float64]

_EPS = float(np.finfo(float).eps)
_UP = 1.0 + 8.0 * _EPS
_TINY = float(np.finfo(float).smallest_subnormal)
_SMALLEST_NORMAL = float(np.finfo(float).smallest_normal)


def norm_bound(norm: str, W: Floats, error: Floats | None = None) -> float:
    """Return a number that is not below the norm of W.

    Parameters
    ----------
    norm : str
        Name of the norm.
    W : (n_classes, n_columns) array
    error : (n_classes, n_columns) array, optional
        Bound of what each entry may be off; the number then bounds every matrix within it.

    Returns
    -------
    float
        Infinity where W is not finite, or the bound is too large for a float.
    """
    entries = W if error is None else np.abs(W) + error
    if not np.all(np.isfinite(entries)):
        return math.inf
    if W.size == 0:
        return 0.0
    if norm == "frobenius":
        return _frobenius(entries)
    if norm == "max":
        return float(np.abs(entries).max()) * _UP
    if norm == "sum":
        return _sum(np.abs(entries)) * _UP
    short = min(W.shape)
    # no norm of the error is larger than this
    beside = 0.0 if error is None else _frobenius(error) * (math.sqrt(short) if norm == "nuclear" else 1.0)
    return (_schatten(norm, W) + beside) * _UP


def dual_norm_bound(norm: str, G: Floats, error: Floats | None = None) -> float:
    """Return a number that is not below the dual norm of G."""
    return norm_bound(get_norm(norm).dual, G, error)


def _frobenius(W: Floats) -> float:
    largest = float(np.abs(W).max())
    if largest == 0.0:
        return 0.0
    exponent = int(np.frexp(largest)[1])
    # divided first, so that squares neither overflow nor lose their large part
    squares = np.ldexp(W, -exponent) ** 2
    total = math.fsum(squares.ravel().tolist()) * _UP + W.size * 1e-300
    return _unscaled(math.sqrt(total) * _UP, exponent)


def _schatten(norm: str, W: Floats) -> float:
    largest = float(np.abs(W).max())
    if largest == 0.0:
        return 0.0
    exponent = int(np.frexp(largest)[1])
    A = np.ldexp(W if W.shape[0] <= W.shape[1] else W.T, -exponent)
    k, n = A.shape
    Q = np.linalg.svd(A, full_matrices=False)[0]
    delta = float(np.linalg.norm(Q.T @ Q - np.eye(k))) * _UP + 4.0 * (k + 8) * k * _EPS
    if not delta < 0.5:
        return _unscaled(_frobenius(A) * (math.sqrt(k) if norm == "nuclear" else 1.0), exponent)
    M = Q.T @ A
    off = 2.0 * (k + 8) * _EPS * (np.abs(Q.T) @ np.abs(A)) + 1e-300
    if norm == "nuclear":
        rows = [_frobenius(row) for row in np.abs(M) + off]
        return _unscaled(math.fsum(rows) * _UP / math.sqrt(1.0 - delta) * _UP, exponent)
    size = np.abs(M) + off
    # |M M'| of the exact M: the computed product, its rounding, and what M is off
    gram = np.abs(M @ M.T) + 2.0 * (n + 8) * _EPS * (size @ size.T) + 2.0 * _UP * (off @ size.T + size @ off.T)
    squared = float(gram.sum(axis=1).max()) * (1.0 + 2.0 * (k + 8) * _EPS)
    return _unscaled(math.sqrt(squared / (1.0 - delta)) * _UP, exponent)


def _sum(values: Floats) -> float:
    try:
        return math.fsum(values.ravel().tolist())
    except OverflowError:
        return math.inf


def _unscaled(bound: float, exponent: int) -> float:
    """Return bound * 2^exponent, rounded up below the normal range; infinity above the largest float."""
    try:
        size = math.ldexp(bound, exponent)
    except OverflowError:
        return math.inf
    return size if size >= _SMALLEST_NORMAL else size + _TINY
