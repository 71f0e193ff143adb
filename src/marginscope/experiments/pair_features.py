"""Pair features of small data, written out: the independent side of a claim needs no operator."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["pair_features"]


def pair_features(X: NDArray[np.float64], y: NDArray[np.intp], n_classes: int) -> NDArray[np.float64]:
    """Return x~_ik = (e_{y_i} - e_k) x_i', (n_samples (n_classes - 1), n_classes n_features), row after row."""
    rows, rivals = np.nonzero(np.arange(n_classes) != y[:, None])
    indicator = np.eye(n_classes)
    classes = indicator[y[rows]] - indicator[rivals]
    return np.asarray(np.einsum("mk,md->mkd", classes, X[rows]).reshape(len(rows), -1))
