"""Questions about the rows of feature matrices: equal rows, spread, alignment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import DataError
from marginscope.tables.feature_matrix import FeatureMatrix

__all__ = ["aligned", "column_spread", "dense_rows", "group_equal_rows", "stacked"]

# Below, a dictionary of whole rows is as fast.
_FEW_ROWS = 2000
_ROWS_A_BLOCK = 1 << 16


def dense_rows(features: FeatureMatrix, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return rows as a dense array, values as read (NaN is missing)."""
    values = features.values[rows]
    return np.asarray(values.toarray() if features.is_sparse else values, dtype=float)


def group_equal_rows(features: FeatureMatrix) -> NDArray[np.int64]:
    """Number groups of equal rows, shape (n_samples,); missing cells equal each other."""
    values = features.values
    if not features.is_sparse and features.shape[0] > _FEW_ROWS:
        return _group_by_digest(values)
    seen: dict[bytes, int] = {}
    if features.is_sparse:
        csr = values.copy()
        csr.sum_duplicates()
        csr.eliminate_zeros()
        keys = (
            csr.indices[a:b].tobytes() + csr.data[a:b].tobytes()
            for a, b in zip(csr.indptr[:-1], csr.indptr[1:], strict=True)
        )
    else:
        keys = (row.tobytes() for row in _one_pattern(values))
    return np.fromiter((seen.setdefault(key, len(seen)) for key in keys), dtype=np.int64, count=features.shape[0])


def _one_pattern(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a copy in which equal cells have equal bits."""
    # Adding zero turns -0 into +0; one bit pattern stands for every NaN.
    clean = np.ascontiguousarray(values, dtype=float) + 0.0
    clean[np.isnan(clean)] = np.nan
    return clean


def _group_by_digest(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Group rows by eight bytes of each, and compare in full only those that share them.

    Memory is a few numbers a row. Rows that share the bytes and are not equal are told
    apart by numbering them again.
    """
    _, first, group = np.unique(_digests(values), return_index=True, return_inverse=True)
    rank = np.empty(first.size, dtype=np.int64)
    rank[np.argsort(first)] = np.arange(first.size)
    number = rank[group]
    copies = np.flatnonzero(first[group] != np.arange(len(values)))
    extra: dict[tuple[int, bytes], int] = {}
    for start in range(0, copies.size, _ROWS_A_BLOCK):
        rows = copies[start : start + _ROWS_A_BLOCK]
        own = _one_pattern(values[rows]).view(np.uint64)
        unlike = (own != _one_pattern(values[first[group[rows]]]).view(np.uint64)).any(axis=1)
        for row, bits in zip(rows[unlike].tolist(), own[unlike], strict=True):
            number[row] = extra.setdefault((int(number[row]), bits.tobytes()), first.size + len(extra))
    return number


def _digests(values: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Return eight bytes a row, equal for equal rows."""
    n, d = values.shape
    # Any odd factors do: they only have to mix the bits.
    factors = np.asarray(np.random.default_rng(d).integers(2**63, size=d), dtype=np.uint64)
    factors |= np.uint64(1)
    digests = np.empty(n, dtype=np.uint64)
    for start in range(0, n, _ROWS_A_BLOCK):
        bits = _one_pattern(values[start : start + _ROWS_A_BLOCK]).view(np.uint64)
        bits ^= bits >> np.uint64(29)
        bits *= factors
        bits ^= bits >> np.uint64(32)
        bits *= factors[::-1]
        digests[start : start + _ROWS_A_BLOCK] = bits.sum(axis=1, dtype=np.uint64)
    return digests


def column_spread(features: FeatureMatrix) -> NDArray[np.float64]:
    """Return the standard deviation of every numeric column; 0 for categorical ones."""
    if features.is_sparse:
        mean = np.asarray(features.values.mean(axis=0)).ravel()
        square = np.asarray(features.values.multiply(features.values).mean(axis=0)).ravel()
        spread = np.sqrt(np.maximum(square - mean**2, 0.0))
    else:
        known = ~np.isnan(features.values)
        n = np.maximum(known.sum(axis=0), 1)
        filled = np.where(known, features.values, 0.0)
        mean = filled.sum(axis=0) / n
        spread = np.sqrt((np.where(known, filled - mean, 0.0) ** 2).sum(axis=0) / n)
    return np.where(np.asarray(features.categorical, dtype=bool), 0.0, spread)


def aligned(test: FeatureMatrix, train: FeatureMatrix) -> FeatureMatrix:
    """Return test features in the columns and category codes of the training features.

    A level that training does not have becomes -1.

    Raises
    ------
    DataError
        If the columns are not the same.
    """
    if test.shape[1] != train.shape[1] or set(test.names) != set(train.names):
        missing = [name for name in train.names if name not in test.names]
        extra = [name for name in test.names if name not in train.names]
        raise DataError(
            f"test rows need the {train.shape[1]} features of the training rows, but they have {test.shape[1]}"
            + (f"; missing {', '.join(missing[:8])}" if missing else "")
            + (f"; not in training: {', '.join(extra[:8])}" if extra else "")
            + "; pass the same columns in both"
        )
    place = {name: j for j, name in enumerate(test.names)}
    order = [place[name] for name in train.names]
    for j, name in enumerate(test.names):
        if j in test.levels and not train.categorical[train.names.index(name)]:
            raise DataError(
                f"column {name!r} is numeric in training, but holds words in the test rows; give it one type in both"
            )
    values: Any = test.values[:, order]
    for j, levels in train.levels.items():
        own = test.levels.get(order[j])
        if own is None:
            raise DataError(
                f"column {train.names[j]!r} is categorical in training, but numeric in the test rows; "
                "give it one type in both"
            )
        known = {level: float(code) for code, level in enumerate(levels)}
        table = np.array([known.get(level, -1.0) for level in own] + [-1.0])
        column = values[:, j]
        filled = np.isnan(column)
        values[:, j] = np.where(filled, np.nan, table[np.where(filled, -1, column).astype(int)])
    return FeatureMatrix(values, train.names, train.categorical, train.levels, test.notes)


def stacked(train: FeatureMatrix, test: FeatureMatrix) -> FeatureMatrix:
    """Return the rows of both, training rows first; the columns must agree already."""
    if train.is_sparse:
        from scipy.sparse import csr_array, vstack

        return replace(train, values=csr_array(vstack([train.values, test.values])))
    return replace(train, values=np.vstack([train.values, test.values]))
