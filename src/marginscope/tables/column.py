"""One feature column after typing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope._validation.features import LARGEST_VALUE

__all__ = ["HUGE_INTEGER", "LARGEST_VALUE", "LOSSLESS_INTEGER", "UNKNOWN_LEVEL", "Column"]

#: Beyond these, an integer is no float64 without loss, and no int64 at all.
LOSSLESS_INTEGER = 2.0**53
HUGE_INTEGER = 2.0**63

#: Level of a test row that the training file does not have.
UNKNOWN_LEVEL = -1.0


@dataclass
class Column:
    """Kind of a column and the means to write its values.

    ``kind`` is ``"number"``, ``"category"``, ``"text"``, or one that cannot be a
    feature: ``"date"``, ``"identifier"``. ``chunks`` hold values, or codes that
    ``table`` turns into values.
    """

    name: str
    position: int
    kind: str
    chunks: list[NDArray[Any]] = field(default_factory=list)
    table: NDArray[np.float64] | None = None
    levels: tuple[str, ...] = ()
    texts: list[str] = field(default_factory=list)
    missing: Counter[str] = field(default_factory=Counter)
    filled: int = 0
    distinct: int = 0
    unknown: Counter[str] = field(default_factory=Counter)
    loses_integers: bool = False

    @property
    def n_missing(self) -> int:
        """Cells without a value."""
        return self.missing.total()

    def fill(self, out: NDArray[np.float64]) -> None:
        """Write the values into ``out`` and let go of the chunks."""
        start = 0
        for chunk in self.chunks:
            stop = start + len(chunk)
            out[start:stop] = chunk if self.table is None else self.table[chunk]
            start = stop
        self.chunks = []
