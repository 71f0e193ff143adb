"""A matrix times the exponential of a number: gradients that underflow keep their digits."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["ScaledMatrix"]

Floats = NDArray[np.float64]


class ScaledMatrix(NamedTuple):
    """The matrix exp(log_scale) times ``entries``."""

    entries: Floats
    log_scale: float

    @property
    def value(self) -> Floats:
        """The matrix itself, zero where it underflows."""
        with np.errstate(over="ignore"):
            return np.asarray(self.entries * np.exp(self.log_scale))

    @property
    def log_norm(self) -> float:
        """Logarithm of the Frobenius norm, minus infinity for zero."""
        size = float(np.linalg.norm(self.entries))
        return math.log(size) + self.log_scale if size > 0.0 else -math.inf

    def squared(self) -> ScaledMatrix:
        """Square every entry."""
        return ScaledMatrix(self.entries**2, 2.0 * self.log_scale)

    def mixed(self, own: float, other: ScaledMatrix, share: float) -> ScaledMatrix:
        """Return own times this matrix plus share times the other, its largest entry being one."""
        # a zero matrix has no scale of its own
        parts = [(factor, one) for factor, one in ((own, self), (share, other)) if factor and np.any(one.entries)]
        if not parts:
            return ScaledMatrix(np.zeros_like(self.entries), 0.0)
        scale = max(one.log_scale + math.log(abs(factor) * float(np.abs(one.entries).max())) for factor, one in parts)
        total = np.zeros_like(self.entries)
        for factor, one in parts:
            total += factor * math.exp(one.log_scale - scale) * one.entries
        return ScaledMatrix(total, scale)
