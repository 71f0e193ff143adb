"""Coordinates in which all columns weigh alike: centred where there is an intercept, and scaled.

    scores = X coef' + intercept = ((X - mean) / size) theta' + shift,
    theta = coef size,    shift = intercept + coef mean

The penalty is one of the coefficients alone, so that the change of the intercept is free.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.geometry.margins import is_sparse

__all__ = ["Coordinates", "balanced_coordinates", "same_coordinates"]

Floats = NDArray[np.float64]
# rows that are turned into float64 at a time hold about this many entries
_ENTRIES = 2**18


@dataclass(frozen=True, eq=False)
class Coordinates:
    """The map between coefficients of the columns and those of scaled columns.

    Attributes
    ----------
    mean, size : (n_features,)
    fit_intercept : bool
    """

    mean: Floats
    size: Floats
    fit_intercept: bool

    def to_coef(self, theta: Floats) -> Floats:
        """Return W, of the shape of theta."""
        W = np.array(theta, dtype=float)
        inner = W[:, : len(self.size)]
        inner /= self.size
        if self.fit_intercept:
            W[:, -1] -= inner @ self.mean
        return W

    def from_coef(self, W: Floats) -> Floats:
        """Return theta, of the shape of W."""
        theta = np.array(W, dtype=float)
        inner = theta[:, : len(self.size)]
        if self.fit_intercept:
            theta[:, -1] += inner @ self.mean
        inner *= self.size
        return theta

    def pull_back(self, gradient: Floats) -> Floats:
        """Turn a gradient in W into one in theta, in place."""
        inner = gradient[:, : len(self.size)]
        if self.fit_intercept:
            inner -= gradient[:, -1:] * self.mean
        inner /= self.size
        return gradient

    @property
    def changes_anything(self) -> bool:
        """Whether theta and W differ."""
        return bool(np.any(self.mean != 0.0) or np.any(self.size != 1.0))


def same_coordinates(n_features: int, *, fit_intercept: bool) -> Coordinates:
    """Return the coordinates that change nothing."""
    return Coordinates(np.zeros(n_features), np.ones(n_features), fit_intercept)


def balanced_coordinates(X: Any, *, fit_intercept: bool, ridge_per_row: float) -> Coordinates:
    """Return coordinates in which the columns have about the same curvature.

    Parameters
    ----------
    X : (n_samples, n_features) array or CSR matrix
    fit_intercept : bool
    ridge_per_row : float
        Ridge over the sum of the sample weights: a lower end of the sizes.
    """
    mean, square = _sparse_moments(X) if is_sparse(X) else _moments(X, fit_intercept)
    if is_sparse(X) and fit_intercept:
        square = np.maximum(square - mean**2, 1e-6 * square)
    if not fit_intercept:
        mean = np.zeros_like(mean)
    size = np.sqrt(square + ridge_per_row)
    # a column without spread carries rounding errors only
    flat = size <= 1e-13 * np.abs(mean)
    size[flat] = np.abs(mean)[flat]
    size[size == 0.0] = 1.0
    return Coordinates(mean, size, fit_intercept)


def _moments(X: Any, fit_intercept: bool) -> tuple[Floats, Floats]:
    """Return the means of the columns, and the mean squares about them if there is an intercept."""
    n, d = X.shape
    step = max(1, _ENTRIES // max(1, d))
    blocks = [slice(first, first + step) for first in range(0, n, step)]
    mean = np.zeros(d)
    if fit_intercept:
        for block in blocks:
            mean += X[block].sum(axis=0, dtype=float)
        mean /= max(1, n)
    square = np.zeros(d)
    for block in blocks:
        rows = X[block] - mean
        square += np.einsum("ij,ij->j", rows, rows)
    return mean, square / max(1, n)


def _sparse_moments(X: Any) -> tuple[Floats, Floats]:
    n = max(1, X.shape[0])
    total = np.asarray(X.sum(axis=0), dtype=float).ravel()
    return total / n, np.asarray(X.multiply(X).sum(axis=0), dtype=float).ravel() / n
