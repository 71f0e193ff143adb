"""What a hard-margin solution does to each pair of classes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marginscope.certificates.margin_constraints import MarginConstraints
from marginscope.certificates.pair_weights import PairWeights

__all__ = ["ClassPair", "PairTable", "pair_table"]

Floats = NDArray[np.float64]


class ClassPair(NamedTuple):
    """One class against one rival.

    ``own`` and ``rival`` are labels, ``smallest_margin`` is scaled, ``n_support`` counts the pairs
    with a positive multiplier and ``dual_mass`` sums those multipliers times the class margin.
    """

    own: Any
    rival: Any
    smallest_margin: float
    n_support: int
    dual_mass: float


class PairTable(NamedTuple):
    """Arrays of shape (n_classes, n_classes): own class first, rival second.

    ``margins`` is the smallest scaled margin u_ik / m of the rows of the own class, infinity
    on the diagonal; ``supports`` counts the pairs with a positive multiplier and ``mass``
    sums their beta m. ``nearest`` is the smallest scaled margin of all other pairs.
    """

    margins: Floats
    supports: NDArray[np.int64]
    mass: Floats
    nearest: float


def pair_table(constraints: MarginConstraints, margins: Floats, pairs: PairWeights) -> PairTable:
    """Tabulate scaled margins (n_rows, n_classes) and multipliers by class and rival."""
    K, y = constraints.n_classes, constraints.y
    smallest = np.full((K, K), np.inf)
    for k in range(K):
        own = y == k
        if own.any():
            smallest[k] = margins[own].min(axis=0)
    rows, rivals = pairs.rows, pairs.rivals
    supports, mass = np.zeros((K, K), dtype=np.int64), np.zeros((K, K))
    np.add.at(supports, (y[rows], rivals), pairs.values > 0)
    np.add.at(mass, (y[rows], rivals), pairs.values * constraints.row_margins[rows])
    others = np.ones(margins.shape, dtype=bool)
    others[rows[pairs.values > 0], rivals[pairs.values > 0]] = False
    nearest = float(np.min(margins, where=others, initial=np.inf))
    return PairTable(smallest, supports, mass, nearest)
