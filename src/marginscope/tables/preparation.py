"""From features as read to the finite numbers that a model can be fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.validation import check_is_fitted

from marginscope.tables.feature_matrix import FeatureMatrix
from marginscope.tables.median_fill import MedianFill
from marginscope.tables.text_features import MISSING_LEVEL
from marginscope.tables.wording import count, joined, shown

__all__ = ["MOST_DENSE_LEVELS", "Preparation", "describe_preparation", "preparation"]

#: More levels than these together make a sparse matrix.
MOST_DENSE_LEVELS = 2000


class Preparation(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Median imputation, one-hot encoding and scaling of a ``FeatureMatrix``.

    It takes rows of ``FeatureMatrix.values``. Numbers get the median of their
    column where missing, and unit variance with ``scale`` (constant columns are
    divided by 1). Each level of a category becomes a column of 0 and 1, as does
    "missing"; a level unknown to the training data is 0 in all of them.

    Parameters
    ----------
    names : tuple of str
    levels : mapping of int to tuple of str
        Levels of each categorical column.
    missing : tuple of int
        Categorical columns with missing cells.
    scale : bool
    sparse : bool
        Whether the values are sparse: they are scaled without centring.
    """

    def __init__(
        self, names: Any = (), levels: Any = None, missing: Any = (), scale: bool = False, sparse: bool = False
    ) -> None:
        self.names = names
        self.levels = levels
        self.missing = missing
        self.scale = scale
        self.sparse = sparse

    def fit(self, X: Any, y: Any = None) -> Preparation:
        """Learn medians, means and scales."""
        self.n_features_in_ = X.shape[1]
        self.transformer_ = self._build(X.shape[1]).fit(X)
        return self

    def transform(self, X: Any) -> Any:
        """Return a finite matrix, sparse where ``X`` is."""
        check_is_fitted(self)
        return self.transformer_.transform(X)

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> NDArray[np.object_]:
        """Return names such as ``protocol=tcp``, in the order of the columns."""
        names = list(self.names if input_features is None else input_features)
        levels = self.levels or {}
        found = [name for at, name in enumerate(names) if at not in levels]
        for at, own in levels.items():
            found += [f"{names[at]}={level}" for level in own]
            found += [f"{names[at]}={MISSING_LEVEL}"] * (at in self.missing)
        return np.array(found, dtype=object)

    def _build(self, n_features: int) -> Any:
        levels = self.levels or {}
        fill = SimpleImputer(strategy="median", keep_empty_features=True) if self.sparse else MedianFill()
        steps: list[Any] = [fill]
        if self.scale:
            steps.append(StandardScaler(with_mean=not self.sparse))
        numbers = make_pipeline(*steps)
        if not levels:
            return numbers
        categories = [
            np.array([*range(len(own)), *[np.nan] * (at in self.missing)], dtype=np.float64)
            for at, own in levels.items()
        ]
        is_wide = sum(map(len, categories)) > MOST_DENSE_LEVELS
        encoder = OneHotEncoder(categories=categories, handle_unknown="ignore", sparse_output=is_wide)
        columns = [at for at in range(n_features) if at not in levels]
        return ColumnTransformer(
            [("numbers", numbers, columns), ("categories", encoder, list(levels))],
            sparse_threshold=1.0 if is_wide else 0.0,
        )


def preparation(features: FeatureMatrix, *, scale: bool) -> Preparation:
    """Return the unfitted transformer of these features' values.

    It clones and pickles as any scikit-learn transformer. The result is dense
    unless the features are sparse or have more than 2000 levels together. Features
    that are on one scale already (tf-idf) are left as they are.
    """
    missing: tuple[int, ...] = ()
    if not features.is_sparse:
        missing = tuple(at for at in features.levels if np.isnan(features.values[:, at]).any())
    return Preparation(
        features.names, dict(features.levels), missing, scale and not features.is_scaled, features.is_sparse
    )


def describe_preparation(features: FeatureMatrix) -> tuple[str, ...]:
    """Say what ``preparation`` does to these features, in sentences for a report."""
    if features.is_sparse:
        how = "are on one scale already" if features.is_scaled else "are scaled, where asked, without centring"
        return (f"the {count(features.shape[1], 'feature')} are sparse and {how}",)
    sentences = []
    if features.levels:
        words = _some(
            [f"{shown(features.names[at])} ({count(len(own), 'level')})" for at, own in features.levels.items()]
        )
        sentences.append(f"{words} {_were(features.levels)} one-hot encoded")
    holes = {at: int(number) for at, number in enumerate(np.isnan(features.values).sum(axis=0)) if number}
    numbers = {at: number for at, number in holes.items() if at not in features.levels}
    if numbers:
        words = _some([f"{shown(features.names[at])} ({number:,})" for at, number in numbers.items()])
        total = sum(numbers.values())
        sentences.append(f"{count(total, 'missing cell')} got the median of their column: {words}")
    words_missing = [f"{shown(features.names[at])} ({holes[at]:,})" for at in features.levels if at in holes]
    if words_missing:
        sentences.append(f"missing cells of {_some(words_missing)} form a level of their own")
    constant = [features.names[at] for at in range(features.shape[1]) if _is_constant(features.values[:, at])]
    if constant:
        words = _some([shown(name) for name in constant])
        verb = "has one value only and tells" if len(constant) == 1 else "have one value only and tell"
        sentences.append(f"{words} {verb} no classes apart")
    return tuple(sentences)


def _is_constant(cells: NDArray[np.float64]) -> bool:
    holes = np.isnan(cells)
    if holes.all():
        return True
    filled = cells[~holes]
    return bool((filled == filled[0]).all()) and not holes.any()


def _some(words: list[str], limit: int = 12) -> str:
    return joined(words if len(words) <= limit else [*words[:limit], f"{len(words) - limit:,} more"])


def _were(items: Any) -> str:
    return "was" if len(items) == 1 else "were"
