"""Features as numbers: values, category codes and their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marginscope.tables.plan import ColumnPlan

__all__ = ["FeatureMatrix"]


@dataclass(frozen=True, eq=False)
class FeatureMatrix:
    """Rows of features before any preparation.

    Attributes
    ----------
    values : ndarray of shape (n_samples, n_features), or scipy CSR array
        float64. NaN is a missing value. A categorical column holds codes 0, 1, ...
        into its levels, and -1 for a level that the training file does not have.
    names : tuple of str
    categorical : tuple of bool
    levels : mapping of int to tuple of str
        Levels of each categorical column.
    notes : tuple of str
        What a user should know about the columns.
    is_scaled : bool
        Whether the values were brought to one scale when they were made.
    vectorizer : object or None
        What made the values of raw texts.
    made_of : tuple of ColumnPlan
        The columns of a table that its texts made a sparse matrix; none otherwise.
    is_flattened : bool
        Whether the rows that a model reads have more than one axis (images, sequences).
    """

    values: Any
    names: tuple[str, ...]
    categorical: tuple[bool, ...]
    levels: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    is_scaled: bool = False
    vectorizer: Any = field(default=None, repr=False)
    made_of: tuple[ColumnPlan, ...] = field(default=(), repr=False)
    is_flattened: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        n_rows, n_columns = self.values.shape
        return int(n_rows), int(n_columns)

    @property
    def is_sparse(self) -> bool:
        """Whether the values are a scipy CSR array."""
        return not isinstance(self.values, np.ndarray)

    def take(self, rows: ArrayLike) -> FeatureMatrix:
        """Return the given rows, by index or mask."""
        chosen: NDArray[Any] = np.asarray(rows)
        return replace(self, values=self.values[chosen])
