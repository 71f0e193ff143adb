"""Probabilities that were rounded before they came here.

A number written with d decimals is off by half a unit of the last one at most, so a row
of K such numbers sums to 1 within K / 2 * 10^-d. Single precision rounds too: by its
machine epsilon a number.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["rounding_of_sums", "without_rounding"]

Floats = NDArray[np.float64]

# decimals that people write, and the most that rounding is let explain
_FEWEST_DECIMALS, _MOST_DECIMALS = 2, 6
# single precision writes no decimal exactly
_SAME = 1e-7
_LARGEST = 0.05


def rounding_of_sums(proba: Floats) -> float:
    """Return by how much the sum of a row may miss 1 through the rounding that is seen in the numbers.

    The decimals are the fewest, 2 to 6, that write every number; then the narrowest type that
    holds every number. At most 0.05, however many classes there are.
    """
    K = int(proba.shape[1])
    for decimals in range(_FEWEST_DECIMALS, _MOST_DECIMALS + 1):
        if np.abs(proba - np.round(proba, decimals)).max(initial=0.0) <= _SAME:
            return float(min(_LARGEST, K * (0.5 * 10.0**-decimals + _SAME)))
    for kind in (np.float16, np.float32):
        if np.array_equal(proba.astype(kind).astype(np.float64), proba):
            return min(_LARGEST, K * float(np.finfo(kind).eps))
    return K * float(np.finfo(np.float64).eps)


def without_rounding(proba: Floats, exact: float) -> tuple[Floats, str]:
    """Divide rows by their sums where rounding explains that they miss 1 by more than ``exact``.

    Returns
    -------
    (proba, note)
        The same and an empty note where there is nothing to divide out, or where rounding does
        not explain it.
    """
    if proba.ndim != 2 or proba.size == 0 or not np.isfinite(proba).all():
        return proba, ""
    sums = proba.sum(axis=1)
    off = float(np.abs(sums - 1.0).max())
    if off <= exact or off > rounding_of_sums(proba) or proba.min() < 0.0:
        return proba, ""
    return proba / sums[:, None], (
        f"The probabilities are rounded: rows sum to 1 within {off:.1g} only, and were divided by their sums."
    )
