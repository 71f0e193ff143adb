"""mislabelled: most rows of a class carry the name of one other class."""

from __future__ import annotations

import numpy as np

from benchmarks.gauntlet.clouds import Clouds, far_apart
from benchmarks.gauntlet.datasets import some_rows
from benchmarks.gauntlet.models import ALL, only
from benchmarks.gauntlet.planted import Case, Planted, Rows

__all__ = ["CASES"]


def renamed(rng: np.random.Generator, rows: Rows, label: str, wrong: str, share: float, fresh: Rows | None) -> Planted:
    y = rows.y.copy()
    own = np.flatnonzero(y == label)
    y[rng.choice(own, int(share * own.size), replace=False)] = wrong
    healthy = tuple(sorted(set(rows.y.tolist()) - {label, wrong}))
    return Planted(
        Rows(rows.X, y), classes=(label,), healthy=healthy, fresh=fresh, cured=Planted(rows, classes=(label,))
    )


def clouds(rng):
    population = Clouds(far_apart(rng, 3, 4, 6.0))
    return renamed(rng, population.draw(rng, [140, 140, 140]), "c2", "c1", 0.75, population.draw(rng, [1000] * 3))


def penguins(rng):
    rows, _ = some_rows(rng, "penguins", {"Adelie": 140, "Chinstrap": 60, "Gentoo": 115})
    return renamed(rng, rows, "Gentoo", "Adelie", 0.7, None)


def pen_digits(rng):
    rows, fresh = some_rows(rng, "pendigits", {"0": 100, "2": 100, "4": 100, "6": 100})
    return renamed(rng, rows, "6", "2", 0.75, fresh)


def clothes(rng):
    rows, fresh = some_rows(rng, "fashion-mnist", {"trouser": 130, "sandal": 130, "bag": 130, "boot": 130})
    return renamed(rng, rows, "bag", "trouser", 0.75, fresh)


CASES = (
    Case("mislabelled", "clouds", "synthetic", clouds, ALL),
    Case("mislabelled", "penguins", "penguins", penguins, only("linear")),
    Case("mislabelled", "pen digits", "pendigits", pen_digits, only("boosted", "network")),
    Case("mislabelled", "clothes", "fashion-mnist", clothes, only("linear")),
)
