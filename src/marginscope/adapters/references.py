"""The two quick references: a multinomial linear model and boosted trees."""

from __future__ import annotations

from typing import Any

from marginscope.tables.feature_matrix import FeatureMatrix
from marginscope.tables.preparation import preparation

__all__ = ["boosted_expression", "boosted_reference", "dense_preparation", "linear_reference", "to_dense"]

_SPARSE_DIRECTIONS = 50
_MOST_DENSE_COLUMNS = 1500


def linear_reference(features: FeatureMatrix, *, seed: int) -> Any:
    """Return an unfitted multinomial logistic regression on standardised features."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    return Pipeline(
        [("prepare", preparation(features, scale=True)), ("model", LogisticRegression(max_iter=300, random_state=seed))]
    )


def _boosted_settings(n_classes: int, seed: int) -> dict[str, Any]:
    # Every iteration grows one tree per class: many classes get fewer, bolder iterations.
    return {
        "max_iter": 60 if n_classes <= 4 else 30 if n_classes <= 15 else 20,
        "learning_rate": 0.15 if n_classes <= 4 else 0.25 if n_classes <= 15 else 0.3,
        "max_leaf_nodes": 8,
        "max_bins": 64,
        "min_samples_leaf": 5,
        "l2_regularization": 1.0,
        "early_stopping": False,
        "random_state": seed,
    }


def boosted_reference(features: FeatureMatrix, *, n_classes: int, seed: int) -> Any:
    """Return unfitted histogram-boosted trees on the prepared features."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import Pipeline

    model = HistGradientBoostingClassifier(**_boosted_settings(n_classes, seed))
    return Pipeline([("prepare", dense_preparation(features)), ("model", model)])


def dense_preparation(features: FeatureMatrix) -> Any:
    """Return the preparation for learners that need dense rows.

    Wide sparse features are projected on their leading singular directions.
    """
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    prepare = preparation(features, scale=False)
    width = features.shape[1] + sum(map(len, features.levels.values()))
    if width <= 2 * _SPARSE_DIRECTIONS or not (features.is_sparse or width > _MOST_DENSE_COLUMNS):
        return Pipeline([("prepare", prepare), ("fill", FunctionTransformer(to_dense, accept_sparse=True))])
    from sklearn.decomposition import TruncatedSVD

    return Pipeline([("prepare", prepare), ("project", TruncatedSVD(_SPARSE_DIRECTIONS, random_state=0))])


def to_dense(X: Any) -> Any:
    """Return X as a dense array."""
    return X.toarray() if hasattr(X, "toarray") else X


def boosted_expression(features: FeatureMatrix, *, n_classes: int, seed: int) -> str:
    """Return the Python expression of ``boosted_reference``'s model."""
    settings = ", ".join(f"{name}={value!r}" for name, value in _boosted_settings(n_classes, seed).items())
    return f"HistGradientBoostingClassifier({settings})"
