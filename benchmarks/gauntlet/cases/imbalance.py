"""imbalance: classes that overlap, one of them rare; and knob-ignored: weights that never arrive."""

from __future__ import annotations

from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.gauntlet.clouds import Clouds
from benchmarks.gauntlet.datasets import some_rows, split_rows
from benchmarks.gauntlet.models import (
    DeafBoosted,
    DeafForest,
    DeafLogistic,
    boosted,
    forest,
    linear,
    network,
    slow_boosted,
)
from benchmarks.gauntlet.planted import Case, Planted, Rows

__all__ = ["CASES", "thinned"]

import numpy as np


def thinned(rng: np.random.Generator, whole: Rows, shares: dict[str, int], fresh: Rows | None) -> Planted:
    """Keep ``shares[label]`` rows of each class; cured, all classes keep as many as the second smallest of both."""
    rows, _ = split_rows(rng, whole, shares)
    even = min(int((whole.y == label).sum()) for label in shares)
    level, _ = split_rows(rng, whole, dict.fromkeys(shares, even))
    rare = min(shares, key=shares.get)
    return Planted(rows, classes=(rare,), fresh=fresh, cured=Planted(level, classes=(rare,)))


def clouds(rng):
    centres = np.zeros((3, 5))
    centres[1, 0] = centres[2, 1] = 2.0
    population = Clouds(centres)
    whole = population.draw(rng, [1000, 300, 300])
    return thinned(rng, whole, {"c0": 1000, "c1": 120, "c2": 30}, population.draw(rng, [1000] * 3))


def covtype(rng):
    """Spruce and lodgepole pine overlap; spruce is made rare."""
    whole, fresh = some_rows(rng, "covtype", {"2": 900, "1": 500, "5": 500})
    return thinned(rng, whole, {"2": 900, "5": 300, "1": 60}, fresh)


def satimage(rng):
    """Damp grey soil lies between grey soil and very damp grey soil; it is made rare."""
    whole, fresh = some_rows(rng, "satimage", {"3": 700, "7": 700, "4": 400, "1": 400})
    return thinned(rng, whole, {"3": 500, "7": 500, "1": 300, "4": 60}, fresh)


def students(rng):
    """Students who are still enrolled lie between those who dropped out and those who graduated."""
    whole, fresh = some_rows(rng, "students-dropout", {"Graduate": 800, "Dropout": 500, "Enrolled": 400})
    return thinned(rng, whole, {"Graduate": 700, "Dropout": 400, "Enrolled": 90}, fresh)


MODELS = {
    "linear": linear,
    "forest": lambda: forest(min_samples_leaf=10),
    "boosted": slow_boosted,
    "network": lambda: network(alpha=1.0),
}
SMALL = {"max_iter": 15, "learning_rate": 0.2, "max_leaf_nodes": 3, "min_samples_leaf": 30}
WEIGHTED = {"class_weight": "balanced"}
DEAF = {
    "linear": lambda: make_pipeline(StandardScaler(), DeafLogistic(**WEIGHTED, max_iter=1000)),
    "forest": lambda: DeafForest(60, min_samples_leaf=10, **WEIGHTED),
    "boosted": lambda: DeafBoosted(**WEIGHTED, **SMALL),
}
HEARING = {
    "linear": lambda: linear(**WEIGHTED),
    "forest": lambda: forest(min_samples_leaf=10, **WEIGHTED),
    "boosted": lambda: boosted(**WEIGHTED, **SMALL),
}


def _some(*names):
    return {name: MODELS[name] for name in names}


def _uncured(draw):
    """The same data; what cures is a model that listens."""

    def drawn(rng):
        planted = draw(rng)
        train, fresh = _in_words(planted.train), _in_words(planted.fresh)
        return Planted(train, classes=tuple(_word(name) for name in planted.classes), fresh=fresh)

    return drawn


def _word(name: str) -> str:
    return f"kind {name}" if name.isdigit() else name


def _in_words(rows: Rows) -> Rows:
    """Labels that are no numbers: balanced forests of scikit-learn 1.9 fail on "1" and "2"."""
    return Rows(rows.X, np.array([_word(name) for name in rows.y.tolist()]))


CASES = (
    Case("imbalance", "clouds", "synthetic", clouds, MODELS),
    Case("imbalance", "covtype", "covtype", covtype, _some("linear", "boosted")),
    Case("imbalance", "satimage", "satimage", satimage, _some("forest")),
    Case("imbalance", "students", "students-dropout", students, _some("linear")),
    Case(
        "knob-ignored",
        "clouds",
        "synthetic",
        _uncured(clouds),
        {name: DEAF[name] for name in ("linear", "forest")},
        HEARING,
    ),
    Case(
        "knob-ignored",
        "covtype",
        "covtype",
        _uncured(covtype),
        {name: DEAF[name] for name in ("linear", "boosted")},
        HEARING,
    ),
    Case("knob-ignored", "satimage", "satimage", _uncured(satimage), {"forest": DEAF["forest"]}, HEARING),
)
