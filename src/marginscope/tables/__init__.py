"""Strict readers of tables, and the preparation of their features."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from marginscope.tables.dataset import Dataset
    from marginscope.tables.feature_matrix import FeatureMatrix
    from marginscope.tables.features import features_from
    from marginscope.tables.predictions import read_predictions
    from marginscope.tables.preparation import describe_preparation
    from marginscope.tables.read import read_table

__all__ = [
    "Dataset",
    "FeatureMatrix",
    "describe_preparation",
    "features_from",
    "read_predictions",
    "read_table",
]

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "dataset": ["Dataset"],
        "feature_matrix": ["FeatureMatrix"],
        "features": ["features_from"],
        "predictions": ["read_predictions"],
        "preparation": ["describe_preparation"],
        "read": ["read_table"],
    },
)
