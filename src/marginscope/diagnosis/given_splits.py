"""Splits that the user gives: a scikit-learn splitter or pairs of row numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.diagnosis.folds import Design, Split
from marginscope.diagnosis.trials import Subject
from marginscope.exceptions import DataError, UsageError

__all__ = ["given_splits"]


def given_splits(cv: Any, subject: Subject) -> Design:
    """Turn a scikit-learn splitter or an iterable of index pairs into a design."""
    pairs: Iterable[Any]
    if hasattr(cv, "split"):
        try:
            pairs = list(cv.split(np.zeros((subject.codes.size, 1)), subject.codes))
        except (TypeError, ValueError) as error:
            alone = np.flatnonzero(np.bincount(subject.codes) == 1)
            names = ", ".join(repr(str(subject.labels[k])) for k in alone[:5])
            raise DataError(
                f"cv must split the rows, but {cv!r} cannot ({error})"
                + (f"; one row only have: {names}" if names else "")
                + "; pass pairs of row indices, or cv=5"
            ) from error
    elif isinstance(cv, Iterable) and not isinstance(cv, str | bytes):
        pairs = cv
    else:
        raise UsageError(
            f"cv must be a number of folds, a splitter or pairs of row indices, but got {cv!r}; use cv=5 for five folds"
        )
    splits: list[Split] = []
    taken: list[NDArray[np.bool_]] = []
    n_rows = subject.codes.size
    for pair in pairs:
        if len(pair) != 2:
            raise DataError(f"cv must give pairs (training rows, test rows), but gave {len(pair)} parts; pass pairs")
        train, test = (_row_numbers(rows, n_rows) for rows in pair)
        if np.intersect1d(train, test).size:
            raise DataError("cv must keep training and test rows apart, but a split shares rows; make them disjoint")
        # The first repeat in which none of its rows is scored yet.
        repeat = next((r for r, mask in enumerate(taken) if not mask[test].any()), len(taken))
        if repeat == len(taken):
            taken.append(np.zeros(n_rows, dtype=bool))
        taken[repeat][test] = True
        splits.append(Split(train, test, repeat))
    if not splits:
        raise DataError("cv must give at least one split, but it gave none; use cv=5 for five folds")
    repeats = max(split.repeat for split in splits) + 1
    return Design(tuple(splits), subject.codes.size, repeats, f"{len(splits)} given splits", can_be_redrawn=False)


def _row_numbers(rows: Any, n_rows: int) -> NDArray[np.int64]:
    """Return row numbers of a split, given as numbers or as a mask."""
    values = np.asarray(rows)
    if values.dtype == bool and values.shape == (n_rows,):
        return np.flatnonzero(values)
    if (
        values.dtype.kind not in "iu"
        or values.ndim != 1
        or (values.size and not 0 <= values.min() <= values.max() < n_rows)
    ):
        raise DataError(
            f"cv must give row numbers from 0 to {n_rows - 1}, but gave {rows!r:.80}; number rows by position"
        )
    return values.astype(np.int64)
