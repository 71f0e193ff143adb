"""Rows that are equal, and labels that contradict each other on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["DistinctRows", "distinct_rows"]

Index = NDArray[np.intp]

_ENTRIES_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class DistinctRows:
    """First row of every (features, label) pair, and where each row went.

    ``group[i]`` is the position in ``first`` of the row that stands for row i; ``first``
    goes class by class. ``conflict`` are two equal rows with different labels, or None.
    """

    first: Index
    group: Index
    conflict: tuple[int, int] | None

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many rows each distinct row stands for."""
        return np.bincount(self.group, minlength=len(self.first)).astype(np.int64)


def distinct_rows(X: Any, y: Index) -> DistinctRows:
    """Group equal rows of equal label; rows of a sparse matrix are all kept apart."""
    n = X.shape[0]
    if hasattr(X, "tocsr"):
        order = np.argsort(y, kind="stable").astype(np.intp)
        back = np.empty(n, dtype=np.intp)
        back[order] = np.arange(n)
        return DistinctRows(order, back, None)
    plain = np.ascontiguousarray(X, dtype=float) + 0.0  # turns -0.0 into 0.0
    where, same = _equal_rows(plain)
    _, first, group = np.unique(y.astype(np.int64) * len(where) + same, return_index=True, return_inverse=True)
    clash = np.flatnonzero(y != y[where[same]])
    conflict = (int(where[same[clash[0]]]), int(clash[0])) if len(clash) else None
    return DistinctRows(first.astype(np.intp), group.astype(np.intp), conflict)


def _equal_rows(plain: NDArray[np.float64]) -> tuple[Index, Index]:
    """Return the first of each set of equal rows, and the set of each row."""
    n, width = plain.shape
    if not width:
        return np.zeros(min(n, 1), dtype=np.intp), np.zeros(n, dtype=np.intp)
    bits = plain.view(np.uint64)
    factors = np.random.default_rng(0).integers(1, 2**63, width, dtype=np.uint64) | np.uint64(1)
    keys = np.empty(n, dtype=np.uint64)
    size = max(1, _ENTRIES_AT_ONCE // width)
    for start in range(0, n, size):
        block = bits[start : start + size]
        # the high bits are mixed down: round numbers have zeros below
        keys[start : start + size] = ((block ^ (block >> np.uint64(29))) * factors).sum(axis=1, dtype=np.uint64)
    _, where, same = np.unique(keys, return_index=True, return_inverse=True)
    copies = np.flatnonzero(where[same] != np.arange(n))
    for start in range(0, len(copies), size):
        some = copies[start : start + size]
        if not np.array_equal(plain[some], plain[where[same[some]]]):
            # two different rows with one key: compare whole rows
            whole = plain.view(np.dtype((np.void, plain.dtype.itemsize * width))).ravel()
            _, where, same = np.unique(whole, return_index=True, return_inverse=True)
            break
    return where.astype(np.intp), same.astype(np.intp)
