"""over-regularised: a penalty that keeps the smaller classes at nothing."""

from __future__ import annotations

from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.gauntlet.clouds import Clouds, far_apart
from benchmarks.gauntlet.datasets import some_rows
from benchmarks.gauntlet.models import boosted, linear, network
from benchmarks.gauntlet.planted import Case, Planted

__all__ = ["CASES"]


def clouds(rng):
    population = Clouds(far_apart(rng, 3, 4, 8.0))
    rows = population.draw(rng, [330, 180, 90])
    return Planted(rows, classes=("c2",), fresh=population.draw(rng, [1000] * 3))


def penguins(rng):
    rows, _ = some_rows(rng, "penguins", {"Adelie": 145, "Chinstrap": 60, "Gentoo": 110})
    return Planted(rows, classes=("Chinstrap",))


def dermatology(rng):
    rows, _ = some_rows(rng, "dermatology", {"1": 105, "3": 65, "2": 55, "5": 40, "6": 19})
    return Planted(rows, classes=("6",))


def satimage(rng):
    rows, fresh = some_rows(rng, "satimage", {"1": 250, "2": 120, "3": 160, "5": 80})
    return Planted(rows, classes=("5",), fresh=fresh)


def ridge(**settings):
    return make_pipeline(StandardScaler(), RidgeClassifier(**settings))


def lasso(C):
    return make_pipeline(StandardScaler(), LogisticRegression(C=C, l1_ratio=1.0, solver="saga", max_iter=300))


HELD = {
    "linear": lambda: linear(C=1e-5),
    "ridge": lambda: ridge(alpha=1e6),
    "boosted": lambda: boosted(l2_regularization=1e5),
    "network": lambda: network(alpha=3000.0),
}
FREE = {"linear": linear, "ridge": ridge, "boosted": boosted, "network": network, "lasso": lambda: lasso(1.0)}


def _some(*names):
    return {name: HELD[name] for name in names}


CASES = (
    Case("over-regularised", "clouds", "synthetic", clouds, HELD, FREE),
    Case("over-regularised", "penguins", "penguins", penguins, _some("linear", "ridge"), FREE),
    Case("over-regularised", "dermatology", "dermatology", dermatology, _some("linear", "network"), FREE),
    Case(
        "over-regularised", "satimage", "satimage", satimage, {**_some("boosted"), "lasso": lambda: lasso(0.003)}, FREE
    ),
)
