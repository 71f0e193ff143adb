"""Linear dependencies between the columns of a design matrix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Dependencies", "Group", "dependencies_of"]

Reals = NDArray[np.float64]

_CHUNK_CELLS = 4_000_000
# What centring leaves of a constant column, as a share of its length.
_ROUNDING = 1e-13
# Share of the largest coefficient below which a column takes no part in a dependency.
_TAKES_PART = 1e-6


@dataclass(frozen=True)
class Group:
    """Columns of which one is a linear combination of the others (and of the intercept).

    ``is_one_hot`` says that they are the indicators of one category: two-valued, and one of
    them on in every row; ``is_of_indicators`` that all are two-valued and more than two, as
    where one category tells another.
    """

    columns: tuple[int, ...]
    is_one_hot: bool
    is_of_indicators: bool


@dataclass(frozen=True)
class Dependencies:
    """What the columns of a design matrix determine.

    Attributes
    ----------
    rank, n_columns : int
        The intercept's column not counted.
    constants : tuple of int
        Columns that do not vary (with an intercept), or are zero (without).
    groups : tuple of Group
    inflation : ndarray of shape (n_columns,)
        Variance inflation factor of every column among the independent ones, NaN for the others.
    """

    rank: int
    n_columns: int
    constants: tuple[int, ...]
    groups: tuple[Group, ...]
    inflation: Reals


def dependencies_of(X: Any, *, has_intercept: bool, tolerance: float) -> Dependencies:
    """Find which columns are linear combinations of others.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_columns)
    has_intercept : bool
        Whether a column of ones stands beside them.
    tolerance : float
        Size of what is left of a column of length 1 after the others, below which it counts
        as a combination of them.

    Notes
    -----
    QR of the columns, centred if there is an intercept and of length 1, row block by row
    block (Demmel et al. 2012); then QR with pivoting of R, which shows the rank
    (Golub and Van Loan 2013, section 5.5). The factor of inflation is the squared length of
    the row of R^-1 (Stewart 1987).
    """
    from scipy.linalg import qr, solve_triangular

    mean, length, size = _columns(X, has_intercept)
    constant = length <= _ROUNDING * np.maximum(size, 1e-300)
    moving = np.flatnonzero(~constant)
    R = np.zeros((0, moving.size))
    for block in _blocks(X, moving):
        R = np.asarray(np.linalg.qr(np.vstack([R, (block - mean[moving]) / length[moving]]), mode="r"))
    inflation = np.full(length.size, np.nan)
    groups: list[Group] = []
    rank = 0
    if moving.size:
        triangle, order = qr(R, mode="r", pivoting=True)[:2]
        diagonal = np.abs(np.diag(triangle))
        rank = int((diagonal > tolerance).sum())
        first = triangle[:rank, :rank]
        inverse = solve_triangular(first, np.eye(rank))
        inflation[moving[order[:rank]]] = (inverse**2).sum(axis=1)
        combos = solve_triangular(first, triangle[:rank, rank:])
        for j in range(moving.size - rank):
            weights = np.abs(combos[:, j])
            members = [*order[:rank][weights > _TAKES_PART * max(weights.max(initial=0.0), 1.0)], order[rank + j]]
            columns = np.sort(moving[members])
            on = _indicators(X, columns)
            one_hot = has_intercept and on is not None and bool(np.all(on == 1))
            groups.append(Group(tuple(map(int, columns)), one_hot, on is not None and columns.size > 2))
    return Dependencies(rank, length.size, tuple(map(int, np.flatnonzero(constant))), tuple(groups), inflation)


def _columns(X: Any, has_intercept: bool) -> tuple[Reals, Reals, Reals]:
    """Mean (zero without an intercept), length about it, and length of every column."""
    n_columns = X.shape[1]
    mean = np.asarray(X.mean(axis=0), dtype=np.float64).ravel() if has_intercept else np.zeros(n_columns)
    square, size = np.zeros(n_columns), np.zeros(n_columns)
    for block in _blocks(X, np.arange(n_columns)):
        square += ((block - mean) ** 2).sum(axis=0)
        size += (block**2).sum(axis=0)
    return mean, np.sqrt(square), np.sqrt(size)


def _blocks(X: Any, columns: NDArray[np.intp]) -> Iterator[Reals]:
    """Blocks of rows as dense arrays."""
    step = max(columns.size, _CHUNK_CELLS // max(1, columns.size))
    for start in range(0, X.shape[0], step):
        block = X[start : start + step][:, columns]
        yield np.asarray(block.toarray() if hasattr(block, "toarray") else block, dtype=np.float64)


def _indicators(X: Any, columns: NDArray[np.intp]) -> Reals | None:
    """How many of the columns are on in every row, ``None`` if one has more than two values."""
    on = np.zeros(X.shape[0])
    for j in columns:
        column = X[:, [j]]
        values = np.asarray(column.toarray() if hasattr(column, "toarray") else column, dtype=np.float64).ravel()
        low, high = values.min(), values.max()
        if not np.all((values == low) | (values == high)):
            return None
        on += values == high
    return on
