"""One entry per row: lengths that agree, and weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import DataError

__all__ = ["check_consistent_length", "check_sample_weight"]


def check_consistent_length(*arrays: Any) -> int:
    """Return the common number of rows; ``None`` is skipped.

    Raises
    ------
    DataError
        If the numbers differ.
    """
    lengths = [_n_rows(array) for array in arrays if array is not None]
    if len(set(lengths)) > 1:
        raise DataError(
            f"Found input variables with inconsistent numbers of samples: {lengths}; as many rows in each are needed"
        )
    return lengths[0] if lengths else 0


def _n_rows(array: Any) -> int:
    shape = getattr(array, "shape", None)
    return int(shape[0]) if shape else len(array)


def check_sample_weight(sample_weight: Any, n_samples: int) -> NDArray[np.float64]:
    """Return one non-negative weight per row, all 1 for ``None``.

    Raises
    ------
    DataError
        If weights are negative, missing, all zero, or of the wrong number.
    """
    if sample_weight is None:
        return np.ones(n_samples)
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != (n_samples,):
        raise DataError(f"sample_weight.shape == {weights.shape}, expected {(n_samples,)}: pass one weight per row")
    if not np.isfinite(weights).all():
        raise DataError("finite sample_weight is needed, but it contains NaN or infinity; replace these weights")
    if weights.min() < 0:
        raise DataError(
            f"sample_weight of 0 or more is needed, but the least is {weights.min():g}; drop rows by weight 0"
        )
    if not weights.any():
        raise DataError("sample_weight needs a weight above 0, but all are zero; give some rows a weight")
    return weights
