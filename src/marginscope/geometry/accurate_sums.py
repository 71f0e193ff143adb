"""Sums of products as if in twice the working precision, with a bound of the error.

    sum_j a_j b_j = high + low,   the rounding errors of every product and every addition
                                  collected in low

Products and additions of floats have rounding errors that are floats themselves (Dekker
1971; Knuth 1969). Adding in pairs keeps the number of roundings at the logarithm of the
number of terms, so the error is one rounding of the result plus the square of the unit
roundoff times the sum of sizes (compare Ogita, Rump & Oishi 2005, algorithm Dot2).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["product_parts", "sum_of_products"]

Floats = NDArray[np.float64]

_EPS = float(np.finfo(float).eps)
_TINY = float(np.finfo(float).smallest_subnormal)
_SPLITTER = 2.0**27 + 1.0


def sum_of_products(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return sum_j a_j b_j along the first axis, and a bound of its error.

    The bound includes underflow. It is infinite or NaN where a product overflows.
    """
    high, low = product_parts(a, b)
    size = np.abs(high).sum(axis=0)
    n_terms, levels = len(high), 0
    while len(high) > 1:
        half = len(high) // 2
        left, right, rest = high[:half], high[half : 2 * half], 2 * half
        total = left + right
        moved = total - left
        error = (left - (total - moved)) + (right - moved)
        carried = low[:half] + low[half:rest] + error
        high = np.concatenate([total, high[rest:]])
        low = np.concatenate([carried, low[rest:]])
        levels += 1
    if n_terms == 0:
        return size, size
    value = high[0] + low[0]
    bound = _EPS * np.abs(value) + 1.01 * ((levels + 3) * _EPS) ** 2 * size + 16.0 * n_terms * _TINY
    return value, bound


def product_parts(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return high + low equal to a * b exactly, unless it under- or overflows."""
    high = a * b
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    low = ((a_high * b_high - high) + a_high * b_low + a_low * b_high) + a_low * b_low
    return high, low


def _halves(a: Floats) -> tuple[Floats, Floats]:
    """Split the digits of a into an upper and a lower half (Veltkamp 1968)."""
    wide = _SPLITTER * a
    high = wide - (wide - a)
    return high, a - high
