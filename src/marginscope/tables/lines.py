"""From the rows of a table back to the lines of its file."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence

__all__ = ["LineIndex"]


class LineIndex:
    """Line of every row, kept as the few places where their distance changes."""

    def __init__(self, unit: str = "line") -> None:
        self.unit = unit
        self._rows = array("q")
        self._shifts = array("q")
        self._count = 0

    def extend(self, lines: Sequence[int]) -> None:
        """Append the lines of the next rows."""
        for row, line in enumerate(lines, self._count):
            if not self._shifts or self._shifts[-1] != line - row:
                self._rows.append(row)
                self._shifts.append(line - row)
        self._count += len(lines)

    def where(self, row: int) -> str:
        """Say where a row stands, as ``line 7``."""
        at = bisect_right(self._rows, row) - 1
        return f"{self.unit} {row + (self._shifts[at] if at >= 0 else 0)}"
