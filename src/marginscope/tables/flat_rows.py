"""Rows of any shape, images and sequences, as rows of a table."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["array_of_tensor", "flat_rows", "is_tensor"]


def is_tensor(X: Any) -> bool:
    """Return whether it is a tensor of torch, which need not be loaded for that."""
    return type(X).__module__.partition(".")[0] == "torch" and hasattr(X, "detach")


def array_of_tensor(X: Any) -> NDArray[Any]:
    """Return the numbers of a tensor, from whatever device; short floats become 32-bit ones."""
    X = X.detach().cpu()
    if X.is_floating_point() and X.element_size() < 4:
        X = X.float()
    return np.asarray(X.numpy())


def flat_rows(X: NDArray[Any]) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return rows of numbers with one axis, and a note where they had more."""
    if X.ndim <= 2 or X.dtype.kind not in "biuf" or X.size == 0:
        return X, ()
    width = math.prod(X.shape[1:])
    note = (
        f"Rows of shape {X.shape[1:]} go to the model as they are; references, permutation tests and questions "
        f"about features read them flattened to {width:,} columns."
    )
    return X.reshape(len(X), width), (note,)
