"""Single features that give the class away."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marginscope.tables.feature_matrix import FeatureMatrix

__all__ = ["possible_leaks"]

# A feature with more values per class than this may separate the classes by accident.
_VALUES_PER_CLASS = 2


def possible_leaks(features: FeatureMatrix, codes: NDArray[np.int64]) -> tuple[str, ...]:
    """Name features of few values each of which occurs in one class only.

    Returns
    -------
    tuple of str
        One sentence, or none.
    """
    if features.is_sparse:
        return ()
    n_classes = int(np.unique(codes).size)
    found = [
        features.names[j]
        for j in range(features.shape[1])
        if _tells_all(features.values[:, j], codes, _VALUES_PER_CLASS * n_classes)
    ]
    if not found:
        return ()
    names = ", ".join(repr(name[:40]) for name in found[:5])
    verb = "tells" if len(found) == 1 else "tell"
    return (f"{names} alone {verb} every class of every row: a possible leak, the target in other words?",)


def _tells_all(column: NDArray[np.float64], codes: NDArray[np.int64], most_values: int) -> bool:
    # A look at the first rows settles nearly every column.
    if np.unique(column[: 4 * most_values + 20]).size > most_values:
        return False
    values, place = np.unique(column, return_inverse=True)
    if not 1 < values.size <= most_values:
        return False
    table = np.zeros((values.size, int(codes.max()) + 1), dtype=np.int64)
    np.add.at(table, (place, codes), 1)
    return bool(((table > 0).sum(axis=1) == 1).all())
