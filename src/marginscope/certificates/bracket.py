"""A certified interval around an optimal value."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Bracket"]


class Bracket(NamedTuple):
    """Certified lower and upper end of an optimal value."""

    lower: float
    upper: float

    @property
    def width(self) -> float:
        """Width relative to the upper end; 0 where both ends are equal."""
        return 0.0 if self.lower == self.upper else (self.upper - self.lower) / self.upper
