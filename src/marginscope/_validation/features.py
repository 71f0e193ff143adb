"""Features as numbers that can be squared, or an error that names the cell."""

from __future__ import annotations

import math
import numbers
import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import DataError, DataQualityWarning, LabelTypeError

__all__ = ["check_features", "check_finite", "check_magnitude", "feature_names"]

LARGEST_VALUE = 1e100
SMALLEST_SCALE = 1e-100
_EXACT_INTEGER = 2**53
_SHOWN = 5


def feature_names(X: Any) -> tuple[str, ...] | None:
    """Return the column names of a data frame, ``None`` for arrays.

    Raises
    ------
    DataError
        If names repeat.
    LabelTypeError
        If strings and other types are mixed.
    """
    if hasattr(X, "collect_schema") and not hasattr(X, "shape"):
        raise LabelTypeError(
            f"an eager data frame is needed, but X is a {type(X).__name__}; call .collect() on it first"
        )
    columns = getattr(X, "column_names", None) or getattr(X, "columns", None)
    if columns is None or callable(columns):
        return None
    columns = list(columns)
    twice = [name for name, n in Counter(columns).items() if n > 1]
    if twice:
        raise DataError(
            f"distinct column names are needed, but these repeat: {', '.join(map(repr, twice[:_SHOWN]))}; rename them"
        )
    types = {type(name).__name__ for name in columns}
    if len(types) > 1 and "str" in types:
        raise LabelTypeError(
            "Feature names are only supported if all input features have string names, but your input has "
            f"{sorted(types)} as feature name / column name types; rename them, for example X.columns.astype(str)"
        )
    return tuple(str(name) for name in columns)


def check_features(X: Any, *, names: Sequence[str] | None = None, min_rows: int = 1) -> Any:
    """Return features as a float64 array or CSR matrix, finite and of a size that can be squared.

    Parameters
    ----------
    X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
        Never changed; the answer may share its memory and must not be written to.
    names : sequence of str, optional
        Column names for messages; default those of the frame.

    Returns
    -------
    ndarray or scipy.sparse.csr_array of float64
        Dense input in C order; sparse input with sorted indices and no duplicates.

    Raises
    ------
    DataError
        If X is empty, not finite, out of range, complex, or holds text.
    LabelTypeError
        If a column is a date or a category.
    """
    names = feature_names(X) if names is None else tuple(names)
    if hasattr(X, "tocsr"):
        values = _sparse_features(X)
    elif hasattr(X, "column_names") or hasattr(X, "columns"):
        values = _frame_features(X)
    else:
        values = _dense_features(X, names)
    n, d = values.shape
    if n < min_rows:
        raise DataError(
            f"Found array with {n} sample(s) (shape=({n}, {d})) while a minimum of {min_rows} is required; add rows"
        )
    if d < 1:
        raise DataError(
            f"Found array with 0 feature(s) (shape=({n}, 0)) while a minimum of 1 is required; add a column"
        )
    check_finite(values, names)
    check_magnitude(values, names)
    return values


def _dense_features(X: Any, names: Sequence[str] | None) -> NDArray[np.float64]:
    if isinstance(X, np.ma.MaskedArray):
        masked = np.argwhere(np.ma.getmaskarray(X))
        if masked.size:
            raise DataError(
                f"a value in every cell is needed, but X masks {_count(masked)}, {_cells(masked, names)}; fill them"
            )
    try:
        values = np.asarray(X)
    except ValueError as error:
        raise DataError(f"a table of equally long rows is needed, but X is none ({error}); check the rows") from error
    if values.ndim != 2:
        raise DataError(
            f"Expected 2D array, got {values.ndim}D array instead (shape={values.shape}). Reshape your data: "
            "reshape(-1, 1) makes one feature of it, reshape(1, -1) one row"
        )
    return _as_float(values, names)


def _as_float(values: NDArray[Any], names: Sequence[str] | None) -> NDArray[np.float64]:
    """Return a 2-D array as C-ordered float64; refuse what is no number."""
    kind = values.dtype.kind
    if kind == "c":
        raise DataError("real features are needed. Complex data not supported: split X into .real and .imag")
    if kind in "mM":
        raise LabelTypeError(
            f"numeric features are needed, but X is {values.dtype}; turn dates into numbers, "
            "such as days since the first"
        )
    if kind in "OUSTV":
        return _floats_of_objects(values, names)
    if kind in "iu" and values.itemsize == 8 and values.size:
        beyond = np.flatnonzero(
            ((values > _EXACT_INTEGER) | (values < -_EXACT_INTEGER if kind == "i" else False)).any(axis=0)
        )
        if beyond.size:
            warnings.warn(
                f"integers beyond 2**53 lose digits as float64, in {_columns(beyond, names)}; are these identifiers? "
                "Drop them, or divide them first",
                DataQualityWarning,
                stacklevel=4,
            )
    with np.errstate(over="ignore"):
        floats = np.ascontiguousarray(values, dtype=np.float64)
    if values.dtype.itemsize > 8 and (lost := np.argwhere(np.isinf(floats) & np.isfinite(values))).size:
        raise DataError(f"float64 features are needed, but values overflow it, {_cells(lost, names)}; rescale")
    return floats


def _floats_of_objects(values: NDArray[Any], names: Sequence[str] | None) -> NDArray[np.float64]:
    floats = np.empty(values.shape, dtype=np.float64)
    for (i, j), cell in np.ndenumerate(values):
        if isinstance(cell, numbers.Real | np.bool_):
            floats[i, j] = cell
        elif cell is None or type(cell).__name__ in ("NAType", "NaTType"):
            floats[i, j] = math.nan
        elif isinstance(cell, str | bytes):
            raise DataError(
                f"numbers are needed, but X holds the text {cell!r:.60} in row {i}, {_columns([j], names)}; "
                "convert the column to numbers or encode it"
            )
        else:
            raise LabelTypeError(
                f"each feature needs to be a number (a real argument must be a string or a number), but X "
                f"holds a {type(cell).__name__} in row {i}, {_columns([j], names)}; replace it"
            )
    return floats


def _sparse_features(X: Any) -> Any:
    from scipy import sparse

    if X.ndim != 2:
        raise DataError(f"Expected 2D array, got {X.ndim}D sparse array instead; reshape it")
    dtype = np.dtype(X.dtype)
    if dtype.kind not in "fiub":
        # The dense path words the refusal.
        _as_float(np.empty((0, X.shape[1]), dtype=dtype), None)
        raise LabelTypeError(f"numeric features are needed, but the sparse X is {dtype}; convert it")
    # From a copy: summing duplicates writes to the arrays it works on.
    canonical = sparse.csr_array(X, copy=True, dtype=np.float64)
    canonical.sum_duplicates()
    return canonical


def _frame_features(X: Any) -> NDArray[np.float64]:
    """Return a data frame's columns as float64, column by column so that each can be named."""
    import narwhals as nw

    try:
        frame = nw.from_native(X, eager_only=True)
    except TypeError as error:
        raise LabelTypeError(
            f"an array or a data frame is needed, but X is a {type(X).__name__}; convert it with .to_numpy()"
        ) from error
    floats = np.empty(frame.shape, dtype=np.float64, order="F")
    for j, column in enumerate(frame.iter_columns()):
        name = str(column.name)
        dtype = column.dtype
        if dtype in (nw.Categorical, nw.Enum):
            raise LabelTypeError(
                f"numeric features are needed, but column {name!r} is categorical; encode it with "
                "sklearn.preprocessing.OneHotEncoder"
            )
        if dtype.is_temporal():
            raise LabelTypeError(
                f"numeric features are needed, but column {name!r} is {dtype}; turn dates into numbers, such as days "
                "since the first"
            )
        if dtype.is_numeric() or dtype == nw.Boolean:
            values = column.to_numpy()
            if values.dtype.kind == "O":
                cells = (math.nan if gap else value for value, gap in zip(values, column.is_null(), strict=True))
                values = np.fromiter(cells, dtype=object, count=len(values))
        else:
            values = np.fromiter(column.to_list(), dtype=object, count=len(column))
        floats[:, j] = _as_float(values[:, None], [name])[:, 0]
    return np.ascontiguousarray(floats)


def check_finite(X: Any, names: Sequence[str] | None = None) -> None:
    """Refuse NaN and infinity, each with its count and first places.

    Raises
    ------
    DataError
        The text contains ``NaN`` or ``infinity``, whichever comes.
    """
    data = X.data if hasattr(X, "tocsr") else X
    # The sum is finite only if every value is; it costs no memory, and overflow only sends us the long way.
    with np.errstate(over="ignore", invalid="ignore"):
        if data.dtype.kind != "f" or np.isfinite(data.sum(dtype=np.float64)):
            return
    for name, test, cure in (("NaN", np.isnan, "impute or drop"), ("infinity", np.isinf, "replace or drop")):
        bad = test(data)
        if bad.any():
            cells = _sparse_cells(X, bad) if hasattr(X, "tocsr") else np.argwhere(bad)
            raise DataError(
                f"finite features are needed, but X contains {name} in {_count(cells)}, {_cells(cells, names)}; "
                f"{cure} these rows or columns"
            )


def check_magnitude(X: Any, names: Sequence[str] | None = None) -> None:
    """Refuse values whose squared norms overflow, and tables so small that they vanish.

    Raises
    ------
    DataError
        If a value is beyond 1e100, or all are below 1e-100 but not all zero.
    """
    data = X.data if hasattr(X, "tocsr") else X
    if data.size == 0:
        return
    largest = max(abs(float(data.max())), abs(float(data.min())))
    if largest > LARGEST_VALUE:
        at = np.abs(data) > LARGEST_VALUE
        cells = _sparse_cells(X, at) if hasattr(X, "tocsr") else np.argwhere(at)
        i, j = cells[0]
        raise DataError(
            f"features within {LARGEST_VALUE:g} are needed, but value {float(X[i, j]):g} in "
            f"{_columns([j], names)} (row {i}) makes squared norms overflow; rescale"
        )
    if 0.0 < largest < SMALLEST_SCALE:
        raise DataError(
            f"features of size {SMALLEST_SCALE:g} or more are needed, but the largest value is {largest:g}, and "
            "squared norms underflow to zero; rescale"
        )


def _sparse_cells(X: Any, stored: NDArray[np.bool_]) -> NDArray[np.int64]:
    row, column = X.tocoo().coords
    return np.column_stack([row[stored], column[stored]])


def _columns(places: Any, names: Sequence[str] | None) -> str:
    listed = [repr(names[j]) if names is not None else str(int(j)) for j in list(places)[:_SHOWN]]
    more = ", ..." if len(places) > _SHOWN else ""
    return f"column{'s' if len(places) > 1 else ''} {', '.join(listed)}{more}"


def _count(cells: NDArray[Any]) -> str:
    return f"{len(cells)} cell{'' if len(cells) == 1 else 's'}"


def _cells(cells: NDArray[Any], names: Sequence[str] | None) -> str:
    shown = (f"(row {i}, {_columns([j], names)})" for i, j in cells[:_SHOWN].tolist())
    return "first at " + ", ".join(shown)
