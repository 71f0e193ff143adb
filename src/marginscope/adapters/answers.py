"""Questions to a fitted model, each answer held against its contract."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope._validation import label_codes
from marginscope.adapters.components import describe, unwrap
from marginscope.exceptions import MarginscopeError, ModelError
from marginscope.tables.flat_rows import array_of_tensor, is_tensor

__all__ = [
    "SUM_TOLERANCE",
    "ask",
    "check_probabilities",
    "codes_of_answers",
    "decision_values",
    "must_not_change",
    "predicted_labels",
    "probability_columns",
]

# what the sum of a row of probabilities may miss without a word
SUM_TOLERANCE = 1e-6


def ask(fitted: Any, method: str, X: Any) -> Any:
    """Call a method of the model on rows; whatever it raises becomes the cause of a ModelError."""
    with guarded(f"{describe(fitted)}.{method}", _n_rows(X)), must_not_change(X, f"{describe(fitted)}.{method}"):
        return getattr(fitted, method)(X)


@contextmanager
def guarded(what: str, n_rows: int) -> Iterator[None]:
    """Turn an exception of foreign code into a ModelError that has it as its cause."""
    try:
        yield
    except (MarginscopeError, MemoryError):
        raise
    except Exception as error:
        told = " ".join(str(error).split())
        raise ModelError(
            f"{what} has to work on {n_rows} rows, but it raised {type(error).__name__}: {_cut(told)}; "
            "run it on these rows by itself"
        ) from error


def _cut(text: str, length: int = 300) -> str:
    """Cut a message between words."""
    return text if len(text) <= length else text[:length].rpartition(" ")[0] + " ..."


@contextmanager
def must_not_change(X: Any, what: str) -> Iterator[None]:
    """Raise ModelError if X has changed at the end."""
    before = _fingerprint(X)
    yield
    if _fingerprint(X) != before:
        raise ModelError(f"input that stays as it is is needed, but {what} changed X in place; let it work on a copy")


def _fingerprint(X: Any) -> int | None:
    """Return a checksum of arrays, tensors, sparse matrices and frames; ``None`` for anything else."""
    if hasattr(X, "tocsr"):
        parts = [getattr(X, name, None) for name in ("data", "indices", "indptr", "row", "col")]
        return hash(tuple(_fingerprint(part) for part in parts))
    if is_tensor(X):
        X = array_of_tensor(X)
    if isinstance(X, np.ndarray):
        if X.dtype.kind == "O":
            return hash(tuple(map(repr, X.ravel().tolist())))
        return zlib.crc32(np.ascontiguousarray(X).view(np.uint8).data) if X.size else 0
    if hasattr(X, "columns") and hasattr(X, "shape"):
        names = tuple(map(str, X.columns))
        return hash((names, *(_fingerprint(np.asarray(X[name])) for name in set(X.columns))))
    return None


def _n_rows(X: Any) -> int:
    shape = getattr(X, "shape", None)
    return int(shape[0]) if shape else len(X)


def predicted_labels(fitted: Any, X: Any) -> NDArray[Any]:
    """Return predicted labels, shape (n_samples,).

    A model without ``predict`` is read by its largest score, the first of equals.

    Raises
    ------
    ModelError
        If the model fails, or answers with another shape or without a label for some row.
    """
    if not hasattr(fitted, "predict"):
        return _label_of_largest(fitted, X)
    n = _n_rows(X)
    answer = np.asarray(ask(fitted, "predict", X))
    if answer.ndim == 2 and answer.shape[1] == 1:
        answer = answer.ravel()
    if answer.shape != (n,):
        raise ModelError(
            f"{describe(fitted)}.predict has to return one label for each of {n} rows, but returned an array of shape "
            f"{answer.shape}; return labels, not scores"
        )
    values = answer.tolist()
    gaps = sum(value is None or (isinstance(value, float) and value != value) for value in values)
    if gaps:
        raise ModelError(
            f"{describe(fitted)}.predict has to return a label for every row, but returned NaN or None for {gaps} of "
            f"{n} rows; look for missing values in its input"
        )
    return answer


def _label_of_largest(fitted: Any, X: Any) -> NDArray[Any]:
    classes = getattr(fitted, "classes_", None)
    if classes is None:
        raise ModelError(
            f"labels are needed, but {describe(fitted)} has neither predict nor classes_; set classes_ to the "
            "labels of its columns"
        )
    labels = np.asarray(classes)
    values = decision_values(fitted, X, labels)
    values = probability_columns(fitted, X, labels) if values is None else values
    if values is None:
        raise ModelError(f"one score per class is needed, but {describe(fitted)} gives none; give it a predict")
    return np.asarray(labels[values.argmax(axis=1)])


def codes_of_answers(answer: NDArray[Any], labels: NDArray[Any], who_says: str) -> NDArray[np.int64]:
    """Return the codes of predicted labels; ``who_says`` begins a fault, as "the model predicts".

    Raises
    ------
    ModelError
        If a prediction is none of the labels: the model was trained on others.
    """
    codes = label_codes(answer, labels)
    if (codes < 0).any():
        strange = list(dict.fromkeys(answer[codes < 0].tolist()))
        raise ModelError(
            f"predictions among the labels {_listed(labels.tolist())} are needed, but {who_says} "
            f"{_listed(strange)}; encode y as in the training of the model"
        )
    return codes


def _listed(values: list[Any]) -> str:
    return ", ".join(f"{value!r:.40}" for value in values[:5]) + (", ..." if len(values) > 5 else "")


def probability_columns(fitted: Any, X: Any, labels: NDArray[Any]) -> NDArray[np.float64] | None:
    """Return predict_proba (n_samples, K) in the order of ``labels``; ``None`` if there is none.

    Columns are placed by ``classes_``; without that attribute they have to be one per
    label, in sorted order, and agree with ``predict``. A class the fit did not see gets 0.

    Raises
    ------
    ModelError
        If rows do not sum to 1 within 1e-6 (more for single precision and many
        classes), for logits, NaN, or another shape.
    """
    if not hasattr(fitted, "predict_proba"):
        return None
    n, what = _n_rows(X), f"{describe(fitted)}.predict_proba"
    classes = getattr(fitted, "classes_", None)
    K = len(labels) if classes is None else len(classes)
    raw = ask(fitted, "predict_proba", X)
    try:
        answer = np.asarray(raw)
        answer = answer if answer.dtype.kind == "f" else answer.astype(float)
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"{what} has to return numbers, but returned a {type(raw).__name__}; return an array"
        ) from error
    proba = check_probabilities(answer, (n, K), what)
    if classes is None:
        _check_order(proba, predicted_labels(fitted, X), labels, what)
        return proba
    return _placed(proba, np.asarray(classes), labels, what, fill=0.0)


def check_probabilities(answer: NDArray[Any], shape: tuple[int, int], what: str) -> NDArray[np.float64]:
    """Return probabilities as float64, or raise ModelError if they are none."""
    if answer.shape != shape:
        raise ModelError(
            f"{what} has to have shape {shape}, one row per sample and one column per class, but has {answer.shape}; "
            "give every class its column"
        )
    if not np.isfinite(answer).all():
        bad = int((~np.isfinite(answer)).any(axis=1).sum())
        raise ModelError(f"{what} has to be finite, but {bad} of {shape[0]} rows hold NaN or infinity; check the input")
    if answer.size == 0:
        return answer.astype(np.float64)
    # Single precision cannot sum many classes to within 1e-6.
    tolerance = max(SUM_TOLERANCE, shape[1] * float(np.finfo(answer.dtype).eps))
    proba = answer.astype(np.float64)
    low, high = float(proba.min()), float(proba.max())
    if low < -tolerance or high > 1.0 + tolerance:
        raise ModelError(
            f"{what} has to give probabilities, but values go from {low:.4g} to {high:.4g}: these look like logits; "
            "apply softmax to them first"
        )
    off = np.abs(proba.sum(axis=1) - 1.0)
    worst = int(off.argmax())
    if off[worst] > tolerance:
        raise ModelError(
            f"{what} has to sum to 1 in every row, but row {worst} sums to {proba[worst].sum():.8g}, and "
            f"{int((off > tolerance).sum())} of {shape[0]} rows are off by more than {tolerance:.0e}; normalise them"
        )
    return proba


def _check_order(proba: NDArray[np.float64], predicted: NDArray[Any], labels: NDArray[Any], what: str) -> None:
    agreed = np.mean(label_codes(predicted, labels) == proba.argmax(axis=1)) if len(proba) else 1.0
    if agreed < 0.5:
        raise ModelError(
            f"{what} without classes_ has to have its columns in the sorted order of the labels, but its largest "
            f"column agrees with predict on {agreed:.0%} of the rows; set classes_ on the model"
        )


def _placed(
    columns: NDArray[np.float64], classes: NDArray[Any], labels: NDArray[Any], what: str, *, fill: float
) -> NDArray[np.float64]:
    """Move columns from the order of ``classes`` to that of ``labels``."""
    codes = label_codes(classes, labels)
    if (codes < 0).any():
        raise ModelError(
            f"classes among the labels {_listed(labels.tolist())} are needed, but {what} has columns for "
            f"{_listed(classes[codes < 0].tolist())}; encode y as in the training of the model"
        )
    placed = np.full((columns.shape[0], len(labels)), fill)
    placed[:, codes] = columns
    return placed


def decision_values(fitted: Any, X: Any, labels: NDArray[Any]) -> NDArray[np.float64] | None:
    """Return decision_function (n_samples, K) in the order of ``labels``; ``None`` if there is none per class.

    One value s of a binary model becomes the columns -s/2 and +s/2. Values per pair of
    classes give ``None``. A class the fit did not see gets -inf.
    """
    if not hasattr(fitted, "decision_function") or not hasattr(fitted, "classes_"):
        return None
    classes = np.asarray(fitted.classes_)
    # With three classes, values per pair have the shape of values per class: only the parameter tells.
    if len(classes) > 2 and getattr(unwrap(fitted)[1], "decision_function_shape", "ovr") == "ovo":
        return None
    n, what = _n_rows(X), f"{describe(fitted)}.decision_function"
    values = np.asarray(ask(fitted, "decision_function", X), dtype=np.float64)
    if len(classes) == 2 and values.size == n:
        half = values.reshape(n) / 2.0
        values = np.column_stack([-half, half])
    pairs = len(classes) * (len(classes) - 1) // 2
    if values.shape != (n, len(classes)) and values.shape == (n, pairs):
        return None
    if values.shape != (n, len(classes)):
        raise ModelError(
            f"{what} has to return {len(classes)} columns for {n} rows, but returned shape {values.shape}; "
            "return one value per class"
        )
    if np.isnan(values).any():
        raise ModelError(f"{what} has to return numbers, but {int(np.isnan(values).sum())} are NaN; check the input")
    return _placed(values, classes, labels, what, fill=-np.inf)
