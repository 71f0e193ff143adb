"""Columns in which a gap between rows says something."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marginscope.tables.feature_matrix import FeatureMatrix

__all__ = ["measured_columns"]


def measured_columns(
    features: FeatureMatrix, rows: NDArray[np.int64], width: int, *, least_values: int
) -> NDArray[np.bool_]:
    """Mark the columns of the dense features that are measured on a scale.

    Between the levels of words, and between few values, there is a gap whatever the labels are.

    Parameters
    ----------
    features : FeatureMatrix
    rows : ndarray of int
        Rows that are looked at.
    width : int
        Columns of the dense features: numbers first, then a column for each level. Fewer
        are directions of a projection, which are measured.
    least_values : int
        Different values from which a column of numbers is measured.

    Returns
    -------
    ndarray of bool of shape (width,)
    """
    numbers = [j for j in range(features.shape[1]) if j not in features.levels]
    n_encoded = len(numbers) + sum(map(len, features.levels.values()))
    if features.is_sparse or width < n_encoded:
        return np.ones(width, dtype=bool)
    measured = np.zeros(width, dtype=bool)
    measured[: len(numbers)] = [np.unique(features.values[rows, j]).size >= least_values for j in numbers]
    return measured
