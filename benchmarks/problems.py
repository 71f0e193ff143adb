"""The data of the races: seeded, and made anew in every process."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["digits", "iris_with_ones", "overlapping", "separable"]

Problem = tuple[NDArray[np.float64], NDArray[np.int64]]


def separable(n: int, d: int, k: int, *, margin: float = 0.1, seed: int = 7) -> Problem:
    """Gaussian rows, labelled by the largest of k random scores; rows near a tie are left out."""
    rng = np.random.default_rng(seed)
    truth = rng.standard_normal((k, d))
    kept_X, kept_y, n_kept = [], [], 0
    while n_kept < n:
        X = rng.standard_normal((4 * n, d))
        scores = X @ truth.T
        top = np.sort(scores, axis=1)
        clear = top[:, -1] - top[:, -2] >= margin
        kept_X.append(X[clear])
        kept_y.append(scores[clear].argmax(axis=1))
        n_kept += int(clear.sum())
    return np.concatenate(kept_X)[:n].copy(), np.concatenate(kept_y)[:n].astype(np.int64)


def overlapping(n: int = 5000, d: int = 50, k: int = 5, *, seed: int = 1) -> Problem:
    """Gaussian classes whose centres are closer than their spread."""
    rng = np.random.default_rng(seed)
    centres = 0.3 * rng.standard_normal((k, d))
    y = rng.integers(0, k, n)
    return centres[y] + rng.standard_normal((n, d)), y.astype(np.int64)


def digits() -> Problem:
    """Digits of scikit-learn, divided by 16."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return X / 16.0, y.astype(np.int64)


def iris_with_ones() -> Problem:
    """Iris, standardised, with a column of ones."""
    from sklearn.datasets import load_iris

    X, y = load_iris(return_X_y=True)
    X = (X - X.mean(0)) / X.std(0)
    return np.hstack([X, np.ones((len(X), 1))]), y.astype(np.int64)
