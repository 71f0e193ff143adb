"""What a network is trained on: rows of any shape, class numbers, weights, rows held back."""

from __future__ import annotations

import numbers
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marginscope._validation import check_consistent_length, check_features, check_labels
from marginscope.estimators.training_rows import row_weights
from marginscope.exceptions import DataError, LabelTypeError, UsageError
from marginscope.limits.question import class_weights

__all__ = ["NetworkRows", "as_array", "check_number", "held_back", "network_rows", "rows_of_any_shape"]

Floats = NDArray[np.float64]


class NetworkRows(NamedTuple):
    """The rows with a weight above zero.

    ``X`` (n, ...), ``codes`` (n,), ``classes`` (n_classes,), and ``weights`` (n,) with a
    mean of 1, or None where all are equal.
    """

    X: NDArray[Any]
    codes: NDArray[np.int64]
    classes: NDArray[Any]
    weights: Floats | None


def rows_of_any_shape(X: Any) -> NDArray[Any]:
    """Return checked rows of an array, tensor or frame of shape (n_samples, ...).

    Raises
    ------
    DataError, LabelTypeError
        If they are not real finite numbers, or there are no rows.
    """
    if hasattr(X, "tocsr"):
        raise DataError(
            "dense rows are needed for a network, but X is a sparse matrix; convert it with X.toarray(), or reduce it "
            "first, for example with TruncatedSVD"
        )
    # a tensor that knows its gradient, or lies on a device, does not become an array by itself
    X = X.detach().cpu() if hasattr(X, "detach") else X
    if hasattr(X, "columns") or hasattr(X, "column_names"):
        return np.asarray(check_features(X))
    values = as_array(X)
    if values.ndim <= 2:
        return np.asarray(check_features(X))
    if values.dtype.kind not in "biuf":
        raise LabelTypeError(f"numbers are needed for a network, but X is {values.dtype}; convert it")
    if values.size == 0:
        raise DataError(f"rows are needed, but X has the shape {values.shape}; add rows")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise DataError("finite numbers are needed for a network, but X has NaN or infinity; replace them")
    return values


def as_array(X: Any) -> NDArray[Any]:
    """Return nested sequences as an array; raise ``DataError`` if their lengths differ."""
    try:
        return np.asarray(X)
    except ValueError as error:
        raise DataError(f"equally long rows are needed, but X has others ({error}); pad or cut them") from error


def network_rows(X: NDArray[Any], y: Any, sample_weight: Any, class_weight: Any) -> NetworkRows:
    """Return class numbers and weights of rows.

    Raises
    ------
    DataError, UsageError
        If labels or weights cannot be meant, or there are fewer than two classes.
    """
    labels = check_labels(y, min_classes=1)
    weights = row_weights(sample_weight, check_consistent_length(X, labels.codes))
    codes, classes = labels.codes, labels.labels
    if weights is not None and not weights.all():
        kept = np.flatnonzero(weights)
        X, weights = X[kept], weights[kept]
        present, codes = np.unique(codes[kept], return_inverse=True)
        classes = classes[present]
    if len(classes) < 2:
        raise DataError(
            f"rows of at least 2 classes are needed, but every row is of the one class {classes.tolist()[0]!r}; "
            "add rows of another class"
        )
    by_class = class_weights(class_weight, classes, np.bincount(codes, weights=weights, minlength=len(classes)))
    if by_class is not None:
        weights = by_class[codes] * (1.0 if weights is None else weights)
    if weights is not None:
        weights = None if np.ptp(weights) == 0.0 else weights / weights.mean()
    return NetworkRows(X, codes.astype(np.int64), classes, weights)


def held_back(codes: NDArray[np.int64], fraction: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Mark a share of the rows of every class; a class of one row is only trained on."""
    held = np.zeros(codes.size, dtype=bool)
    for code in np.unique(codes):
        members = rng.permutation(np.flatnonzero(codes == code))
        held[members[: min(round(fraction * members.size), members.size - 1)]] = True
    if not held.any():
        held[rng.integers(codes.size)] = True
    return held


def check_number(name: str, value: Any, *, is_whole: bool, least: float) -> None:
    """Raise UsageError unless a parameter is a finite number of at least ``least``."""
    kind = numbers.Integral if is_whole else numbers.Real
    if isinstance(value, bool) or not isinstance(value, kind) or not least <= float(value) < np.inf:
        word = "whole number" if is_whole else "number"
        raise UsageError(
            f"a {word} of {least:g} or more is needed as {name}, but got {value!r:.40}; give for example {name}=1"
        )
