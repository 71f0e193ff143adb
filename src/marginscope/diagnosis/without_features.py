"""Diagnosis of labels and answers alone: what is left to say where no features are known."""

from __future__ import annotations

from typing import Any

import numpy as np

from marginscope.adapters.predictions import Predictions
from marginscope.exceptions import UsageError
from marginscope.tables.feature_matrix import FeatureMatrix

__all__ = ["NEEDS_FEATURES", "WITHOUT_FEATURES", "check_only_answers", "no_features"]

#: Checks that have something to say about labels and answers alone.
WITHOUT_FEATURES = frozenset({"class-absent", "few-rows", "imbalance", "label-map", "share-drift"})

#: Why the others have not.
NEEDS_FEATURES = "needs features, but only labels and answers are known"


def check_only_answers(model: Any, X_test: Any) -> None:
    """Refuse a diagnosis without X of anything but predictions.

    Raises
    ------
    UsageError
        If there is a model to fit, or X_test without X.
    """
    if not isinstance(model, Predictions):
        what = "no model" if model is None else f"the model {type(model).__name__}"
        raise UsageError(
            f"features are needed to fit a model, but X is None with {what}; pass X, or the model's answers: "
            "diagnose(marginscope.Predictions(y_pred), None, y)"
        )
    if X_test is not None:
        raise UsageError("X is needed together with X_test, but X is None; pass both or neither")


def no_features(n_rows: int) -> FeatureMatrix:
    """Return so many rows without a column."""
    return FeatureMatrix(np.empty((n_rows, 0)), (), ())
