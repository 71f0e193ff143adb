"""Rows that are equal, and labels that contradict each other on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["DistinctRows", "distinct_rows"]

Index = NDArray[np.intp]


@dataclass(frozen=True)
class DistinctRows:
    """First row of every (features, label) pair, and where each row went.

    ``group[i]`` is the position in ``first`` of the row that stands for row i.
    ``conflict`` are two equal rows with different labels, or None.
    """

    first: Index
    group: Index
    conflict: tuple[int, int] | None

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many rows each distinct row stands for."""
        return np.bincount(self.group, minlength=len(self.first)).astype(np.int64)

    def members(self, distinct: int) -> Index:
        """Return the rows that a distinct row stands for."""
        return np.flatnonzero(self.group == distinct)


def distinct_rows(X: Any, y: Index) -> DistinctRows:
    """Group equal rows of equal label; rows of a sparse matrix are all kept apart."""
    n = X.shape[0]
    if hasattr(X, "tocsr"):
        every = np.arange(n)
        return DistinctRows(every, every, None)
    plain = np.ascontiguousarray(X, dtype=float) + 0.0  # turns -0.0 into 0.0
    width = plain.dtype.itemsize * plain.shape[1]
    keys = plain.view(np.dtype((np.void, width))).ravel() if width else np.zeros(n)
    _, where, same = np.unique(keys, return_index=True, return_inverse=True)
    _, first, group = np.unique(same * (int(y.max(initial=0)) + 1) + y, return_index=True, return_inverse=True)
    clash = np.flatnonzero(y != y[where[same]])
    conflict = (int(where[same[clash[0]]]), int(clash[0])) if len(clash) else None
    return DistinctRows(first.astype(np.intp), group.astype(np.intp), conflict)
