"""Models that read people's tables through a preparation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.metaestimators import available_if

from marginscope.exceptions import ModelError
from marginscope.tables.feature_matrix import FeatureMatrix
from marginscope.tables.feature_rows import aligned
from marginscope.tables.features import features_from
from marginscope.tables.preparation import preparation

__all__ = ["OnFeatures", "behind_preparation"]


class OnFeatures(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Turn the user's own X into the feature matrix, then use ``estimator`` on it.

    Parameters
    ----------
    estimator : object
        Reads rows of ``FeatureMatrix.values``.
    like : FeatureMatrix
        Columns and category codes to use.
    """

    def __init__(self, estimator: Any = None, like: FeatureMatrix | None = None) -> None:
        self.estimator = estimator
        self.like = like

    def _values(self, X: Any) -> Any:
        assert self.like is not None
        return aligned(features_from(X, like=self.like), self.like).values

    def fit(self, X: Any, y: Any) -> OnFeatures:
        """Fit the estimator on the feature matrix of X."""
        self.estimator_ = clone(self.estimator).fit(self._values(X), y)
        self.classes_ = self.estimator_.classes_
        return self

    def holding(self, fitted: Any) -> OnFeatures:
        """Take an estimator that was fitted on the feature matrix already."""
        self.estimator_ = fitted
        self.classes_ = fitted.classes_
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict labels."""
        return np.asarray(self.estimator_.predict(self._values(X)))

    @available_if(lambda self: hasattr(self.estimator, "predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict probabilities."""
        return np.asarray(self.estimator_.predict_proba(self._values(X)))


def behind_preparation(model: Any, features: FeatureMatrix) -> Any:
    """Return the model as it can read rows of a table's feature matrix.

    An unfitted model is put behind imputation and one-hot encoding, unscaled. A fitted
    one is used as it is, and must have been fitted on as many numeric columns.

    Raises
    ------
    ModelError
        If a fitted model cannot have been fitted on these columns.
    """
    from sklearn.exceptions import NotFittedError
    from sklearn.pipeline import Pipeline
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(model)
    except (NotFittedError, AttributeError, TypeError):
        return Pipeline([("prepare", preparation(features, scale=False)), ("model", model)])
    expected = getattr(model, "n_features_in_", None)
    if any(features.categorical):
        names = [name for name, one in zip(features.names, features.categorical, strict=True) if one]
        raise ModelError(
            f"a fitted model needs the columns it was fitted on as numbers, but {', '.join(names[:5])} hold "
            "categories; use --pred with its predictions, or the Python function diagnose with your own frame"
        )
    if expected is not None and expected != features.shape[1]:
        raise ModelError(
            f"the table must have the {expected} features the model was fitted on, but it has {features.shape[1]}; "
            "leave the others out with --drop"
        )
    return model
