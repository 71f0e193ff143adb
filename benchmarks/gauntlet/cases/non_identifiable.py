"""non-identifiable: columns that repeat or add up to one another, and no penalty to choose between them."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

from benchmarks.gauntlet.clouds import Clouds
from benchmarks.gauntlet.datasets import some_rows
from benchmarks.gauntlet.planted import Case, Planted, Rows

__all__ = ["CASES"]


def sum_of_two(rng):
    centres = np.array([[0.0, 0, 0], [2.4, 0, 0], [0, 2.4, 0]])
    rows = Clouds(centres).draw(rng, [200] * 3)
    return Planted(Rows(np.column_stack([rows.X, rows.X[:, 0] + rows.X[:, 1]]), rows.y))


def two_units(rng):
    """Abalones weighed in grams and in ounces, young, middle and old."""
    rows, _ = some_rows(rng, "abalone", {str(k): 60 for k in range(6, 14)})
    names = np.where(rows.y.astype(int) <= 8, "young", np.where(rows.y.astype(int) <= 10, "middle", "old"))
    return Planted(Rows(np.column_stack([rows.X[:, :4], 0.035274 * rows.X[:, 3]]), names))


def one_hot(rng):
    """One column per soil type beside an intercept: they add up to one."""
    rows, _ = some_rows(rng, "covtype", {"1": 250, "2": 250, "5": 250})
    hot = rows.X[:, 10:14]
    return Planted(Rows(np.column_stack([rows.X[:, :3] / 1000, hot[:, hot.any(axis=0)]]), rows.y))


FREE = {"linear C=inf": lambda: LogisticRegression(C=np.inf, max_iter=3000)}
CASES = tuple(
    Case("non-identifiable", name, source, draw, FREE, findings=("non-identifiable",), shown_by="certificate")
    for name, source, draw in (
        ("sum of two", "synthetic", sum_of_two),
        ("two units", "abalone", two_units),
        ("one-hot beside an intercept", "covtype", one_hot),
    )
)
