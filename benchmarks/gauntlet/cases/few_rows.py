"""few-rows: a class of three rows, learned where it has many."""

from __future__ import annotations

from benchmarks.gauntlet.clouds import Clouds
from benchmarks.gauntlet.datasets import some_rows, split_rows
from benchmarks.gauntlet.models import ALL, only
from benchmarks.gauntlet.planted import Case, Planted

__all__ = ["CASES"]

import numpy as np


def _cut(rng: np.random.Generator, whole, label: str, n: int, fresh=None) -> Planted:
    sizes = {name: int((whole.y == name).sum()) for name in np.unique(whole.y).tolist()}
    rows, _ = split_rows(rng, whole, {**sizes, label: n})
    healthy = tuple(name for name in sizes if name != label)
    return Planted(rows, classes=(label,), healthy=healthy, fresh=fresh, cured=Planted(whole, classes=(label,)))


def clouds(rng):
    centres = np.zeros((3, 4))
    centres[1, 0], centres[2, 0], centres[2, 1] = 6.0, 5.0, 2.0
    population = Clouds(centres)
    return _cut(rng, population.draw(rng, [200, 200, 200]), "c2", 3, population.draw(rng, [1000] * 3))


def covtype(rng):
    whole, fresh = some_rows(rng, "covtype", {"2": 200, "4": 200, "5": 200})
    return _cut(rng, whole, "5", 3, fresh)


def letters(rng):
    whole, fresh = some_rows(rng, "letter", dict.fromkeys("ABHKNR", 80))
    return _cut(rng, whole, "H", 3, fresh)


CASES = (
    Case("few-rows", "clouds", "synthetic", clouds, ALL, shown_by="count"),
    Case("few-rows", "covtype", "covtype", covtype, only("linear", "boosted"), shown_by="count"),
    Case("few-rows", "letters", "letter", letters, only("boosted"), shown_by="count"),
)
