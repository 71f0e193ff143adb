"""one-vs-rest-masking: a class between others, which no plane cuts off and the joint fit learns."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from benchmarks.gauntlet.clouds import Clouds
from benchmarks.gauntlet.datasets import some_rows
from benchmarks.gauntlet.models import linear
from benchmarks.gauntlet.planted import Case, Planted

__all__ = ["CASES"]


def middle(rng):
    """Three clouds in a row (Hastie, Tibshirani and Friedman 2009, figure 4.2)."""
    centres = np.zeros((3, 3))
    centres[:, 0] = [-4.0, 0.0, 4.0]
    population = Clouds(centres)
    rows, fresh = population.draw(rng, [180] * 3), population.draw(rng, [1000] * 3)
    return Planted(rows, classes=("c1",), healthy=("c0", "c2"), fresh=fresh)


def rare_middle(rng):
    """A middle cloud that is smaller and touches both: no sigmoid of its own rises above theirs."""
    centres = np.zeros((3, 3))
    centres[:, 0] = [-2.9, 0.0, 2.9]
    population = Clouds(centres)
    rows, fresh = population.draw(rng, [240, 120, 240]), population.draw(rng, [1000] * 3)
    return Planted(rows, classes=("c1",), fresh=fresh)


def satimage(rng):
    """Vegetation stubble lies between the other soils."""
    rows, fresh = some_rows(rng, "satimage", {"1": 230, "2": 110, "3": 200, "5": 110, "7": 220})
    return Planted(rows, classes=("5",), healthy=("1", "2", "3"), fresh=fresh)


def letters(rng):
    sizes = dict.fromkeys("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 45)
    rows, fresh = some_rows(rng, "letter", sizes)
    return Planted(rows, classes=("E", "X"), fresh=fresh)


def shuttle(rng):
    rows, fresh = some_rows(rng, "shuttle", {"1": 200, "4": 200, "5": 200, "3": 110})
    return Planted(rows, classes=("4",), fresh=fresh)


def _scaled(model):
    return make_pipeline(StandardScaler(), model)


RIDGE = {"ridge": lambda: _scaled(RidgeClassifier())}
SIGMOIDS = {
    "one-vs-rest logistic": lambda: _scaled(OneVsRestClassifier(LogisticRegression())),
    "linear svm": lambda: _scaled(LinearSVC()),
    **RIDGE,
}
CASES = (
    Case("one-vs-rest-masking", "middle", "synthetic", middle, RIDGE, dict.fromkeys(RIDGE, linear)),
    Case("one-vs-rest-masking", "rare middle", "synthetic", rare_middle, SIGMOIDS, dict.fromkeys(SIGMOIDS, linear)),
    Case("one-vs-rest-masking", "satimage", "satimage", satimage, RIDGE, dict.fromkeys(RIDGE, linear)),
    Case("one-vs-rest-masking", "letters", "letter", letters, RIDGE, dict.fromkeys(RIDGE, linear)),
    Case("one-vs-rest-masking", "shuttle", "shuttle", shuttle, RIDGE, dict.fromkeys(RIDGE, linear)),
)
