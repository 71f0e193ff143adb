"""Data of classes that are clouds of rows around their means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import UsageError
from marginscope.solvers.separability import separability

__all__ = ["clouds", "cosine_means", "separable_clouds"]

Floats = NDArray[np.float64]

_MOST_DRAWS = 200


def clouds(
    counts: Sequence[int], means: Floats, spread: float, rng: np.random.Generator
) -> tuple[Floats, NDArray[np.intp]]:
    """Return counts[k] rows of N(means[k], spread^2 I), class after class."""
    y = np.repeat(np.arange(len(counts)), counts)
    return means[y] + spread * rng.standard_normal((len(y), means.shape[1])), y


def separable_clouds(
    counts: Sequence[int], n_features: int, distance: float, spread: float, rng: np.random.Generator
) -> tuple[Floats, NDArray[np.intp]]:
    """Return clouds around means distance N(0, I), drawn until linear scores with intercept separate them.

    Raises
    ------
    UsageError
        If no draw is separable.
    """
    for _ in range(_MOST_DRAWS):
        means = distance * rng.standard_normal((len(counts), n_features))
        X, y = clouds(counts, means, spread, rng)
        if separability(X, y, fit_intercept=True).status == "complete":
            return X, y
    raise UsageError(
        f"clouds that linear scores separate are needed, but {_MOST_DRAWS} draws with distance {distance:g} and "
        f"spread {spread:g} are not; use a larger distance or a smaller spread"
    )


def cosine_means(n_classes: int, n_features: int, cosine: float, length: float) -> Floats:
    """Return means of one length: the first two at the cosine, the others orthogonal to all.

    Raises
    ------
    UsageError
        If there are fewer features than classes, or the cosine is beyond -1 or 1.
    """
    if n_features < n_classes or not -1.0 <= cosine <= 1.0:
        raise UsageError(
            f"at least {n_classes} features and a cosine between -1 and 1 are needed, but got {n_features} and "
            f"{cosine:g}; change them"
        )
    means = np.eye(n_classes, n_features)
    means[1, :2] = cosine, np.sqrt(1.0 - cosine**2)
    return length * means
