"""Sums of outer products of rows with weights, for many sets of weights at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_PACKED", "PackedGrams", "add_weighted_gram"]

Floats = NDArray[Any]
# columns up to which all products of two columns are written out, a block of rows at a time
MOST_PACKED = 160
_ENTRIES = 2**17


class PackedGrams:
    """sum_i w_ip z_i z_i' for every set of weights p, as the upper triangles.

    The products of columns are formed once for all sets, and each only once.
    """

    def __init__(self, n_columns: int, n_sets: int, dtype: Any) -> None:
        self._q = n_columns
        self._length = n_columns * (n_columns + 1) // 2
        self._sums = np.zeros((self._length, n_sets))
        self._step = max(32, _ENTRIES // self._length)
        self._room = np.empty((self._length, self._step), dtype)

    def add(self, Z: Floats, weights: Floats) -> None:
        """Add rows Z (n_rows, n_columns) with weights (n_rows, n_sets)."""
        for first in range(0, len(Z), self._step):
            T = np.ascontiguousarray(Z[first : first + self._step].T)
            products = self._room[:, : T.shape[1]]
            place = 0
            for j in range(self._q):
                np.multiply(T[j], T[j:], out=products[place : place + self._q - j])
                place += self._q - j
            self._sums += products @ weights[first : first + self._step].astype(T.dtype)

    def matrices(self) -> Floats:
        """Return (n_sets, n_columns, n_columns) symmetric matrices."""
        out = np.empty((self._sums.shape[1], self._q, self._q))
        upper = np.triu_indices(self._q)
        out[:, upper[0], upper[1]] = out[:, upper[1], upper[0]] = self._sums.T
        return out


def add_weighted_gram(total: Floats, Z: Floats, weights: Floats) -> None:
    """Add sum_i w_i z_i z_i' to a matrix: to its upper triangle at least."""
    if np.all(weights >= 0.0):
        from scipy.linalg.blas import dsyrk, ssyrk

        syrk = dsyrk if total.dtype == np.float64 else ssyrk
        root = np.sqrt(weights).astype(total.dtype)[:, None] * Z
        # the transposes are in the order of Fortran, so that nothing is copied
        syrk(1.0, root.T, beta=1.0, c=total.T, lower=1, overwrite_c=1)
    else:
        total += (weights.astype(total.dtype)[:, None] * Z).T @ Z
