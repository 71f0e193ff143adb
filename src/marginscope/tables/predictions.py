"""A file of predictions: one label a row, or one probability a class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import DataError, ModelError
from marginscope.tables.cells import CellKind, CellReader
from marginscope.tables.contents import format_of_text, format_of_whole
from marginscope.tables.labels import labels_as_text
from marginscope.tables.options import ReaderOptions
from marginscope.tables.selection import check_distinct
from marginscope.tables.source import Source
from marginscope.tables.wording import count, joined, listed, shown

__all__ = ["check_probabilities", "read_predictions"]

_TOLERANCE = 1e-6
# Sums that rounding to a few digits explains.
_ROUNDED = 1e-2

Predictions = tuple[NDArray[np.object_] | None, NDArray[np.float64] | None, tuple[str, ...]]
# What the rows are called in a message, from the first.
Places = Sequence[str]


def read_predictions(
    path: str | os.PathLike[str],
    labels: Sequence[str],
    n_rows: int,
    *,
    header: bool = True,
    delimiter: str | None = None,
    decimal: str | None = None,
    encoding: str = "utf-8",
    max_bytes: int | None = None,
    allow_stream: bool = False,
    **unused: Any,
) -> Predictions:
    """Read predicted labels, class probabilities, or both, of ``n_rows`` rows.

    A column that is named as a class holds its probabilities; at most one other
    column holds predicted labels. A file of labels alone may begin with a header
    or not: the number of rows tells. An NPZ file has the arrays ``proba`` (one
    column a class, in the order of ``labels``), ``y_pred``, or both.

    Parameters
    ----------
    path : path
    labels : sequence of str
        The classes, in the order wanted for the columns of the probabilities.
    n_rows : int
        Rows of the data that were predicted.
    header, delimiter, decimal, encoding, max_bytes, allow_stream
        As for ``read_table``; its other options have no meaning here.

    Returns
    -------
    predicted : ndarray of shape (n_rows,) of str, or None
    probabilities : ndarray of shape (n_rows, n_classes), or None
    notes : tuple of str

    Raises
    ------
    DataError
        If the rows or columns are not those of the data.
    ModelError
        If probabilities are not between 0 and 1, or do not sum to 1 within 1e-2. Sums
        that differ by more than 1e-6 are taken for rounded digits, and divided out.
    """
    del unused
    labels = [str(label) for label in labels]
    options = ReaderOptions.checked(
        header=header,
        delimiter=delimiter,
        decimal=decimal,
        encoding=encoding,
        max_bytes=max_bytes,
        allow_stream=allow_stream,
    )
    with Source(path, max_bytes=max_bytes, allow_stream=allow_stream) as source:
        whole = format_of_whole(source)
        if whole == "npz":
            found, places = _from_npz(source, labels, n_rows), _rows(n_rows)
        elif whole == "parquet":
            found, places = _from_parquet(source, labels, n_rows), _rows(n_rows)
        else:
            found, places = _from_text(source, labels, n_rows, options)
        source.close_reading()
    predicted, probabilities, notes = found
    if probabilities is not None:
        probabilities, more = check_probabilities(probabilities, source.name, places)
        notes = (*notes, *more)
    if predicted is not None:
        notes = (*notes, *_strangers(predicted, labels))
    return predicted, probabilities, notes


def check_probabilities(
    values: NDArray[np.float64], name: str, places: Places
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return class probabilities whose rows sum to 1, and notes; or say why they are none.

    Raises
    ------
    ModelError
        For logits, and rows whose sum differs from 1 by more than 1e-2.
    """
    if not np.isfinite(values).all():
        row, column = (int(at[0]) for at in np.nonzero(~np.isfinite(values)))
        raise ModelError(
            f"finite probabilities are needed, but {places[row]}, class column {column + 1} of {name} is "
            f"{values[row, column]}; predict again"
        )
    sums = values.sum(axis=1)
    worst = int(np.argmax(np.abs(sums - 1)))
    if (np.abs(sums - 100) < 0.5).all() and (values >= 0).all():
        raise ModelError(f"probabilities between 0 and 1 are needed, but those of {name} are per cent; divide by 100")
    if values.min() < -_TOLERANCE or values.max() > 1 + _TOLERANCE:
        row, column = (int(at) for at in np.unravel_index(np.argmax(np.abs(values - 0.5)), values.shape))
        raise ModelError(
            f"probabilities between 0 and 1 are needed, but {name} looks like logits (value {values[row, column]:g} in "
            f"{places[row]}); apply softmax to each row first"
        )
    off = abs(float(sums[worst]) - 1)
    if off > _ROUNDED:
        raise ModelError(
            f"the probabilities of a row must sum to 1 within {_ROUNDED:g}, but {places[worst]} of {name} sums to "
            f"{sums[worst]:.7g}; write all digits, and one column for every class"
        )
    if off <= _TOLERANCE:
        return values, ()
    return np.maximum(values, 0.0) / np.maximum(values, 0.0).sum(axis=1, keepdims=True), (
        f"the probabilities of {name} are rounded: rows sum to 1 within {off:.1g} only, and were divided by their sums",
    )


def _rows(n_rows: int) -> Places:
    return [f"row {row} (from 1)" for row in range(1, n_rows + 1)]


def _from_text(source: Source, labels: list[str], n_rows: int, options: ReaderOptions) -> tuple[Predictions, Places]:
    from marginscope.tables.delimited import read_rows

    stream = source.stream()
    kind = format_of_text(source, stream)
    if kind != "delimited":
        raise DataError(f"predictions are delimited text, Parquet or NPZ, but {source.name} is {kind}; convert it")
    rows, lines, notes = read_rows(source, stream, options)
    places = [f"line {line}" for line in lines]
    if len(rows[0]) == 1:
        cells = [row[0] for row in rows]
        return _one_column(cells, places, labels, n_rows, options.header, source.name, notes), places
    names = [name.strip() for name in rows[0]]
    if not options.header or not set(names) & set(labels):
        raise DataError(
            f"{source.name} has {count(len(names), 'column')}, so it needs a header that names the class of each "
            f"({listed(labels)}). Got {listed(names)}; write the class labels in the first line"
        )
    _check_rows(len(rows) - 1, n_rows, source.name)
    columns = [list(column) for column in zip(*rows[1:], strict=True)]
    return _by_name(names, columns, labels, source.name, places[1:], notes, options.decimal), places[1:]


def _one_column(
    cells: list[str], places: Places, labels: list[str], n_rows: int, header: bool, name: str, notes: list[str]
) -> Predictions:
    """Take the first line as a header only where the number of rows says so."""
    if header and len(cells) == n_rows + 1:
        notes = [*notes, f"the first line of {name} ({shown(cells[0])}) is a header"]
        cells, places = cells[1:], places[1:]
    # Where the number of rows is wrong either way, a first line that is no class is no prediction.
    is_head = header and len(cells) > 1 and cells[0].strip() not in labels
    _check_rows(len(cells) - (is_head and len(cells) != n_rows), n_rows, name)
    if not set(cells) & set(labels) and {cell.strip() for cell in cells} & set(labels):
        cells = [cell.strip() for cell in cells]
    _check_labels(cells, name, places)
    return np.array(cells, dtype=object), None, tuple(notes)


def _by_name(
    names: list[str],
    columns: list[Any],
    labels: list[str],
    name: str,
    places: Places,
    notes: list[str],
    decimal: str | None = None,
) -> Predictions:
    check_distinct(names, name)
    missing = [label for label in labels if label not in names]
    others = [one for one in names if one not in labels]
    if missing or len(others) > 1:
        parts = [f"no column for {listed(missing)}"] if missing else []
        parts += [f"columns that are no class: {listed(others)}"] if others else []
        raise DataError(
            f"one probability column for each class ({listed(labels)}) is needed, but {name} has {joined(parts)}; "
            "name the columns as the classes, and leave out everything else but one column of predicted labels"
        )
    place = {one: at for at, one in enumerate(names)}
    values = np.column_stack([_numbers(columns[place[label]], label, name, places, decimal) for label in labels])
    if [one for one in names if one in labels] != labels:
        notes = [*notes, f"the columns of {name} were put in the order of the classes"]
    predicted = None
    if others:
        cells = [str(cell) for cell in columns[place[others[0]]]]
        _check_labels(cells, name, places)
        predicted = np.array(cells, dtype=object)
        notes = [*notes, f"column {shown(others[0])} of {name} holds the predicted labels"]
    return predicted, values, tuple(notes)


def _numbers(cells: list[Any], label: str, name: str, places: Places, decimal: str | None) -> NDArray[np.float64]:
    reader = CellReader(())
    values = np.empty(len(cells))
    for row, cell in enumerate(cells):
        kind, values[row] = reader.classify(str(cell))
        if kind == CellKind.OTHER and str(cell).strip().lower() == "nan":
            continue
        readable = (CellKind.INTEGER, CellKind.POINT, CellKind.INFINITE, *[CellKind.COMMA] * (decimal != "."))
        if kind not in readable:
            raise DataError(
                f"probabilities are numbers, but column {shown(label)} of {name} has {shown(cell)} on {places[row]}; "
                "correct it"
            )
    return values


def _from_npz(source: Source, labels: list[str], n_rows: int) -> Predictions:
    from marginscope.tables.npz import load_arrays

    arrays = load_arrays(source)
    probabilities, predicted = arrays.get("proba"), arrays.get("y_pred")
    if probabilities is None and predicted is None:
        raise DataError(
            f"an array proba or y_pred is needed, but {source.name} has {listed(arrays)}; save it under that name"
        )
    if probabilities is not None and probabilities.shape != (n_rows, len(labels)):
        raise DataError(
            f"proba must have one row for each of the data's and one column for each class, {(n_rows, len(labels))}, "
            f"but in {source.name} its shape is {probabilities.shape}; predict all classes of all rows"
        )
    cells = None
    if predicted is not None:
        found = labels_as_text(predicted, "y_pred")
        _check_rows(len(found), n_rows, source.name)
        _check_labels(found, source.name, _rows(n_rows))
        cells = np.array(found, dtype=object)
    values = None
    if probabilities is not None:
        if probabilities.dtype.kind not in "fiub":
            raise ModelError(f"proba must hold numbers, but in {source.name} it is {probabilities.dtype}; convert it")
        values = probabilities.astype(np.float64)
    return (
        cells,
        values,
        (f"the columns of proba are taken as the classes {listed(labels)}",) if values is not None else (),
    )


def _from_parquet(source: Source, labels: list[str], n_rows: int) -> Predictions:
    from marginscope.tables.parquet import load_columns

    columns = load_columns(source)
    names = list(columns)
    cells = [list(map(_text, columns[one])) for one in names]
    _check_rows(len(cells[0]) if cells else 0, n_rows, source.name)
    if len(names) == 1:
        _check_labels(cells[0], source.name, _rows(n_rows))
        return np.array(cells[0], dtype=object), None, ()
    return _by_name(names, cells, labels, source.name, _rows(n_rows), [])


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _check_rows(found: int, n_rows: int, name: str) -> None:
    if found != n_rows:
        raise DataError(
            f"one prediction for each of the {count(n_rows, 'row')} of the data is needed, but {name} has {found:,}; "
            "predict the same rows in the same order"
        )


def _check_labels(cells: Sequence[str | None], name: str, places: Places) -> None:
    for row, cell in enumerate(cells):
        if cell is None or not cell.strip():
            raise DataError(f"a label is needed in every row, but {places[row]} of {name} is empty; predict it")


def _strangers(predicted: NDArray[np.object_], labels: list[str]) -> tuple[str, ...]:
    found = sorted(set(predicted) - set(labels))
    if not found:
        return ()
    if len(found) == len(set(predicted)):
        raise DataError(
            f"predictions must name the classes of the data ({listed(labels)}), but none does. Got {listed(found)}; "
            "write the labels as the target has them"
        )
    rows = int(np.isin(predicted.astype(str), found).sum())
    return (f"{count(rows, 'row')} {'is' if rows == 1 else 'are'} predicted as {listed(found)}, no class of the data",)
