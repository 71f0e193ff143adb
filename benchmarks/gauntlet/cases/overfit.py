"""overfit: rows are remembered one by one, and what holds for all of them is lost among noise."""

from __future__ import annotations

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from benchmarks.gauntlet.clouds import Clouds, far_apart
from benchmarks.gauntlet.datasets import some_rows
from benchmarks.gauntlet.models import network
from benchmarks.gauntlet.planted import Case, Planted, Rows

__all__ = ["CASES"]

FOLD = 0.8  # share of the rows that five folds train on


def as_many_features_as_rows(rng):
    """Linear models are at their worst where features and training rows are equally many."""
    n = 80
    d = int(FOLD * 4 * n) - 6
    centres = np.zeros((4, d))
    centres[np.arange(4), np.arange(4)] = 3.1
    population = Clouds(centres)
    return Planted(
        population.draw(rng, [n] * 4), classes=("c0", "c1", "c2", "c3"), fresh=population.draw(rng, [500] * 4)
    )


def satimage_and_noise(rng):
    rows, fresh = some_rows(rng, "satimage", {"1": 70, "2": 70, "3": 70, "5": 70})
    d = int(FOLD * 280) - 6 - rows.X.shape[1]
    mean, spread = rows.X.mean(axis=0), rows.X.std(axis=0)

    def widened(one):
        return Rows(np.hstack([(one.X - mean) / spread, rng.standard_normal((len(one.y), d))]), one.y)

    return Planted(widened(rows), classes=("1", "2"), fresh=widened(fresh))


def many_noise_features(rng):
    """Four features know the class, three hundred do not."""
    centres = np.zeros((4, 300))
    centres[np.arange(4), np.arange(4)] = 3.0
    population = Clouds(centres)
    return Planted(
        population.draw(rng, [60] * 4), classes=("c0", "c1", "c2", "c3"), fresh=population.draw(rng, [500] * 4)
    )


def _noisy(rng, rows: Rows, share: float) -> Rows:
    wrong = rng.random(len(rows.y)) < share
    y = rows.y.copy()
    y[wrong] = rng.choice(np.unique(rows.y), int(wrong.sum()))
    return Rows(rows.X, y)


def noisy_labels(rng):
    """Half of the labels are drawn at random: a tree down to single rows learns them by heart."""
    population = Clouds(far_apart(rng, 5, 3, 6.0))
    rows = _noisy(rng, population.draw(rng, [130] * 5), 0.48)
    return Planted(rows, classes=tuple(population.labels), fresh=population.draw(rng, [500] * 5))


def noisy_digits(rng):
    rows, fresh = some_rows(rng, "pendigits", {"0": 200, "2": 200, "4": 200, "6": 200})
    return Planted(_noisy(rng, rows, 0.5), classes=("0", "2", "4", "6"), fresh=fresh)


def _ridge(alpha):
    return make_pipeline(StandardScaler(), RidgeClassifier(alpha=alpha))


def _lda(shrinkage):
    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage)


LOOSE = {"ridge": lambda: _ridge(1e-3), "lda": lambda: _lda(1e-6)}
HELD = {"ridge": lambda: _ridge(100.0), "lda": lambda: _lda(0.3)}
DEEP = {"tree": lambda: DecisionTreeClassifier()}
PRUNED = {"tree": lambda: DecisionTreeClassifier(min_samples_leaf=25)}
CASES = (
    Case("overfit", "as many features as rows", "synthetic", as_many_features_as_rows, LOOSE, HELD),
    Case("overfit", "satimage and noise", "satimage", satimage_and_noise, {"ridge": LOOSE["ridge"]}, HELD),
    Case(
        "overfit",
        "many noise features",
        "synthetic",
        many_noise_features,
        {"network": lambda: network(solver="adam", learning_rate_init=0.01, alpha=0.1)},
        {"network": lambda: network(alpha=10.0)},
    ),
    Case("overfit", "noisy labels", "synthetic", noisy_labels, DEEP, PRUNED),
    Case("overfit", "noisy digits", "pendigits", noisy_digits, DEEP, PRUNED),
)
