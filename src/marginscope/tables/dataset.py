"""A table that was read: features, labels and how they came about."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from marginscope.tables.feature_matrix import FeatureMatrix
from marginscope.tables.plan import ReadingPlan

__all__ = ["Dataset"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Features and labels of one file.

    Attributes
    ----------
    features : FeatureMatrix
    target : ndarray of shape (n_samples,) of str
        Labels exactly as written.
    target_name : str
    file : str or None
    sha256 : str or None
        Of the bytes that were read.
    notes : tuple of str
        How the file was read, and what may be wrong with it.
    absent_classes : tuple of str
        Classes that the file declares (ARFF, Parquet) and has no rows of.
    plan : ReadingPlan or None
        What a test file must share with this one.
    """

    features: FeatureMatrix
    target: NDArray[np.object_]
    target_name: str
    file: str | None = None
    sha256: str | None = None
    notes: tuple[str, ...] = ()
    absent_classes: tuple[str, ...] = ()
    plan: ReadingPlan | None = field(default=None, repr=False)
