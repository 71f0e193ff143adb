"""What choosing the best of many on the rows that they are scored on adds to its score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["chosen_elsewhere"]

Floats = NDArray[np.float64]

_PARTS = 5
_PARTITIONS = 20
_NEAR = 0.02


def chosen_elsewhere(
    changes: Sequence[Floats], codes: NDArray[np.int64], targets: Sequence[int], n_classes: int, *, seed: int
) -> tuple[float, float]:
    """Compute the balanced recall gained by the best candidate, as chosen here and as chosen on other rows.

    The rows of every class are dealt to five parts. The candidate that is best on four of
    them is scored on the fifth, so that no row has a say in what it is scored under; twenty
    partitions are averaged. The candidates are not fitted anew: their answers are out of
    sample, and only the choice is in question.

    Parameters
    ----------
    changes : sequence of ndarray of shape (n_rows,)
        Per candidate: share of repeats right less that of the present model, NaN where
        unscored.
    codes : ndarray of shape (n_rows,)
    targets : sequence of int
        The best is the one with the largest mean change of these, balanced recall added,
        among those within 0.02 of the largest balanced recall.

    Returns
    -------
    (float, float)
        Apparent and held out change of balanced recall.

    Notes
    -----
    The nested form of Varma and Simon (2006), for the choice alone.
    """
    table = np.stack(list(changes))
    rows = np.flatnonzero(~np.isnan(table).any(axis=0))
    table, codes = table[:, rows], codes[rows]
    present = np.unique(codes)
    member = (codes[:, None] == np.arange(n_classes)).astype(float)
    whole = _balanced(table @ member, member.sum(axis=0), present)
    apparent = float(whole[_best(table @ member, member.sum(axis=0), present, targets)])
    rng = np.random.default_rng(seed)
    held = [_held_out(table, codes, member, present, targets, rng) for _ in range(_PARTITIONS)]
    return apparent, float(np.mean(held))


def _held_out(
    table: Floats,
    codes: NDArray[np.int64],
    member: Floats,
    present: NDArray[np.int64],
    targets: Sequence[int],
    rng: np.random.Generator,
) -> float:
    part = np.empty(codes.size, dtype=np.int64)
    for k in present:
        own = rng.permutation(np.flatnonzero(codes == k))
        part[own] = (np.arange(own.size) + rng.integers(_PARTS)) % _PARTS
    found = np.zeros(codes.size)
    for p in range(_PARTS):
        others = part != p
        best = _best(table[:, others] @ member[others], member[others].sum(axis=0), present, targets)
        found[~others] = table[best, ~others]
    return float(_balanced(found[None] @ member, member.sum(axis=0), present)[0])


def _balanced(sums: Floats, counts: Floats, present: NDArray[np.int64]) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.nanmean(sums[:, present] / counts[present], axis=1))


def _best(sums: Floats, counts: Floats, present: NDArray[np.int64], targets: Sequence[int]) -> int:
    wanted = [k for k in targets if counts[k] > 0]
    lift = (sums[:, wanted] / counts[wanted]).mean(axis=1) if wanted else np.zeros(len(sums))
    balanced = _balanced(sums, counts, present)
    # As in ``remedy_choice``: what lies clearly below another one is not named.
    return int(np.where(balanced >= balanced.max() - _NEAR, balanced + lift, -np.inf).argmax())
