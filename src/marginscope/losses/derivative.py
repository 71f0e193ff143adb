"""Derivatives of a function that is given by its values alone.

A step in an imaginary direction gives the derivative of an analytic function
without cancellation, d f(u) = Im f(u + i h e_j) / h, so it keeps its relative
accuracy where f is 1e-200. Functions that refuse complex numbers, or drop the
imaginary part as |u| does, are differenced (Squire and Trapp 1998).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["directional_difference", "numerical_weights", "slope_of"]

Floats = NDArray[np.float64]

_IMAGINARY_STEP = 1e-30
# the error of a central difference with this step is near 1e-11 of the value's scale
_STEP = 6e-6


def numerical_weights(value: Callable[[Any], Any], margins: Floats) -> Floats:
    """Return -grad value(u) over the last axis, by complex steps where they are valid."""
    rough = np.empty_like(margins)
    for j in range(margins.shape[-1]):
        rough[..., j] = _difference(value, margins, j)
    exact = _complex_step(value, margins)
    if exact is None:
        return rough
    size = np.abs(np.asarray(value(margins)))[..., None]
    # no disagreement beyond the error of the difference, or the imaginary part was lost on the way
    agree = np.abs(exact - rough) <= 1e-6 * np.abs(rough) + 1e-9 * size + 1e-13
    return np.where(agree, exact, rough)


def slope_of(function: Callable[[Any, Any], Any], x: Floats) -> Floats:
    """Return the derivative of an elementwise ``function(x, xp)``."""
    return -numerical_weights(lambda column: np.asarray(function(column, np))[..., 0], x[..., None])[..., 0]


def directional_difference(weights: Callable[[Floats], Floats], margins: Floats, vectors: Floats) -> Floats:
    """Return the derivative of -weights at u along each vector, by a central difference."""
    length = np.max(np.abs(vectors), axis=-1, keepdims=True)
    step = _STEP * np.maximum(1.0, np.max(np.abs(margins), axis=-1, keepdims=True))
    unit = vectors / np.where(length > 0, length, 1.0)
    return np.asarray((weights(margins - step * unit) - weights(margins + step * unit)) / (2.0 * step) * length)


def _difference(value: Callable[[Any], Any], margins: Floats, j: int) -> Floats:
    step = _STEP * np.maximum(1.0, np.abs(margins[..., j]))
    ahead, behind = margins.copy(), margins.copy()
    ahead[..., j] += step
    behind[..., j] -= step
    width = ahead[..., j] - behind[..., j]
    return np.asarray((np.asarray(value(behind)) - np.asarray(value(ahead))) / width)


def _complex_step(value: Callable[[Any], Any], margins: Floats) -> Floats | None:
    out = np.empty_like(margins)
    for j in range(margins.shape[-1]):
        moved = margins.astype(complex)
        moved[..., j] += 1j * _IMAGINARY_STEP
        try:
            result = np.asarray(value(moved))
        except TypeError:
            return None
        if not np.iscomplexobj(result):
            return None
        out[..., j] = -result.imag / _IMAGINARY_STEP
    return out
