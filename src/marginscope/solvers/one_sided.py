"""Recession directions of a single column, found by comparing ranges.

Where no class has values of a column on both sides of a threshold a, the classes above
take weight 1, those below weight -1 and those on it weight 0:

    u_ik = (s_{y_i} - s_k) (x_ij - a) >= 0        for every row i and class k

A category that some class never shows, a rare count or a pixel that is dark throughout a
class separates in this way. The test costs a pass over the data and never rounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.geometry.margins import is_sparse

__all__ = ["OneSided", "one_sided_direction"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]

_ENTRIES_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class OneSided:
    """The sum of all such directions, and the pairs that it separates."""

    theta: Floats
    separable: Mask


def one_sided_direction(Z: Any, y: Codes, tied: Mask, *, has_ones: bool) -> OneSided | None:
    """Add up the directions of single columns, or return None if there are none.

    Parameters
    ----------
    Z : (n_rows, n_columns) array or CSR matrix
        The last column is ones if ``has_ones``; otherwise only the threshold 0 is tried.
    y : (n_rows,) class codes
    tied : (n_rows, n_classes) mask
        Pairs to separate. Rows without one do not stand in the way.
    """
    rows = np.flatnonzero(tied.any(axis=1))
    width = Z.shape[1] - has_ones
    if not len(rows) or not width:
        return None
    low, high = _ranges(Z, y, rows, tied.shape[1], width)
    columns, threshold = _thresholds(low, high) if has_ones else _zero_thresholds(low, high)
    at = threshold[None, :]
    low, high = low[:, columns], high[:, columns]
    sides = ((low >= at) & (high > at)).astype(float) - ((low < at) & (high <= at))
    useful = sides.max(axis=0, initial=-1.0) > sides.min(axis=0, initial=1.0)
    columns, threshold, sides = columns[useful], threshold[useful], sides[:, useful]
    if not len(columns):
        return None
    separable = np.zeros_like(tied)
    separable[rows] = _separated(Z, y, rows, columns, threshold, sides) & tied[rows]
    if not separable.any():
        return None
    theta = np.zeros((tied.shape[1], Z.shape[1]))
    np.add.at(theta.T, columns, sides.T)
    if has_ones:
        theta[:, -1] = -(sides @ threshold)
    return OneSided(theta, separable)


def _ranges(Z: Any, y: Codes, rows: Codes, n_classes: int, width: int) -> tuple[Floats, Floats]:
    """Return the smallest and largest value by class and column; inf and -inf without rows."""
    low, high = np.full((n_classes, width), np.inf), np.full((n_classes, width), -np.inf)
    for c in range(n_classes):
        own = rows[y[rows] == c]
        if len(own):
            part = Z[own]
            for ends, extreme in ((low, part.min(axis=0)), (high, part.max(axis=0))):
                ends[c] = (extreme.toarray() if is_sparse(Z) else np.asarray(extreme)).ravel()[:width]
    return low, high


def _thresholds(low: Floats, high: Floats) -> tuple[Codes, Floats]:
    """Return columns and thresholds that no class has inside its range."""
    order = np.lexsort((high, low), axis=0)
    ends = np.maximum.accumulate(np.take_along_axis(high, order, axis=0), axis=0)[:-1]
    starts = np.take_along_axis(low, order, axis=0)[1:]
    after, columns = np.nonzero((ends <= starts) & np.isfinite(ends) & np.isfinite(starts))
    below, above = ends[after, columns], starts[after, columns]
    middle = below + 0.5 * (above - below)
    # the same threshold comes once for every class that is constant there
    found = np.unique(np.column_stack([columns.astype(float), middle]), axis=0)
    return found[:, 0].astype(np.intp), found[:, 1]


def _zero_thresholds(low: Floats, high: Floats) -> tuple[Codes, Floats]:
    columns = np.flatnonzero(~((low < 0) & (high > 0)).any(axis=0))
    return columns, np.zeros(len(columns))


def _separated(Z: Any, y: Codes, rows: Codes, columns: Codes, threshold: Floats, sides: Floats) -> Mask:
    """Say which pairs have a column that separates them, by counting such columns."""
    if is_sparse(Z):
        # most thresholds are 0, and then the zeros need not be written out
        zero = threshold == 0
        found = np.zeros((len(rows), len(sides)), dtype=bool)
        if zero.any():
            found |= _count_sparse(Z[rows][:, columns[zero]], y[rows], sides[:, zero]) > 0
        columns, threshold, sides = columns[~zero], threshold[~zero], sides[:, ~zero]
        return found | _separated_dense(Z, y, rows, columns, threshold, sides) if len(columns) else found
    return _separated_dense(Z, y, rows, columns, threshold, sides)


def _separated_dense(Z: Any, y: Codes, rows: Codes, columns: Codes, threshold: Floats, sides: Floats) -> Mask:
    found = np.zeros((len(rows), len(sides)), dtype=bool)
    size = max(1, _ENTRIES_AT_ONCE // len(columns))
    for c in range(len(sides)):
        above = (sides[c] > sides).T.astype(np.float32)
        below = (sides[c] < sides).T.astype(np.float32)
        own = np.flatnonzero(y[rows] == c)
        for start in range(0, len(own), size):
            block = own[start : start + size]
            part = Z[rows[block]][:, columns]
            values = part.toarray() if is_sparse(Z) else part
            count = (values > threshold).astype(np.float32) @ above + (values < threshold).astype(np.float32) @ below
            found[block] = count > 0
    return found


def _count_sparse(part: Any, y: Codes, sides: Floats) -> Floats:
    count = np.zeros((part.shape[0], len(sides)))
    for c in range(len(sides)):
        own = np.flatnonzero(y == c)
        values = part[own]
        for sign, separates in ((1.0, sides[c] > sides), (-1.0, sides[c] < sides)):
            shown = (sign * values > 0).astype(float)
            count[own] += np.asarray(shown @ separates.T.astype(float))
    return count
