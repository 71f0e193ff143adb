"""The data of the figures: random rows, labelled by a random linear map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["linear_classes"]

_MOST_DRAWS = 1000


def linear_classes(
    n_samples: int, n_features: int, n_classes: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return X ~ N(0, I) and y = argmax X W*, W* ~ N(0, I), drawn until every class has a row.

    They are separable without intercept by W*.
    """
    for _ in range(_MOST_DRAWS):
        X = rng.standard_normal((n_samples, n_features))
        y = (X @ rng.standard_normal((n_features, n_classes))).argmax(axis=1)
        if len(np.unique(y)) == n_classes:
            break
    return X, y
