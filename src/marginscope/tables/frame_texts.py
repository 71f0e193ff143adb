"""Texts among the columns of a frame: which columns they are, and features of all columns beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from marginscope.exceptions import DataError
from marginscope.tables.cells import CellReader
from marginscope.tables.column import Column
from marginscope.tables.column_builder import ColumnBuilder
from marginscope.tables.feature_matrix import FeatureMatrix
from marginscope.tables.nulls import is_null
from marginscope.tables.numbers import check_numbers
from marginscope.tables.plan import ColumnPlan, ReadingPlan
from marginscope.tables.text_features import combine
from marginscope.tables.wording import listed

__all__ = ["features_beside_texts", "features_like", "is_text"]

# Cells that are looked at to tell sentences from identifiers.
_LOOKED_AT = 1000


def is_text(cells: Sequence[str | None]) -> bool:
    """Say whether most of the cells that are filled have three words or more; names and identifiers have fewer."""
    filled = [cell for cell in cells if cell and cell.strip()][:_LOOKED_AT]
    return 2 * sum(len(cell.split()) > 2 for cell in filled) > len(filled)


def features_beside_texts(columns: list[Column], n_rows: int) -> FeatureMatrix:
    """Return one sparse matrix of typed columns, some of them texts."""
    features, notes = combine(columns, n_rows, None)
    return replace(features, notes=(*notes, "references read these features; a model that you pass reads X as it is"))


def features_like(like: FeatureMatrix, names: Sequence[str], cells_of: Callable[[str], list[Any]]) -> FeatureMatrix:
    """Return test rows in the vocabulary, levels and scales of the training rows.

    Parameters
    ----------
    like : FeatureMatrix
        Training rows with texts.
    names : sequence of str
        Columns of the test rows.
    cells_of : callable
        Returns the cells of a column by its name.

    Raises
    ------
    DataError
        If a column is missing, or holds words where training has numbers.
    """
    missing = [column.name for column in like.made_of if column.name not in names]
    if missing:
        raise DataError(
            f"test rows need the columns of the training rows, but {listed(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing; pass the same columns in both"
        )
    cells = [cells_of(column.name) for column in like.made_of]
    columns = [_column(plan, at, own) for at, (plan, own) in enumerate(zip(like.made_of, cells, strict=True))]
    return combine(columns, len(cells[0]), ReadingPlan(like.made_of, ""))[0]


def _column(plan: ColumnPlan, at: int, cells: list[Any]) -> Column:
    if plan.kind == "number":
        return _numbers(plan.name, at, cells)
    builder = ColumnBuilder(plan.name, at, CellReader(()), expected=plan, is_text=plan.kind == "text", null_name="null")
    builder.add([None if is_null(cell) else str(cell) for cell in cells])
    return builder.finish(".", _row)


def _numbers(name: str, at: int, cells: list[Any]) -> Column:
    try:
        values = np.array([np.nan if is_null(cell) else float(cell) for cell in cells])
    except (TypeError, ValueError) as error:
        raise DataError(
            f"column {name!r} is numeric in training, but not in the test rows ({error}); give it one type in both"
        ) from error
    check_numbers(values[:, None], [name], _row)
    return Column(name, at, "number", [values])


def _row(row: int) -> str:
    return f"row {row} of the test rows"
