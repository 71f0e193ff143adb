"""Preconditioned conjugate gradients, ended early where a direction is all that is needed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["conjugate_gradients"]

Floats = NDArray[np.float64]
Map = Callable[[Floats], Floats]


def conjugate_gradients(product: Map, precondition: Map, right: Floats, *, rtol: float, max_iter: int) -> Floats:
    """Solve H x = right until the preconditioned residual has fallen by ``rtol``.

    Where a direction of no positive curvature turns up, what was found before it is returned,
    or that direction if it is the first (Steihaug 1983).
    """
    x = np.zeros_like(right)
    residual = right.copy()
    z = precondition(residual)
    direction = z.copy()
    size = float((residual * z).sum())
    enough = rtol**2 * size
    for step in range(max_iter):
        bent = product(direction)
        curvature = float((direction * bent).sum())
        if not curvature > 0.0:
            return x if step else direction
        length = size / curvature
        x += length * direction
        residual -= length * bent
        z = precondition(residual)
        size, former = float((residual * z).sum()), size
        if not size > enough:
            break
        direction = z + (size / former) * direction
    return x
