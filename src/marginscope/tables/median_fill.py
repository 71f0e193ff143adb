"""Missing numbers become the median of their column."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

__all__ = ["MedianFill"]


class MedianFill(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Fill NaN with the median of the column, 0 where a column has no value.

    The same numbers as scikit-learn's ``SimpleImputer`` with
    ``strategy="median", keep_empty_features=True``. That one sorts a masked copy of the
    whole matrix, which costs as much as the fit of a linear model; here one column is
    held at a time, and a matrix without NaN is passed on as it is.

    Attributes
    ----------
    statistics_ : ndarray of shape (n_features,)
    """

    def fit(self, X: Any, y: Any = None) -> MedianFill:
        """Learn the medians of a dense matrix."""
        values = np.asarray(X, dtype=float)
        self.n_features_in_ = values.shape[1]
        self.statistics_ = np.array([_median(values[:, j]) for j in range(values.shape[1])])
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Return X without NaN; X itself where it has none."""
        check_is_fitted(self)
        values = np.asarray(X, dtype=float)
        holes = np.isnan(values)
        return np.where(holes, self.statistics_, values) if holes.any() else values

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names that came in."""
        names = [f"x{j}" for j in range(self.n_features_in_)] if input_features is None else input_features
        return np.asarray(names, dtype=object)


def _median(column: NDArray[np.float64]) -> float:
    # The sum is NaN wherever a cell is, and costs no memory.
    known = column[~np.isnan(column)] if np.isnan(column.sum()) else column
    return float(np.median(known)) if known.size else 0.0
