"""Label columns whose ids are right by themselves and wrong in their order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from marginscope.diagnosis.trials import Trial

__all__ = ["restarted_ids", "test_offset"]

_LEAST_BLOCK = 8


def _as_integers(names: Sequence[str]) -> NDArray[np.int64] | None:
    try:
        return np.array([int(name) for name in names])
    except (ValueError, OverflowError):
        return None


def restarted_ids(names: Sequence[str], codes: NDArray[np.int64]) -> tuple[int, tuple[int, ...]] | None:
    """Find the row at which ids that rise through the file begin again.

    Returns
    -------
    (row, codes) or None
        The first row of the second block, and the classes with enough rows on both
        sides. ``None`` unless the file is sorted into exactly two rising blocks.
    """
    values = _as_integers(names)
    if values is None or codes.size == 0:
        return None
    ids = values[codes]
    falls = np.flatnonzero(np.diff(ids) < 0) + 1
    if falls.size != 1:
        return None
    start = int(falls[0])
    before = np.bincount(codes[:start], minlength=len(names))
    after = np.bincount(codes[start:], minlength=len(names))
    both = np.flatnonzero((before >= _LEAST_BLOCK) & (after >= _LEAST_BLOCK))
    return (start, tuple(int(k) for k in both)) if both.size >= 2 else None


def test_offset(names: Sequence[str], codes: NDArray[np.int64], trial: Trial) -> tuple[int, float, float] | None:
    """Find the shift of integer ids between training and test.

    Returns
    -------
    (offset, share, direct) or None
        The offset of the predicted id from the true one that is met most often among
        -1 and +1, the share of test rows with it, and the share called correctly.
    """
    values = _as_integers(names)
    if values is None:
        return None
    predicted = trial.predicted[0]
    rows = predicted >= 0
    gap = values[predicted[rows]] - values[codes[rows]]
    shares = {offset: float(np.mean(gap == offset)) for offset in (-1, 1)}
    offset = max(shares, key=lambda one: shares[one])
    return offset, shares[offset], float(np.mean(gap == 0))


test_offset.__test__ = False  # type: ignore[attr-defined]
