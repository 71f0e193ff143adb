"""Rows that are exact copies of another one, by no chance: they must not be learned and scored at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marginscope.tables.feature_matrix import FeatureMatrix

__all__ = ["MANY", "copies_of_rows", "number_of_copies", "same_row_and_label"]

# Share of copied rows from which splits keep them together.
MANY = 0.05
# Values of the median column from which two equal rows are no chance: counts and categories repeat by themselves.
_LEAST_VALUES = 20


def same_row_and_label(groups: NDArray[np.int64], codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the groups of rows that are equal in features and label; a twin with another label is no copy."""
    numbers: NDArray[np.int64] = np.unique(np.stack([groups, codes]), axis=1, return_inverse=True)[1].ravel()
    return numbers


def number_of_copies(groups: NDArray[np.int64]) -> int:
    """Return how many rows are copies of an earlier one."""
    return int(groups.size - np.unique(groups).size)


def copies_of_rows(
    features: FeatureMatrix, codes: NDArray[np.int64], groups: NDArray[np.int64]
) -> NDArray[np.int64] | None:
    """Return the groups of rows that are equal in features and label, where many are copies by no chance.

    Parameters
    ----------
    features : FeatureMatrix
    codes, groups : ndarray of shape (n_samples,)
        Class of every row, and the number of the group of rows with equal features.

    Returns
    -------
    ndarray of shape (n_samples,) or None
        Number of the group of every row. ``None`` where one row in twenty or fewer are
        copies, and where rows are equal without anybody copying them: in sparse features,
        and where half of the columns take fewer than 20 values.
    """
    if features.is_sparse or not features.shape[1]:
        return None
    groups = same_row_and_label(groups, codes)
    if number_of_copies(groups) <= MANY * groups.size:
        return None
    values = [np.unique(features.values[:, j]).size for j in range(features.shape[1])]
    return groups if np.median(values) >= _LEAST_VALUES else None
