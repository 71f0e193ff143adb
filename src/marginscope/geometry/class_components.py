"""Sets of classes that pairs do not connect: problems that can be solved one by one.

A pair of row i and class k couples the coefficients of class y_i with those of class k
and touches no other. Classes that no chain of pairs connects have separate problems.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

__all__ = ["class_components", "rows_of_component"]

Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]


def class_components(y: Codes, pairs: Mask) -> list[Codes]:
    """Return the classes of every component of two or more, each in ascending order.

    Parameters
    ----------
    y : (n_samples,) class codes
    pairs : (n_samples, n_classes) mask
    """
    n_classes = pairs.shape[1]
    linked = np.zeros((n_classes, n_classes), dtype=bool)
    for k in range(n_classes):
        linked[np.unique(y[pairs[:, k]]), k] = True
    n_components, label = sp.csgraph.connected_components(sp.csr_array(linked), directed=False)
    found = [np.flatnonzero(label == c) for c in range(n_components)]
    return [classes for classes in found if len(classes) > 1]


def rows_of_component(y: Codes, pairs: Mask, classes: Codes) -> tuple[Codes, Codes]:
    """Return the rows with a pair inside a component, and their codes within it."""
    position = np.full(pairs.shape[1], -1, dtype=np.intp)
    position[classes] = np.arange(len(classes))
    rows = np.flatnonzero((position[y] >= 0) & pairs.any(axis=1))
    return rows, position[y[rows]]
