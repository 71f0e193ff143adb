"""Class labels of any kind, encoded once at the boundary."""

from __future__ import annotations

import numbers
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import DataError, DataQualityWarning, LabelTypeError

__all__ = ["EncodedLabels", "check_labels", "label_codes"]

_SHOWN = 5


@dataclass(frozen=True)
class EncodedLabels:
    """Sorted distinct labels, the code 0..K-1 of every row, and remarks for a report."""

    labels: NDArray[Any]
    codes: NDArray[np.int64]
    notes: tuple[str, ...] = ()

    @property
    def n_classes(self) -> int:
        """Number of distinct labels."""
        return int(self.labels.size)

    @property
    def names(self) -> tuple[str, ...]:
        """Labels as strings."""
        return tuple(str(label) for label in self.labels.tolist())

    @property
    def counts(self) -> NDArray[np.int64]:
        """Rows per class."""
        return np.bincount(self.codes, minlength=self.n_classes)


def check_labels(y: Any, *, min_classes: int = 2) -> EncodedLabels:
    """Encode class labels of any kind as 0..K-1.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, 1)
        Strings, booleans, integers or whole floats; pandas, Polars and Arrow too.
    min_classes : int
        Fewest distinct labels that are accepted.

    Returns
    -------
    EncodedLabels
        ``labels`` are sorted as NumPy sorts them and keep their type.

    Raises
    ------
    DataError
        If labels are missing, continuous or infinite, or there are too few classes.
    LabelTypeError
        If labels are of mixed types or of a type that has no meaning as a class.
    """
    values = _as_column(y)
    if values.size == 0:
        raise DataError("labels for at least 1 row are needed, but y has 0 sample(s); add labelled rows")
    notes = _unused_categories(y)
    values = _plain_labels(values)
    if values.dtype.kind == "O":
        table = sorted(set(values.tolist()))
        labels = _object_array(table)
        place = {label: code for code, label in enumerate(table)}
        codes = np.fromiter((place[value] for value in values.tolist()), dtype=np.int64, count=values.size)
        labels = _narrow(labels, y)
    else:
        labels, codes = np.unique(values, return_inverse=True)
        codes = codes.astype(np.int64, copy=False).ravel()
    if labels.size < min_classes:
        raise DataError(
            f"labels of at least {min_classes} classes are needed, but every row has the one class "
            f"{labels.tolist()[0]!r}; add rows of another class"
        )
    if values.size > 20 and 2 * labels.size > values.size:
        note = f"more than half of the rows are distinct classes: {labels.size} classes in {values.size} rows"
        warnings.warn(f"{note}; is the target an identifier or a number?", DataQualityWarning, stacklevel=2)
        notes += (note,)
    return EncodedLabels(labels, codes, notes)


def label_codes(values: Any, labels: NDArray[Any]) -> NDArray[np.int64]:
    """Return the place of every value in ``labels``, -1 where it is none of them."""
    place = {label: code for code, label in enumerate(labels.tolist())}
    found = (place.get(value, -1) for value in np.asarray(values).tolist())
    return np.fromiter(found, dtype=np.int64)


def _as_column(y: Any) -> NDArray[Any]:
    """Return y as a 1-D array of its own type, objects where it is a list."""
    if y is None:
        raise DataError("y should be a 1d array: this requires y to be passed, but the target y is None; pass labels")
    if hasattr(y, "tocsr"):
        raise LabelTypeError("y should be a 1d array, but got a sparse matrix; pass one label per row as a dense array")
    if isinstance(y, list | tuple) and not any(isinstance(value, list | tuple | np.ndarray) for value in y):
        # An array of Python objects: NumPy would turn [1, "a"] into two strings without a word.
        return _object_array(y)
    if isinstance(y, np.ma.MaskedArray) and np.ma.getmaskarray(y).any():
        _refuse_missing({"masked": np.flatnonzero(np.ma.getmaskarray(y).ravel())}, y.size, Counter())
    try:
        values = np.asarray(y)
    except ValueError as error:
        raise DataError(
            f"y should be a 1d array, but its rows have unequal lengths ({error}); pass flat labels"
        ) from error
    if values.ndim == 2 and values.shape[1] == 1:
        from sklearn.exceptions import DataConversionWarning

        warnings.warn(
            "A column-vector y was passed when a 1d array was expected. Please change the shape of y to (n_samples,), "
            "for example using ravel().",
            DataConversionWarning,
            stacklevel=3,
        )
        return values.ravel()
    if values.ndim != 1:
        raise DataError(
            f"y should be a 1d array, got an array of shape {values.shape} instead; pass one label per row "
            "(for one-hot rows: y.argmax(axis=1))"
        )
    return values


def _unused_categories(y: Any) -> tuple[str, ...]:
    """Return a note on categories of a categorical target that no row has."""
    categories = getattr(getattr(y, "dtype", None), "categories", None)
    if categories is None or not hasattr(categories, "__len__"):
        return ()
    present = set(np.asarray(y).tolist())
    unused = [category for category in list(categories) if category not in present]
    if not unused:
        return ()
    shown = ", ".join(repr(one) for one in unused[:_SHOWN]) + (", ..." if len(unused) > _SHOWN else "")
    return (f"{len(unused)} categories of the target have no rows and are left out: {shown}",)


def _plain_labels(values: NDArray[Any]) -> NDArray[Any]:
    """Return labels of one clean kind; refuse missing, continuous, mixed and meaningless ones."""
    kind = values.dtype.kind
    if kind in "OT":
        values = _plain_objects(values.astype(object))
        kind = values.dtype.kind
    if kind in "biuUO":
        return values
    if kind == "S":
        raise LabelTypeError(
            "labels of type str, bool or int are needed: labels represented as bytes is not supported; "
            "decode them, for example y.astype(str)"
        )
    if kind == "f":
        _refuse_missing({"NaN": np.flatnonzero(np.isnan(values))}, values.size, Counter())
        if np.isinf(values).any():
            raise DataError(
                f"finite labels are needed, but y contains infinity in {np.isinf(values).sum()} rows; replace them"
            )
        broken = np.flatnonzero(values != np.floor(values))
        if broken.size:
            raise DataError(
                f"Unknown label type: continuous. Class labels are needed, but {broken.size} of {values.size} rows "
                f"hold fractions such as {values[broken[0]]!s}; cut the values into bins, or use a regression model"
            )
        return values
    if kind == "c":
        raise LabelTypeError(
            f"labels of type str, bool or int are needed, but y is {values.dtype}. Complex data not supported: "
            "take y.real"
        )
    if kind in "mM":
        _refuse_missing({"NaT": np.flatnonzero(np.isnat(values))}, values.size, Counter())
    raise LabelTypeError(
        f"Unknown label type: labels of type str, bool or int are needed, but y is {values.dtype}; "
        "convert it, for example y.astype(str)"
    )


def _plain_objects(values: NDArray[Any]) -> NDArray[Any]:
    """Return objects as strings, booleans, integers or floats, whichever they all are."""
    items = values.tolist()
    kinds = {kind: _kind_of(kind) for kind in set(map(type, items))}
    missing: dict[str, NDArray[np.int64]] = {}
    for kind, name in kinds.items():
        if name in ("None", "NA", "NaT"):
            missing[name] = np.array([i for i, value in enumerate(items) if type(value) is kind], dtype=np.int64)
        elif name == "float":
            rows = [i for i, value in enumerate(items) if type(value) is kind and value != value]
            if rows:
                missing["NaN"] = np.union1d(missing.get("NaN", []), rows).astype(np.int64)
    found = Counter(kinds[type(value)] for value in items)
    if "float" in found and (lost := missing.get("NaN")) is not None:
        found["float"] -= lost.size
    found = Counter({name: n for name, n in found.items() if n > 0 and name not in missing})
    _refuse_missing(missing, len(items), found)
    names = set(found)
    if len(names) > 1 and names != {"int", "float"}:
        listed = ", ".join(f"{name} ({n} rows)" for name, n in found.most_common())
        raise LabelTypeError(f"labels of one type are needed, but y mixes {listed}; convert them all, e.g. to str")
    if names == {"str"}:
        return values
    if names == {"bool"}:
        return values.astype(bool)
    if names == {"int"}:
        low, high = min(items), max(items)
        if low >= -(2**63) and high < 2**63:
            return values.astype(np.int64)
        return values.astype(np.uint64) if low >= 0 and high < 2**64 else _object_array([int(item) for item in items])
    if names in ({"float"}, {"int", "float"}):
        return values.astype(np.float64)
    if names == {"bytes"}:
        return values.astype("S")
    raise LabelTypeError(
        f"Unknown label type: labels of type str, bool or int are needed, but y holds {names.pop()} objects; "
        "convert them, for example with str()"
    )


def _kind_of(kind: type) -> str:
    """Return the word for a Python or NumPy scalar type."""
    for parent, name in (
        (bool, "bool"), (np.bool_, "bool"), (str, "str"), (bytes, "bytes"), (numbers.Integral, "int"),
        (np.floating, "float"), (float, "float"), (type(None), "None"),
    ):  # fmt: skip
        if issubclass(kind, parent):
            return name
    return {"NAType": "NA", "NaTType": "NaT"}.get(kind.__name__, kind.__name__)


def _refuse_missing(missing: Mapping[str, NDArray[np.int64]], n_rows: int, others: Mapping[str, int]) -> None:
    counts = {name: rows.size for name, rows in missing.items() if rows.size}
    if not counts:
        return
    rows = np.sort(np.concatenate([missing[name] for name in counts]))
    listed = ", ".join(f"{name} {n}" for name, n in counts.items())
    beside = "".join(f"; {name} {n}" for name, n in others.items())
    # None beside strings is a mixture of types as much as a gap; both kinds of handler shall catch it.
    kind = LabelTypeError if "None" in counts and others else DataError
    raise kind(
        f"a label in every row is needed, but {rows.size} of {n_rows} rows have none ({listed}{beside}), first at row "
        f"{', '.join(map(str, rows[:_SHOWN].tolist()))}; drop these rows or label them"
    )


def _object_array(items: Sequence[Any]) -> NDArray[Any]:
    """Return a 1-D object array, also where the items are sequences themselves."""
    values = np.empty(len(items), dtype=object)
    values[:] = items
    return values


def _narrow(labels: NDArray[Any], y: Any) -> NDArray[Any]:
    """Return string labels of a list as a string array, as NumPy would, unless one label is huge or would change."""
    if not isinstance(y, list | tuple) or not all(isinstance(label, str) for label in labels.tolist()):
        return labels
    if max(map(len, labels.tolist())) > 10_000:
        return labels
    narrow = labels.astype(str)
    return narrow if narrow.tolist() == labels.tolist() else labels
