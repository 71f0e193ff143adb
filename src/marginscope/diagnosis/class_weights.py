"""What the class weights of a model amount to on its training rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.diagnosis.case import Case

__all__ = ["effective_weights", "has_balanced_weights", "has_equal_weights"]

# Ratio up to which two weights are called equal.
_TOLERANCE = 1.05


def effective_weights(value: Any, case: Case) -> NDArray[np.float64]:
    """Return the weight of every class with training rows, for a ``class_weight`` in use.

    Labels that a dictionary does not name weigh 1; any word means balanced.
    """
    present = np.flatnonzero(case.counts)
    if isinstance(value, dict):
        by_name = {str(label): float(weight) for label, weight in value.items()}
        return np.array([by_name.get(case.names[k], 1.0) for k in present])
    counts = case.counts[present]
    return np.asarray(counts.sum() / (present.size * counts), dtype=float)


def has_equal_weights(case: Case) -> bool:
    """Whether every class weight in use gives all classes with training rows the same weight."""
    found = [effective_weights(value, case) for value in case.view.class_weight_params().values()]
    return all(weights.max() == weights.min() for weights in found)


def has_balanced_weights(case: Case) -> bool:
    """Whether some class weights in use undo the shares: weight times rows is the same for all classes."""
    counts = case.counts[case.counts > 0]
    for value in case.view.class_weight_params().values():
        mass = effective_weights(value, case) * counts
        if mass.min() > 0 and mass.max() <= _TOLERANCE * mass.min():
            return True
    return False
