"""The columns of an experiment as rows: written one by one, and chosen by their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import UsageError
from marginscope.experiments.experiment import Columns

__all__ = ["columns_of", "rows_where"]


def columns_of(rows: Sequence[Mapping[str, Any]]) -> Columns:
    """Return the columns of rows that all have the same names.

    Raises
    ------
    UsageError
        If they do not.
    """
    names = list(rows[0]) if rows else []
    for row in rows:
        if list(row) != names:
            raise UsageError(f"rows with the columns {', '.join(names)} are needed, but got one with {', '.join(row)}")
    return {name: [_plain(row[name]) for row in rows] for name in names}


def rows_where(columns: Columns, **values: Any) -> dict[str, NDArray[Any]]:
    """Return the columns, as arrays, of the rows that have these values."""
    table = {name: np.array(column) for name, column in columns.items()}
    chosen = np.ones(len(next(iter(table.values()), ())), dtype=bool)
    for name, value in values.items():
        chosen &= table[name] == value
    return {name: column[chosen] for name, column in table.items()}


def _plain(value: Any) -> Any:
    """Return a number of NumPy as one of Python."""
    return value.item() if isinstance(value, np.generic) else value
