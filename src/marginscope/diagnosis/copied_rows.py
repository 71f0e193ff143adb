"""Rows that are exact copies of another one, by no chance: they must not be learned and scored at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marginscope.tables.feature_matrix import FeatureMatrix
from marginscope.tables.feature_rows import group_equal_rows

__all__ = ["MANY", "copies_of_rows", "number_of_copies"]

# Share of copied rows from which splits keep them together.
MANY = 0.05
# Values of the median column from which two equal rows are no chance: counts and categories repeat by themselves.
_LEAST_VALUES = 20


def number_of_copies(groups: NDArray[np.int64]) -> int:
    """Return how many rows are copies of an earlier one."""
    return int(groups.size - groups.max() - 1) if groups.size else 0


def copies_of_rows(features: FeatureMatrix) -> NDArray[np.int64] | None:
    """Return the groups of equal rows where many are copies by no chance.

    Returns
    -------
    ndarray of shape (n_samples,) or None
        Number of the group of every row. ``None`` where one row in twenty or fewer are
        copies, and where rows are equal without anybody copying them: in sparse features,
        and where half of the columns take fewer than 20 values.
    """
    if features.is_sparse or not features.shape[1]:
        return None
    groups = group_equal_rows(features)
    if number_of_copies(groups) <= MANY * groups.size:
        return None
    values = [np.unique(features.values[:, j]).size for j in range(features.shape[1])]
    return groups if np.median(values) >= _LEAST_VALUES else None
