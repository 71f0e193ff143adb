"""What ``fit`` was given, checked once: features, class codes and weights of the rows that count."""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted, validate_data

from marginscope._validation import (
    check_consistent_length,
    check_features,
    check_labels,
    check_sample_weight,
)
from marginscope.exceptions import DataError, DataQualityWarning
from marginscope.geometry.margins import is_sparse

__all__ = ["TrainingRows", "labels_were_checked", "new_features", "row_weights", "training_rows"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """The rows with a weight above zero.

    Attributes
    ----------
    X : (n_rows, n_features) array or CSR matrix
    codes : (n_rows,) class codes
    classes : (n_classes,) array
        Labels in sorted order.
    weights : (n_rows,) array or None
        None where all are one.
    """

    X: Any
    codes: Codes
    classes: NDArray[Any]
    weights: Floats | None

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @property
    def labels(self) -> NDArray[Any]:
        """(n_rows,) labels."""
        return np.asarray(self.classes[self.codes])

    @property
    def counts(self) -> Floats:
        """(n_classes,) total weights, the numbers of rows where there are no weights."""
        return np.bincount(self.codes, weights=self.weights, minlength=self.n_classes).astype(float)

    def at(self, rows: Codes) -> TrainingRows:
        """Return some of the rows; the classes stay."""
        weights = None if self.weights is None else self.weights[rows]
        return TrainingRows(self.X[rows], self.codes[rows], self.classes, weights)


def training_rows(estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> TrainingRows:
    """Check what ``fit`` was given; remember number and names of the features in the estimator.

    A row of weight zero is no row: a class of such rows only is no class.

    Raises
    ------
    DataError
        If features, labels or weights cannot be used, or there are fewer than two classes.
    """
    checked = check_features(X)
    validate_data(estimator, X, skip_check_array=True)
    labels = check_labels(y, min_classes=1)
    n_rows = check_consistent_length(checked, labels.codes)
    weights = row_weights(sample_weight, n_rows)
    codes, classes = labels.codes.astype(np.intp), labels.labels
    if weights is not None and not weights.all():
        kept = np.flatnonzero(weights)
        checked, weights = checked[kept], weights[kept]
        present, codes = np.unique(codes[kept], return_inverse=True)
        codes, classes = codes.astype(np.intp), classes[present]
    if len(classes) < 2:
        raise DataError(
            f"rows of at least 2 classes are needed, but every row is of the one class {classes.tolist()[0]!r}; "
            "add rows of another class"
        )
    if weights is not None and np.all(weights == 1.0):
        weights = None
    return TrainingRows(checked.tocsr() if is_sparse(checked) else checked, codes, classes, weights)


@contextmanager
def labels_were_checked() -> Iterator[None]:
    """Leave out what a second look at the same labels would say again."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "more than half of the rows are distinct", DataQualityWarning)
        yield


def row_weights(sample_weight: Any, n_rows: int) -> Floats | None:
    """Return one weight per row, or None; a number stands for all."""
    if sample_weight is None:
        return None
    if isinstance(sample_weight, numbers.Real):
        sample_weight = np.full(n_rows, float(sample_weight))
    return check_sample_weight(sample_weight, n_rows)


def new_features(estimator: Any, X: Any) -> Any:
    """Return features to predict on, checked against those of ``fit``."""
    check_is_fitted(estimator)
    checked = check_features(X)
    validate_data(estimator, X, reset=False, skip_check_array=True)
    return checked
