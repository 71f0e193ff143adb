"""Features in a basis of full rank, and what the table determines.

Collinear or constant columns leave some coefficients without a value that the data
could tell: a functional f of (coef, intercept) is determined only if f is a
combination of rows (x, 1) of the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import SizeError
from marginscope.geometry.margins import is_sparse
from marginscope.geometry.orthonormal import orthonormal_features

__all__ = ["Design", "make_design"]

Floats = NDArray[np.float64]

_MOST_CELLS = 200_000_000
# a column whose spread is rounding is constant
_FLAT = 16.0 * np.finfo(float).eps
_OUTSIDE = 1e-7
_ROUNDING = 8.0


@dataclass(frozen=True, eq=False)
class Design:
    """The features Q that scores are fitted on.

    Attributes
    ----------
    Q : (n_samples, rank) array
        A basis of the columns, less their means where there is an intercept.
    back : (n_columns, n_features + 1) array
        W @ back are coefficients and intercepts of the table; W has a last column
        for the intercept where there is one, and without one the last column is zero.
    fit_intercept : bool
    span : (rank, n_features) array
        The centred table is Q @ span.
    centre, size : (n_features,) arrays
        Means that were subtracted, and root mean squares of what is left; both weighted.
    """

    Q: Floats
    back: Floats
    fit_intercept: bool
    span: Floats
    centre: Floats
    size: Floats
    _rows: Floats

    @property
    def rank(self) -> int:
        """Number of independent features, the intercept not counted."""
        return int(self.Q.shape[1])

    def determines(self, functionals: Floats) -> NDArray[np.bool_]:
        """Say which functionals of (coef, intercept) the table determines.

        Parameters
        ----------
        functionals : (n_functionals, n_features + 1) array
        """
        f = functionals[:, :-1] - functionals[:, -1:] * self.centre
        empty = self.size == 0.0
        f_scaled = np.divide(f, self.size, out=np.zeros_like(f), where=~empty)
        outside = np.linalg.norm(f_scaled - (f_scaled @ self._rows.T) @ self._rows, axis=1)
        found = outside <= _OUTSIDE * np.linalg.norm(f_scaled, axis=1)
        found &= ~np.any(f[:, empty] != 0.0, axis=1)
        return np.asarray(found if self.fit_intercept else found & (functionals[:, -1] == 0.0))

    def without(self, features: NDArray[np.intp]) -> Floats:
        """Return (rank, k) orthonormal columns: what the other features can express."""
        others = np.setdiff1d(np.arange(self.span.shape[1]), features)
        S = self.span[:, others] / np.where(self.size[others] > 0.0, self.size[others], 1.0)
        U, s, _ = np.linalg.svd(S, full_matrices=False)
        return np.ascontiguousarray(U[:, s > _OUTSIDE * s.max(initial=0.0)])


def _above_rounding(span: Floats, size: Floats, largest: Floats, n: int) -> NDArray[np.bool_]:
    """Say which directions are more than rounding: 3 x is not exactly so far from zero."""
    ratio = np.divide(largest, size, out=np.zeros_like(size), where=size > 0.0)
    scaled = np.divide(span, size, out=np.zeros_like(span), where=size > 0.0)
    strength = np.linalg.norm(scaled, axis=1)
    rounding = np.linalg.norm(scaled * ratio, axis=1) / strength
    floor = _ROUNDING * (len(size) + np.sqrt(n)) * np.finfo(float).eps * rounding
    return np.asarray(strength > floor * strength.max(initial=0.0))


def make_design(X: Any, weights: Floats, *, fit_intercept: bool) -> Design:
    """Return the design of a table.

    Parameters
    ----------
    X : (n_samples, n_features) array or CSR matrix
    weights : (n_samples,)
        Positive.
    fit_intercept : bool

    Raises
    ------
    SizeError
        If the table has more than 200 million cells.
    """
    n, d = X.shape
    if n * d > _MOST_CELLS:
        raise SizeError(
            f"a table of at most {_MOST_CELLS:,} cells is needed for standard errors, but it has {n * d:,}; "
            "use fewer columns"
        )
    X = X.toarray() if is_sparse(X) else X
    centre = weights @ X / weights.sum() if fit_intercept else np.zeros(d)
    left = X - centre
    size = np.sqrt(weights @ (left * left) / weights.sum())
    largest = np.abs(X).max(axis=0, initial=0.0)
    flat = size <= _FLAT * largest
    left[:, flat], size[flat] = 0.0, 0.0
    basis = orthonormal_features(left, fit_intercept=False)
    to_table = basis.to_columns(np.eye(basis.Q.shape[1]))
    # the rows of the span come without their sizes: Q = X to_table' tells them
    span = basis.span / np.einsum("rj,rj->r", basis.span, to_table)[:, None]
    kept = _above_rounding(span, size, largest, n)
    Q = np.ascontiguousarray(basis.Q[:, kept] / basis.row_scale[:, None])
    to_table, span = to_table[kept], span[kept]
    back = np.column_stack([to_table, -(to_table @ centre)])
    if fit_intercept:
        back = np.vstack([back, np.append(np.zeros(d), 1.0)])
    rows = np.divide(span, size, out=np.zeros_like(span), where=size > 0.0)
    return Design(
        Q=Q,
        back=back,
        fit_intercept=fit_intercept,
        span=span,
        centre=centre,
        size=size,
        _rows=np.ascontiguousarray(np.linalg.qr(rows.T)[0].T),
    )
