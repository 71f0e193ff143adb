"""share-drift: a class that is rare in training and common in the test."""

from __future__ import annotations

import numpy as np

from benchmarks.gauntlet.clouds import Clouds
from benchmarks.gauntlet.datasets import some_rows, split_rows
from benchmarks.gauntlet.models import linear, network, slow_boosted
from benchmarks.gauntlet.planted import Case, Planted, Rows

__all__ = ["CASES"]


def _drifted(rng: np.random.Generator, whole: Rows, train: dict[str, int], test: dict[str, int], fresh) -> Planted:
    """Train in the shares of ``train``, test in those of ``test``; cured, both have the shares of the test."""
    tested, rest = split_rows(rng, whole, test, most=10**6)
    rows, _ = split_rows(rng, rest, train)
    scale = sum(train.values()) / sum(test.values())
    level, _ = split_rows(rng, rest, {name: int(scale * n) for name, n in test.items()})
    rare = min(train, key=train.get)
    cured = Planted(level, tested, classes=(rare,))
    return Planted(rows, tested, classes=(rare,), fresh=fresh, cured=cured)


def clouds(rng):
    centres = np.zeros((3, 5))
    centres[1, 0] = centres[2, 1] = 2.2
    population = Clouds(centres)
    whole = population.draw(rng, [1500] * 3)
    sizes = {"c0": 600, "c1": 250, "c2": 30}, {"c0": 150, "c1": 150, "c2": 300}
    return _drifted(rng, whole, *sizes, population.draw(rng, [1000] * 3))


def covtype(rng):
    whole, fresh = some_rows(rng, "covtype", {"2": 1500, "1": 1200, "5": 1200})
    return _drifted(rng, whole, {"2": 600, "5": 300, "1": 50}, {"2": 150, "5": 150, "1": 350}, fresh)


def satimage(rng):
    whole, fresh = some_rows(rng, "satimage", {"3": 1200, "7": 1200, "4": 560, "1": 600})
    train, test = {"3": 400, "7": 400, "1": 200, "4": 40}, {"3": 150, "7": 150, "1": 100, "4": 220}
    return _drifted(rng, whole, train, test, fresh)


MODELS = {
    "linear": linear,
    "boosted": slow_boosted,
    "network": lambda: network(alpha=1.0),
}
CASES = (
    Case("share-drift", "clouds", "synthetic", clouds, MODELS),
    Case("share-drift", "covtype", "covtype", covtype, {"linear": linear}),
    Case("share-drift", "satimage", "satimage", satimage, {"boosted": MODELS["boosted"]}),
)
