"""Data of the race of regularised fits: digits, and sets of the sizes of MNIST and covertype.

The large sets are seeded imitations: smooth strokes of which most pixels are zero, and correlated
columns beside one-hot ones with unequal classes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.problems import digits

__all__ = ["DATASETS", "Dataset", "make"]


@dataclass(frozen=True)
class Dataset:
    """Rows, and the inverse C of the ridge.

    Attributes
    ----------
    make : callable
    C : float
    dtype : str
    """

    make: Callable[[], tuple[Any, Any]]
    C: float
    dtype: str = "float64"


def strokes(n: int = 60_000, seed: int = 0) -> tuple[Any, Any]:
    """Draw images of 28 x 28 pixels: ten classes of four styles, one label in twenty wrong."""
    rng = np.random.default_rng(seed)
    grid = np.arange(28)
    styles = np.zeros((10, 4, 28, 28), np.float32)
    t = np.linspace(0, 1, 40)
    bernstein = np.stack([c * t**j * (1 - t) ** (4 - j) for j, c in enumerate((1, 4, 6, 4, 1))], 1)
    for c in range(10):
        base = rng.uniform(7, 21, (5, 2))
        for m in range(4):
            nodes = base + rng.normal(0, 1.6, (5, 2))
            curve = bernstein @ (nodes + (nodes - nodes.mean(0)) * 0.8)
            off = (grid[:, None, None] - curve[:, 0]) ** 2 + (grid[None, :, None] - curve[:, 1]) ** 2
            ink = np.exp(-off / 2.2).max(2)
            styles[c, m] = np.where(ink > 0.15, ink, 0)
    y, style = rng.integers(0, 10, n), rng.integers(0, 4, n)
    X = np.empty((n, 784), np.float32)
    down, right = rng.integers(-2, 3, n), rng.integers(-2, 3, n)
    strength = rng.uniform(0.6, 1.2, n).astype(np.float32)
    for i in range(n):
        X[i] = (np.roll(styles[y[i], style[i]], (down[i], right[i]), (0, 1)) * strength[i]).ravel()
    for first in range(0, n, 5000):
        part = X[first : first + 5000]
        part += (part > 0) * rng.normal(0, 0.15, part.shape).astype(np.float32)
        np.clip(part, 0, 1, out=part)
    wrong = rng.random(n) < 0.05
    y[wrong] = rng.integers(0, 10, wrong.sum())
    return X, y


def forest(n: int = 581_012, seed: int = 0) -> tuple[Any, Any]:
    """Draw 10 correlated columns and two one-hot groups of 4 and 40; seven classes of unequal size."""
    rng = np.random.default_rng(seed)
    mix = rng.standard_normal((10, 10)) * 0.5 + np.eye(10)
    Z = rng.standard_normal((n, 10)) @ mix
    Z[:, 3:6] = np.abs(Z[:, 3:6]) ** 1.3
    Z = (Z - Z.mean(0)) / Z.std(0)
    area = np.digitize(Z[:, 0] + 0.6 * rng.standard_normal(n), [-0.8, 0.3, 1.1])
    soil = np.minimum((rng.pareto(0.8, n) * 1.5).astype(int), 15) + 8 * area
    X = np.zeros((n, 54))
    X[:, :10] = Z
    X[np.arange(n), 10 + area] = 1
    X[np.arange(n), 14 + np.minimum(soil, 39)] = 1
    linear, square = rng.standard_normal((7, 54)) * 0.7, rng.standard_normal((7, 10)) * 0.3
    scores = X @ linear.T + Z**2 @ square.T + np.log([0.365, 0.488, 0.062, 0.005, 0.016, 0.030, 0.035])
    return X, (scores + rng.gumbel(size=scores.shape)).argmax(1)


DATASETS = {
    "digits C=1": Dataset(digits, 1.0),
    "digits C=1000": Dataset(digits, 1000.0),
    "60000x784x10": Dataset(strokes, 1.0),
    "60000x784x10 float32": Dataset(strokes, 1.0, "float32"),
    "581012x54x7": Dataset(forest, 1.0),
}


def make(name: str) -> tuple[Any, Any, float]:
    """Return rows, class codes and C; large sets are drawn once and kept in the folder for temporary files."""
    one = DATASETS[name]
    path = Path(tempfile.gettempdir()) / f"marginscope-race-{one.make.__name__}.npz"
    if not path.exists():
        X, y = one.make()
        unfinished = path.with_suffix(".part.npz")
        np.savez(unfinished, X=X, y=y)
        unfinished.replace(path)
    with np.load(path) as stored:
        return stored["X"].astype(one.dtype, copy=False), stored["y"].astype(np.int64), one.C
