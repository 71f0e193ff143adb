"""unscaled-features: the features that know the class are in tiny units beside large noise."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from benchmarks.gauntlet.clouds import Clouds
from benchmarks.gauntlet.datasets import some_rows
from benchmarks.gauntlet.planted import Case, Planted, Rows

__all__ = ["CASES"]

SMALL = 1e-6


def clouds(rng):
    population = Clouds(np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]]))

    def drawn(sizes):
        rows = population.draw(rng, sizes)
        return Rows(np.hstack([SMALL * rows.X, rng.standard_normal((len(rows.y), 3))]), rows.y)

    return Planted(drawn([280, 160, 120]), classes=("c1", "c2"), fresh=drawn([1000] * 3))


def penguins(rng):
    """Bills in kilometres beside a body mass in kilograms: only the mass is large enough to be seen."""
    rows, _ = some_rows(rng, "penguins", {"Adelie": 145, "Chinstrap": 60, "Gentoo": 110})
    units = np.array([SMALL, SMALL, SMALL, 1e-3])
    return Planted(Rows(rows.X * units, rows.y), classes=("Chinstrap",))


def satimage(rng):
    """Reflectances in tiny units, and three columns that say nothing."""
    rows, fresh = some_rows(rng, "satimage", {"1": 250, "2": 120, "3": 160, "5": 100})

    def widened(one):
        return Rows(np.hstack([one.X * SMALL / 20, rng.standard_normal((len(one.y), 3))]), one.y)

    return Planted(widened(rows), classes=("5", "2"), fresh=widened(fresh))


RAW = {
    "linear": lambda: LogisticRegression(max_iter=1000),
    "ridge": lambda: RidgeClassifier(),
    "svm": lambda: SVC(),
    "network": lambda: MLPClassifier((16,), solver="lbfgs", alpha=0.01, max_iter=200),
}


def _scaled(make):
    return lambda: make_pipeline(StandardScaler(), make())


SCALED = {name: _scaled(make) for name, make in RAW.items()}


def _some(*names):
    return {name: RAW[name] for name in names}


CASES = (
    Case("unscaled-features", "clouds", "synthetic", clouds, RAW, SCALED),
    Case("unscaled-features", "penguins in kilometres", "penguins", penguins, _some("linear", "svm"), SCALED),
    Case("unscaled-features", "satimage", "satimage", satimage, _some("ridge", "network"), SCALED),
)
