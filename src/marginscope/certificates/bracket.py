"""A certified interval around an optimal value."""

from __future__ import annotations

import math
from typing import NamedTuple

__all__ = ["WIDEST_GAP", "Bracket"]

# a bracket relatively wider than this is no answer
WIDEST_GAP = 1e-4


class Bracket(NamedTuple):
    """Certified lower and upper end of an optimal value."""

    lower: float
    upper: float

    @property
    def width(self) -> float:
        """Width relative to the upper end; 0 where both ends are equal, 1 without an upper end."""
        if math.isinf(self.upper):
            return 1.0
        return 0.0 if self.lower == self.upper else (self.upper - self.lower) / self.upper
