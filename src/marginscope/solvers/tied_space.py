"""Projection onto the directions that leave all tied pairs at margin zero.

    W -> W - (H + tau I)^-1 A' A W,    H = A' A,  A the features of the tied pairs

One factorisation serves all steps. A step shrinks every component with an eigenvalue
well above tau and leaves the null space alone; margins are computed from the features
each time, so the ties end at their own rounding error.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from marginscope.geometry.margins import pair_sum, relative_margins
from marginscope.geometry.pair_gram import pair_gram

__all__ = ["TiedSpace"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]

_SHIFT = 1e-12
_MOST_STEPS = 25
_FLAT = 1e-15


class TiedSpace:
    """The directions with margin 0 on tied pairs, for features with orthogonal columns."""

    def __init__(self, Q: Floats, y: Codes, tied: Mask) -> None:
        self.Q, self.y, self.tied = Q, y, tied
        H = pair_gram(Q, y, tied.astype(float), gauge=1.0)
        largest = max(float(np.diag(H).max(initial=0.0)), 1.0)
        H[np.diag_indices(len(H))] += _SHIFT * len(H) * largest
        self._factor = scipy.linalg.cho_factor(H, lower=True, check_finite=False, overwrite_a=True)

    def ties(self, theta: Floats) -> Floats:
        """Return the margins of the tied pairs, and zero elsewhere."""
        return np.where(self.tied, relative_margins(self.Q, self.y, theta), 0.0)

    def project(self, theta: Floats) -> Floats:
        """Return the projection, in the gauge in which the classes sum to zero."""
        theta = theta - theta.mean(axis=0)
        floor = _FLAT * float(np.abs(theta).max(initial=0.0)) * np.sqrt(theta.size)
        before = np.inf
        for _ in range(_MOST_STEPS):
            ties = self.ties(theta)
            size = float(np.abs(ties).max(initial=0.0))
            if size <= floor or (size > 0.9 * before and size <= 1e3 * floor):
                break
            before = size
            theta = theta - self.part_with(ties)
        return theta

    def part_with(self, ties: Floats) -> Floats:
        """Return the direction orthogonal to the space whose tied margins are nearest to ``ties``."""
        total = pair_sum(self.Q, self.y, ties)
        return np.asarray(scipy.linalg.cho_solve(self._factor, total.ravel(), check_finite=False)).reshape(total.shape)
