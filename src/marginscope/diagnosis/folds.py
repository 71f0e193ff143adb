"""Which rows train and which are scored; classes of any size are coped with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Design", "Split", "cross_validation", "single_split", "stratified_subsample"]

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Rows to fit on, rows to score, and the repeat this split belongs to."""

    train: Index
    test: Index
    repeat: int = 0


@dataclass(frozen=True)
class Design:
    """A set of splits; within a repeat every row is scored at most once."""

    splits: tuple[Split, ...]
    n_rows: int
    n_repeats: int
    sentence: str
    can_be_redrawn: bool = True

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Rows that some split scores, shape (n_rows,)."""
        mask = np.zeros(self.n_rows, dtype=bool)
        for split in self.splits:
            mask[split.test] = True
        return mask


def cross_validation(
    codes: Index, *, n_splits: int, n_repeats: int, rng: np.random.Generator, copies: Index | None = None
) -> Design:
    """Deal the rows of every class to the folds in turn.

    A class of one row always trains and is never scored; a class of two to
    ``n_splits - 1`` rows is scored in as many folds as it has rows. Rows of one class with
    the same number in ``copies``, shape (n_rows,), are one row here: they are dealt
    together, and the first of them is scored.
    """
    first, original = np.arange(codes.size), np.arange(codes.size)
    if copies is not None:
        _, first, group = np.unique(np.stack([codes, copies]), axis=1, return_index=True, return_inverse=True)
        original = first[group.ravel()]
    is_first = np.zeros(codes.size, dtype=bool)
    is_first[first] = True
    splits = []
    for repeat in range(n_repeats):
        fold = np.full(codes.size, -1)
        start = 0
        for code in np.unique(codes):
            rows = rng.permutation(np.flatnonzero((codes == code) & is_first))
            if rows.size == 1:
                continue
            fold[rows] = (start + np.arange(rows.size)) % n_splits
            start += rows.size
        fold = fold[original]
        for k in range(n_splits):
            test = np.flatnonzero((fold == k) & is_first)
            if test.size:
                splits.append(Split(np.flatnonzero(fold != k), test, repeat))
    times = "" if n_repeats == 1 else f", {n_repeats} times"
    together = "" if copies is None else ", copies of a row kept together and scored once"
    return Design(tuple(splits), codes.size, n_repeats, f"{n_splits}-fold stratified cross-validation{times}{together}")


def single_split(n_train: int, n_test: int) -> Design:
    """Train on the first ``n_train`` rows, score the ``n_test`` that follow."""
    rows = np.arange(n_train + n_test)
    split = Split(rows[:n_train], rows[n_train:])
    return Design((split,), n_train + n_test, 1, "the test rows that were given")


def stratified_subsample(codes: Index, n_rows: int, *, least: int, rng: np.random.Generator) -> Index:
    """Draw about ``n_rows`` rows in the same shares, but at least ``least`` of every class.

    Returns
    -------
    ndarray of int
        Sorted row indices; all rows where there are no more than ``n_rows``.
    """
    if codes.size <= n_rows:
        return np.arange(codes.size)
    share = n_rows / codes.size
    chosen = []
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        size = min(rows.size, max(least, round(share * rows.size)))
        chosen.append(rng.choice(rows, size, replace=False))
    return np.sort(np.concatenate(chosen))
