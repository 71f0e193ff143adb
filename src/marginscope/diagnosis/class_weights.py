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

    Labels that a dictionary does not name weigh 1, a list is in the order of the labels, a
    number weighs the second of two classes (``scale_pos_weight``); any word means balanced.
    """
    present = np.flatnonzero(case.counts)
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        return np.array([1.0, float(value)]) if present.size == 2 else np.ones(present.size)
    if isinstance(value, list | tuple | np.ndarray) and len(value) in (present.size, case.n_classes):
        given = np.asarray(value, dtype=float)
        return given if given.size == present.size else given[present]
    if isinstance(value, dict):
        by_name = {str(label): float(weight) for label, weight in value.items()}
        return np.array([by_name.get(case.names[k], 1.0) for k in present])
    counts = case.counts[present]
    return np.asarray(counts.sum() / (present.size * counts), dtype=float)


def has_equal_weights(case: Case) -> bool:
    """Whether every class weight in use gives all classes with training rows the same weight."""
    in_use = case.view.class_weight_params().values()
    if any(_names_no_label(value, case) for value in in_use):
        # Inside one against the rest 0 and 1 are the rest and the class.
        return False
    found = [effective_weights(value, case) for value in in_use]
    return all(weights.max() == weights.min() for weights in found)


def _names_no_label(value: Any, case: Case) -> bool:
    return isinstance(value, dict) and not {str(label) for label in value} & set(case.names) and len(value) > 0


def has_balanced_weights(case: Case) -> bool:
    """Whether some class weights in use undo the shares: weight times rows is the same for all classes."""
    counts = case.counts[case.counts > 0]
    for value in case.view.class_weight_params().values():
        mass = effective_weights(value, case) * counts
        if mass.min() > 0 and mass.max() <= _TOLERANCE * mass.min():
            return True
    return False
