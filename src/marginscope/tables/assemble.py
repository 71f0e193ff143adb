"""From typed columns to a feature matrix, with everything said that was done."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import DataError
from marginscope.tables.column import Column
from marginscope.tables.feature_matrix import FeatureMatrix
from marginscope.tables.numbers import check_numbers, integers_note
from marginscope.tables.options import ReaderOptions
from marginscope.tables.plan import ColumnPlan, ReadingPlan
from marginscope.tables.table_builder import RawTable
from marginscope.tables.wording import count, joined, listed, shown

__all__ = ["assemble", "fill_matrix", "missing_note", "refuse_missing"]


def assemble(
    raw: RawTable, options: ReaderOptions, plan: ReadingPlan | None
) -> tuple[FeatureMatrix, list[str], ReadingPlan]:
    """Return the features, the notes about them, and the plan for a test file."""
    if raw.matrix is not None:
        return _assemble_sparse(raw)
    _refuse_columns(raw)
    notes = _column_notes(raw.columns)
    missing = Counter({column.name: column.n_missing for column in raw.columns if column.n_missing})
    if any(column.kind == "text" for column in raw.columns):
        from marginscope.tables.text_features import combine

        if options.strict and missing:
            raise DataError(_missing_sentence(missing, ()))
        features, said = combine(raw.columns, len(raw.target), plan)
        columns = features.made_of
        notes += said
    else:
        values = fill_matrix(raw.columns, len(raw.target))
        if options.strict and missing:
            refuse_missing(values, [column.name for column in raw.columns], raw.where)
        columns = tuple(ColumnPlan(column.name, column.kind, column.levels) for column in raw.columns)
        features = _feature_matrix(raw.columns, values)
        if plan is None:
            notes += _suspicions(raw.columns, values, raw.target)
    if missing:
        marks: Counter[str] = sum((column.missing for column in raw.columns), Counter())
        notes.append(missing_note(missing, marks))
    name = raw.selection.names[raw.selection.target]
    return features, notes, ReadingPlan(columns, name, raw.selection.dropped, raw.decimal)


def fill_matrix(columns: list[Column], n_rows: int) -> NDArray[np.float64]:
    """Return the values of typed columns side by side."""
    values = np.empty((n_rows, len(columns)))
    for at, column in enumerate(columns):
        column.fill(values[:, at])
    return values


def refuse_missing(values: NDArray[np.float64], names: list[str], where: Callable[[int], str]) -> None:
    """Refuse missing cells, naming the first five."""
    holes = np.isnan(values)
    rows, places = np.nonzero(holes)
    first = [f"{where(int(row))} of {shown(names[at])}" for row, at in zip(rows[:5], places[:5], strict=True)]
    counts = Counter({names[at]: int(number) for at, number in enumerate(holes.sum(axis=0)) if number})
    raise DataError(_missing_sentence(counts, tuple(first)))


def missing_note(missing: Counter[str], marks: Counter[str]) -> str:
    """Say how many cells of which columns were read as missing, and by which mark."""
    by_mark = joined([f"{number:,} {_mark(mark)}" for mark, number in marks.most_common()])
    total = missing.total()
    return f"{count(total, 'cell')} of {_counted(missing)} {'was' if total == 1 else 'were'} read as missing: {by_mark}"


def _mark(mark: str) -> str:
    return {"": "empty"}.get(mark, mark)


def _counted(missing: Counter[str], limit: int = 8) -> str:
    words = [f"{shown(name)} ({number:,})" for name, number in missing.most_common(limit)]
    if len(missing) > limit:
        words.append(f"{count(len(missing) - limit, 'more column')}")
    return joined(words)


def _missing_sentence(missing: Counter[str], first: tuple[str, ...]) -> str:
    at = f", first at {joined(first)}" if first else ""
    return (
        f"no missing cell is allowed with --strict, but {count(missing.total(), 'cell')} of {_counted(missing)} "
        f"have no value (NaN){at}; complete them, drop the columns, or leave out --strict"
    )


def _assemble_sparse(raw: RawTable) -> tuple[FeatureMatrix, list[str], ReadingPlan]:
    selection = raw.selection
    names = tuple(selection.names[at] for at in selection.features)
    check_numbers(raw.matrix, names, raw.where)
    if np.isnan(raw.matrix.data).any():
        row = int(raw.matrix.tocoo().row[np.flatnonzero(np.isnan(raw.matrix.data))[0]])
        raise DataError(f"entries must be numbers, but {raw.where(row)} has NaN; leave such entries out")
    features = FeatureMatrix(raw.matrix, names, (False,) * len(names))
    columns = tuple(ColumnPlan(name, "number") for name in names)
    target_name = selection.names[selection.target]
    return features, [], ReadingPlan(columns, target_name, selection.dropped, None, raw.first_index)


def _refuse_columns(raw: RawTable) -> None:
    """Refuse all dates, texts and identifiers in one sentence with the options to paste."""
    dates = [column for column in raw.columns if column.kind == "date"]
    texts = [column for column in raw.columns if column.kind == "identifier"]
    if not dates and not texts:
        return
    parts = []
    if dates:
        parts.append(f"{listed(column.name for column in dates)} {_has(dates)} dates")
    if texts:
        words = joined([f"{shown(column.name)} ({_variety(column)})" for column in texts])
        parts.append(f"{words} {_has(texts)} free text or identifiers")
    drop = " ".join(f"--drop {_quoted(raw, column)}" for column in raw.columns if column in dates or column in texts)
    advice = f"leave {_it([*dates, *texts])} out with {drop}"
    if texts:
        keep = " ".join(f"--text {_quoted(raw, column)}" for column in texts)
        advice += f", or read {listed(column.name for column in texts)} as words with {keep}"
        advice += f" and leave out only {listed(column.name for column in dates)}" if dates else ""
    raise DataError(f"features must be numbers or categories, but {' and '.join(parts)}; {advice}")


def _it(columns: list[Column]) -> str:
    return "it" if len(columns) == 1 else "them"


def _has(columns: list[Column]) -> str:
    return "holds" if len(columns) == 1 else "hold"


def _variety(column: Column) -> str:
    return f"{column.distinct:,} different values in {count(column.filled, 'filled row')}"


def _quoted(raw: RawTable, column: Column) -> str:
    option = raw.selection.option(column.position)
    return shlex.quote(option) if option.isprintable() else str(column.position)


def _column_notes(columns: list[Column]) -> list[str]:
    notes = []
    words = [f"{shown(column.name)} ({len(column.levels)})" for column in columns if column.kind == "category"]
    if words:
        shown_words = joined(words if len(words) <= 12 else [*words[:12], f"{len(words) - 12} more"])
        notes.append(f"columns of words are used as categories (number of levels): {shown_words}")
    lossy = [column.name for column in columns if column.loses_integers]
    if lossy:
        notes.append(integers_note(lossy))
    notes += [_unknown_note(column) for column in columns if column.unknown]
    return notes


def _unknown_note(column: Column) -> str:
    n = column.unknown.total()
    hold, they = ("holds a level", "it counts") if n == 1 else ("hold levels", "they count")
    return (
        f"{count(n, 'cell')} of {shown(column.name)} {hold} that the training file does not have "
        f"({listed(level for level, _ in column.unknown.most_common(5))}); {they} as no known level"
    )


def _feature_matrix(columns: list[Column], values: NDArray[np.float64]) -> FeatureMatrix:
    levels = {at: column.levels for at, column in enumerate(columns) if column.kind == "category"}
    names = tuple(column.name for column in columns)
    return FeatureMatrix(values, names, tuple(at in levels for at in range(len(columns))), levels)


def _suspicions(columns: list[Column], values: NDArray[np.float64], target: NDArray[np.object_]) -> list[str]:
    """Return notes about columns that number the rows, or repeat the target."""
    notes = []
    classes, codes = np.unique(target.astype(str), return_inverse=True)
    for at, column in enumerate(columns):
        cells = values[:, at]
        if column.kind == "number" and len(cells) > 10 and (np.diff(cells) == 1).all():
            notes.append(
                f"{shown(column.name)} only numbers the rows; drop it, since it can betray how they are sorted"
            )
        elif _repeats_target(cells, codes, len(classes)):
            notes.append(
                f"{shown(column.name)} has exactly one value for each class: it may be the target under another name "
                "(a leak); drop it if it is not known when a class is predicted"
            )
    return notes


def _repeats_target(cells: NDArray[np.float64], codes: NDArray[np.intp], n_classes: int) -> bool:
    # A glance at a few rows spares the sort of nearly every column.
    if len(cells) < 2 * n_classes or len(np.unique(cells[:1000])) > n_classes:
        return False
    values, places = np.unique(cells, return_inverse=True)
    if len(values) != n_classes:
        return False
    pairs = np.unique(places.astype(np.int64) * n_classes + codes)
    return len(pairs) == n_classes
