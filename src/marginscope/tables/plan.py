"""What a test file must share with its training file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["ColumnPlan", "ReadingPlan"]


@dataclass(frozen=True)
class ColumnPlan:
    """How one column of the training file was used.

    ``kind`` is ``"number"``, ``"category"`` or ``"text"``. ``median`` and ``scale``
    are set only where text made the matrix sparse, as is ``has_missing`` (of a text:
    whether any is empty).
    """

    name: str
    kind: str
    levels: tuple[str, ...] = ()
    has_missing: bool = False
    median: float = 0.0
    scale: float = 1.0
    vectorizer: Any = None


@dataclass(frozen=True)
class ReadingPlan:
    """Columns in their order of use, target, and the columns left out.

    ``first_index`` is the smallest feature index that the svmlight format of the
    training file uses, 0 or 1.
    """

    columns: tuple[ColumnPlan, ...]
    target_name: str
    dropped: tuple[str, ...] = ()
    decimal: str | None = None
    first_index: int | None = None

    @property
    def is_sparse(self) -> bool:
        """Whether text columns made the matrix sparse."""
        return any(column.kind == "text" for column in self.columns)
