"""Features that Python users hold: arrays, lists, sparse matrices and data frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from marginscope.exceptions import DataError, LabelTypeError
from marginscope.tables.assemble import fill_matrix
from marginscope.tables.cells import CellKind, CellReader
from marginscope.tables.column import Column
from marginscope.tables.column_builder import ColumnBuilder
from marginscope.tables.feature_matrix import FeatureMatrix
from marginscope.tables.flat_rows import array_of_tensor, flat_rows, is_tensor
from marginscope.tables.frame_texts import features_beside_texts, features_like, is_text
from marginscope.tables.nulls import is_null
from marginscope.tables.numbers import as_float64, check_numbers, check_shape, lossy_columns
from marginscope.tables.raw_texts import features_of_texts, texts_of
from marginscope.tables.selection import check_distinct
from marginscope.tables.wording import joined, listed, shown

__all__ = ["features_from"]


def features_from(X: Any, *, names: Sequence[str] | None = None, like: FeatureMatrix | None = None) -> FeatureMatrix:
    """Return the features of an array, list of lists, sparse matrix or frame.

    Rows are matched by position, whatever index a frame carries, and the
    original is never changed. NaN and null are missing values. Columns of words
    become categories.

    Parameters
    ----------
    X : array_like, scipy sparse, pandas, Polars or PyArrow frame, tensor
        Of shape (n_samples, n_features). Numbers of shape (n_samples, ...), such as images,
        are flattened, with a note. One string a row, or a column of texts, becomes tf-idf features.
    names : sequence of str, optional
        In place of the frame's own names, or of ``x0``, ``x1``, ...
    like : FeatureMatrix, optional
        Features of the training rows, whose vocabulary, levels and scales are taken where X holds texts.

    Returns
    -------
    FeatureMatrix

    Raises
    ------
    DataError
        For infinity, values whose squares overflow, numbers written as text, no rows.
    LabelTypeError
        For complex numbers, dates, bytes and nested values; also a TypeError.
    """
    if sp.issparse(X):
        return _from_sparse(X, names)
    texts = texts_of(X)
    if texts is not None:
        return features_of_texts(texts, like)
    if is_tensor(X):
        X = array_of_tensor(X)
    if isinstance(X, np.ndarray):
        X, notes = flat_rows(X)
        features = _from_array(X, names, like)
        return replace(features, notes=(*notes, *features.notes), is_flattened=True) if notes else features
    frame = _as_frame(X)
    if frame is not None:
        return _from_frame(frame, names, like)
    return _from_array(_from_lists(X), names, like)


def _from_sparse(X: Any, names: Sequence[str] | None) -> FeatureMatrix:
    check_shape(X.shape)
    if X.dtype.kind not in "biuf":
        as_float64(X.data[:0] if hasattr(X, "data") else np.empty(0, X.dtype), "the sparse matrix")
    # A copy, since duplicate entries are summed in place.
    values = sp.csr_array(X.tocsr(), dtype=np.float64, copy=True)
    values.sum_duplicates()
    column_names = _names(names, X.shape[1])
    check_numbers(values, column_names, _row)
    return FeatureMatrix(values, column_names, (False,) * len(column_names))


def _from_array(X: NDArray[Any], names: Sequence[str] | None, like: FeatureMatrix | None = None) -> FeatureMatrix:
    check_shape(X.shape)
    column_names = _names(names, X.shape[1])
    if X.dtype.kind not in "OU":
        values = as_float64(X, "X")
        check_numbers(values, column_names, _row)
        return FeatureMatrix(values, column_names, (False,) * X.shape[1], {}, lossy_columns(X, column_names))
    if like is not None and like.made_of:
        place = {name: at for at, name in enumerate(column_names)}
        return features_like(like, column_names, lambda name: X[:, place[name]].tolist())
    columns = [_column_of_objects(X[:, at].tolist(), name, at) for at, name in enumerate(column_names)]
    return _from_columns(columns, len(X), [])


def _from_lists(X: Any) -> NDArray[Any]:
    if not isinstance(X, (list, tuple)):
        try:
            return np.asarray(X)
        except (TypeError, ValueError) as error:
            raise LabelTypeError(
                f"X must be an array or a frame. Got {type(X).__name__}, {error}; convert it"
            ) from error
    rows = [list(row) if isinstance(row, (list, tuple, np.ndarray)) else row for row in X]
    widths = {len(row) if isinstance(row, list) else -1 for row in rows}
    if len(widths) > 1:
        raise DataError(f"every row of X must be of one length. Got lengths {sorted(widths)}; make it rectangular")
    if widths == {-1} or not rows:
        return np.asarray(rows)
    array = np.empty((len(rows), widths.pop()), dtype=object)
    for at, row in enumerate(rows):
        array[at] = row
    kinds = {type(value) for row in rows for value in row}
    return array.astype(np.float64) if kinds and kinds <= {int, float, bool} and _fits(rows) else array


def _fits(rows: list[Any]) -> bool:
    return all(abs(value) <= 2**53 for row in rows for value in row if isinstance(value, int))


def _as_frame(X: Any) -> Any:
    """Return ``X`` as a narwhals frame, or None where it is no frame."""
    import narwhals.stable.v1 as nw
    from narwhals.exceptions import DuplicateError

    if type(X).__module__.partition(".")[0] == "pandas" and hasattr(X, "columns"):
        own = list(X.columns)
        _check_pandas_names(own)
        if not all(isinstance(name, str) for name in own):
            X = X.set_axis([str(name) for name in own], axis=1)
    try:
        frame = nw.from_native(X, eager_only=True, allow_series=True, pass_through=True)
        if isinstance(frame, nw.Series):
            check_shape((len(frame),))
        if hasattr(frame, "collect_schema") and not hasattr(frame, "shape"):
            raise TypeError("a lazy frame has no rows yet")
        if isinstance(frame, nw.DataFrame):
            check_distinct(list(frame.columns), "the frame")
            return frame
    except DuplicateError:
        twice = [name for name, times in Counter(_native_names(X)).items() if times > 1]
        check_distinct(twice * 2 or ["?", "?"], "the frame")
    except TypeError as error:
        raise LabelTypeError(f"an eager frame is needed. Got {type(X).__name__} ({error}); collect it first") from error
    return None


def _native_names(X: Any) -> list[str]:
    return list(getattr(X, "column_names", None) or X.columns)


def _check_pandas_names(native: list[Any]) -> None:
    kinds = Counter(type(name).__name__ for name in native)
    if len(kinds) > 1 and "str" in kinds:
        found = joined([f"{number} {kind}" for kind, number in kinds.most_common()])
        raise LabelTypeError(f"column names must be all strings, but the frame has {found}; rename the columns")
    check_distinct([str(name) for name in native], "the frame")


def _from_frame(frame: Any, names: Sequence[str] | None, like: FeatureMatrix | None = None) -> FeatureMatrix:
    check_shape(frame.shape)
    column_names = _names(names if names is not None else list(frame.columns), frame.shape[1])
    if like is not None and like.made_of:
        own_name = dict(zip(column_names, frame.columns, strict=True))
        return features_like(like, column_names, lambda name: list(frame[own_name[name]].to_list()))
    notes: list[str] = []
    columns = [
        _column_of_series(frame[own], name, at, notes)
        for at, (own, name) in enumerate(zip(frame.columns, column_names, strict=True))
    ]
    return _from_columns(columns, frame.shape[0], notes)


def _column_of_series(series: Any, name: str, position: int, notes: list[str]) -> Column:
    import narwhals.stable.v1 as nw

    kind = series.dtype
    if kind.is_temporal():
        raise LabelTypeError(
            f"features must be numbers or categories, but column {shown(name)} holds dates ({kind}); "
            "turn them into numbers (days since a start) or leave the column out"
        )
    if kind in (nw.Categorical, nw.Enum):
        cells = [None if is_null(value) else str(value) for value in series.to_list()]
        return _typed(cells, name, position, is_words=True)
    if kind in (nw.String, nw.Object):
        return _column_of_objects(series.to_list(), name, position)
    if kind.is_integer() and series.null_count() == 0:
        notes += lossy_columns(series.to_numpy()[:, None], [name])
    if kind.is_numeric() or kind == nw.Boolean:
        values = np.array([np.nan if is_null(one) else one for one in series.to_list()], dtype=np.float64)
        return _numeric(values, name, position)
    native = series.to_numpy()
    return _numeric(as_float64(native, f"column {shown(name)}"), name, position)


def _column_of_objects(values: list[Any], name: str, position: int) -> Column:
    """Type a column of Python objects: all numbers, or all words."""
    kinds = Counter(_kind_of(value) for value in values if not is_null(value))
    if not kinds or set(kinds) <= {"number"}:
        numbers = np.array([np.nan if is_null(value) else float(value) for value in values])
        return _numeric(numbers, name, position)
    if len(kinds) > 1 or "word" not in kinds:
        found = joined([f"{number:,} {kind}" for kind, number in kinds.most_common()])
        raise LabelTypeError(
            f"a column must hold numbers only or words only, but column {shown(name)} has {found}; convert it"
        )
    cells = [None if is_null(value) else str(value) for value in values]
    _refuse_written_numbers(cells, name)
    column = _typed(cells, name, position)
    if column.kind == "identifier" and is_text(cells):
        return Column(name, position, "text", texts=[cell or "" for cell in cells])
    return column


def _refuse_written_numbers(cells: list[str | None], name: str) -> None:
    reader = CellReader(())
    seen = Counter(cells)
    numbers = [cell for cell in seen if cell is not None and reader.classify(cell)[0] != CellKind.OTHER]
    if 2 * sum(seen[cell] for cell in numbers) > sum(seen.values()) - seen[None]:
        row = next(at for at, cell in enumerate(cells) if cell in set(numbers))
        raise DataError(
            f"numbers must be of a numeric type, but column {shown(name)} holds them as text, first "
            f"{shown(cells[row])} in row {row}; convert the column (pandas.to_numeric), or make it categorical"
        )


def _kind_of(value: Any) -> str:
    if isinstance(value, str):
        return "word"
    if isinstance(value, (bool, int, float, np.number, np.bool_)) and not isinstance(value, np.complexfloating):
        return "number"
    return type(value).__name__


def _numeric(values: NDArray[np.float64], name: str, position: int) -> Column:
    check_numbers(values[:, None], [name], _row)
    return Column(name, position, "number", [values], filled=int((~np.isnan(values)).sum()))


def _typed(cells: list[str | None], name: str, position: int, *, is_words: bool = False) -> Column:
    builder = ColumnBuilder(name, position, CellReader(()), is_words=is_words, null_name="null")
    builder.add(cells)
    return builder.finish(".", _row)


def _from_columns(columns: list[Column], n_rows: int, notes: list[str]) -> FeatureMatrix:
    refused = [column.name for column in columns if column.kind in ("date", "identifier")]
    if refused:
        raise DataError(
            f"features must be numbers or categories, but {listed(refused)} "
            f"{'holds' if len(refused) == 1 else 'hold'} dates, names or identifiers (a word or two a cell); "
            f"leave {'it' if len(refused) == 1 else 'them'} out with X.drop(columns={refused!r})"
        )
    if any(column.kind == "text" for column in columns):
        features = features_beside_texts(columns, n_rows)
        return replace(features, notes=(*notes, *features.notes))
    levels = {at: column.levels for at, column in enumerate(columns) if column.kind == "category"}
    names = tuple(column.name for column in columns)
    values = fill_matrix(columns, n_rows)
    return FeatureMatrix(values, names, tuple(at in levels for at in range(len(columns))), levels, tuple(notes))


def _names(names: Sequence[str] | None, n_features: int) -> tuple[str, ...]:
    if names is None:
        return tuple(f"x{at}" for at in range(n_features))
    if len(names) != n_features:
        raise DataError(f"one name a feature is needed: {n_features}. Got {len(names)} names; give one for each column")
    check_distinct(list(names), "names")
    return tuple(names)


def _row(row: int) -> str:
    return f"row {row}"
