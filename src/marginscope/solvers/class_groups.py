"""Separation of whole groups of classes, where each group shares one score.

Classes that a first fit keeps apart are put into different groups; if the merged labels
can be separated completely, every pair of two groups is separable and each group is a
problem of its own, with fewer rows, classes and unknowns.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from marginscope.geometry.margins import relative_margins
from marginscope.solvers.pair_loss import PairLoss
from marginscope.solvers.recession import search

__all__ = ["separate_groups"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]

# share of the rows of two classes in the wrong order, up to which they may be in different groups
_LARGEST_SHARES = (0.02, 0.0)
_MOST_STEPS = 25


def separate_groups(model: PairLoss, theta: Floats) -> tuple[Floats, Mask] | None:
    """Return a direction that separates groups of classes, and the pairs between them.

    Parameters
    ----------
    model : PairLoss
    theta : (n_classes, rank) parameters that order most pairs
    """
    for group in _groupings(model, theta):
        n_groups = int(group.max()) + 1
        of_row = group[model.y]
        between = of_row[:, None] != group[None, :]
        merged = np.zeros((len(model.y), n_groups), dtype=bool)
        for k, g in enumerate(group):
            merged[:, g] |= model.pairs[:, k] & between[:, k]
        coarse = PairLoss(model.Q, of_row, merged)
        start = np.zeros((n_groups, model.Q.shape[1]))
        outcome = search(coarse, start, coarse.clearly_separates, max_steps=_MOST_STEPS)
        if outcome.kind == "separated":
            return outcome.theta[group], model.pairs & between
    return None


def _groupings(model: PairLoss, theta: Floats) -> Iterator[Codes]:
    """Yield group numbers of the classes, coarse ones first."""
    n_classes = model.pairs.shape[1]
    wrong = model.pairs & (relative_margins(model.Q, model.y, theta) <= 0)
    count = np.array([wrong[model.y == c].sum(axis=0) for c in range(n_classes)])
    rows = np.bincount(model.y, minlength=n_classes)
    share = (count + count.T) / np.maximum(1, rows[:, None] + rows)
    last = 1
    for largest in _LARGEST_SHARES:
        n_groups, group = sp.csgraph.connected_components(sp.csr_array(share > largest), directed=False)
        if last < n_groups < n_classes:
            last = n_groups
            yield group.astype(np.intp)
