"""Orthonormal features with the same margins.

Positive factors on rows and columns, and an invertible map of the features,
change neither the set of margins that can be positive together nor the pair
weights that sum to zero. Factors are powers of two, so scaling is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.geometry.intercept import with_ones

__all__ = ["OrthonormalFeatures", "column_exponents", "orthonormal_features", "unscaled_coefficients"]

Floats = NDArray[np.float64]
_WIDEST_ROW_EXPONENT = 200
_SMALLEST_EIGENVALUE = 1e-6
_WIDE_ROW_RANGE = 16
_BALANCING_ROUNDS = 6


@dataclass(frozen=True)
class OrthonormalFeatures:
    """Features Q of full column rank, and the way back.

    ``Q`` has orthogonal columns of squared norm n_samples. ``row_scale`` holds
    the powers of two that the rows were multiplied by: weights found with Q times
    ``row_scale`` are weights for the rows of X. ``back`` turns coefficients of Q into
    some of X, for columns scaled by 2^-``column_exponent``; the rows of ``span`` span
    the rows of X in its own columns.
    """

    Q: Floats
    row_scale: Floats
    column_exponent: NDArray[np.int64]
    back: Floats
    span: Floats

    def to_columns(self, theta: Floats) -> Floats:
        """Turn coefficients of Q into coefficients of the columns, ones included, as they are."""
        return np.ldexp(theta @ self.back, -self.column_exponent)


def unscaled_coefficients(scaled: Floats, column_exponent: NDArray[np.int64]) -> Floats:
    """Turn coefficients of columns scaled by 2^-exponent into those of the columns themselves.

    One positive factor is put on all where they would overflow.
    """
    power = np.where(scaled == 0.0, np.int64(-(10**6)), np.frexp(scaled)[1] - column_exponent)
    highest = int(power.max(initial=-(10**6)))
    shift = min(0, 500 - highest) if highest > -(10**6) else 0
    return np.ldexp(scaled, shift - column_exponent)


def column_exponents(X: Any) -> NDArray[np.int64]:
    """Return e_j with max_i |x_ij| in [2^(e_j - 1), 2^e_j), and 0 for a column of zeros."""
    largest = abs(X).max(axis=0)
    largest = largest.toarray().ravel() if hasattr(largest, "toarray") else np.asarray(largest)
    return np.where(largest > 0, np.frexp(largest)[1], 0).astype(np.int64)


def orthonormal_features(X: Any, *, fit_intercept: bool) -> OrthonormalFeatures:
    """Scale rows and columns of X (a constant column appended), drop dependent ones.

    Columns that depend on the others up to rounding add no dimension to Q.
    """
    dense = X.toarray() if hasattr(X, "toarray") else np.asarray(X, dtype=float)
    exponent = column_exponents(dense)
    Z = np.ldexp(dense, -exponent)
    if fit_intercept:
        Z = with_ones(Z)
        exponent = np.append(exponent, 0)
    largest, row_exponent = _row_exponents(Z)
    if len(largest) and np.ptp(row_exponent) > _WIDE_ROW_RANGE:
        # rows of very different sizes hide the proportions of the columns from their largest entries
        shift = _balanced_exponents(Z)
        Z, exponent = np.ldexp(Z, -shift), exponent + shift
        largest, row_exponent = _row_exponents(Z)
    row_scale = np.ldexp(1.0, -np.maximum(row_exponent, -_WIDEST_ROW_EXPONENT))
    Z = Z * row_scale[:, None]
    size = np.sqrt((Z * Z).sum(axis=0))
    size[size == 0.0] = 1.0
    Q, s, Vt = _thin_svd(Z / size)
    root = np.sqrt(max(1, len(Z)))
    Q *= root
    # a row of zeros ties every pair, but the product leaves rounding errors in it
    Q[largest == 0.0] = 0.0
    return OrthonormalFeatures(
        Q=Q,
        row_scale=row_scale,
        column_exponent=exponent,
        back=(Vt / s[:, None]) / size * root,
        span=np.ldexp(Vt * size, exponent),
    )


def _row_exponents(Z: Floats) -> tuple[Floats, NDArray[np.int64]]:
    largest = np.abs(Z).max(axis=1, initial=0.0)
    return largest, np.where(largest > 0, np.frexp(largest)[1], 0).astype(np.int64)


def _balanced_exponents(Z: Floats) -> NDArray[np.int64]:
    """Return column exponents for rows that are scaled too: mean exponents, in turns."""
    shown = Z != 0
    E = np.where(shown, np.frexp(Z)[1], 0).astype(float)
    in_row, in_column = np.maximum(1, shown.sum(axis=1)), np.maximum(1, shown.sum(axis=0))
    column = np.zeros(Z.shape[1])
    for _ in range(_BALANCING_ROUNDS):
        row = np.where(shown, E - column, 0.0).sum(axis=1) / in_row
        column = np.where(shown, E - row[:, None], 0.0).sum(axis=0) / in_column
    return np.rint(column).astype(np.int64)


def _thin_svd(Z: Floats) -> tuple[Floats, Floats, Floats]:
    """Return U, s and V' of Z without the singular values that are rounding."""
    n, p = Z.shape
    if n >= 2 * p > 0:
        # where columns are far from dependent, their products are enough, at a quarter of the cost
        values, vectors = np.linalg.eigh(Z.T @ Z)
        if values[0] > _SMALLEST_EIGENVALUE * values[-1]:
            s = np.sqrt(values)
            return np.ascontiguousarray(Z @ (vectors / s)), s, np.ascontiguousarray(vectors.T)
    Q, R = np.linalg.qr(Z)
    U, s, Vt = np.linalg.svd(R, full_matrices=False)
    floor = 8.0 * (p + np.sqrt(n)) * np.finfo(float).eps
    rank = int((s > floor * s.max(initial=0.0)).sum())
    return np.ascontiguousarray(Q @ U[:, :rank]), s[:rank], Vt[:rank]
