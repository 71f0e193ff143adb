"""Weights on some pairs of a row and a class, and what they sum to."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

__all__ = ["PairWeights", "WeightedSum"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


class PairWeights(NamedTuple):
    """Row, class and weight of each pair, in order of the rows."""

    rows: Codes
    rivals: Codes
    values: Floats

    @classmethod
    def of(cls, matrix: Any) -> PairWeights:
        """Take the stored entries of a sparse matrix (n_rows, n_classes)."""
        pairs = sp.csr_array(matrix).tocoo()
        rows, rivals = (np.asarray(one, dtype=np.intp) for one in pairs.coords)
        return cls(rows, rivals, np.asarray(pairs.data, dtype=float))

    def matrix(self, n_rows: int, n_classes: int) -> Any:
        """Return the weights as a CSR matrix."""
        ends = np.zeros(n_rows + 1, dtype=np.int64)
        np.cumsum(np.bincount(self.rows, minlength=n_rows), out=ends[1:])
        return sp.csr_array((self.values, self.rivals, ends), shape=(n_rows, n_classes))

    def times(self, factor: float) -> PairWeights:
        """Return the weights multiplied by a number."""
        return self._replace(values=self.values * factor)


class WeightedSum(NamedTuple):
    """G = sum beta z~ of shape (n_classes, n_columns), a bound of the error of its entries, and sum beta m."""

    value: Floats
    error: Floats
    total: float
