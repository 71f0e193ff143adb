"""label-map: two spellings of one name, an abbreviation, test ids that are off by one."""

from __future__ import annotations

import numpy as np

from benchmarks.gauntlet.clouds import Clouds, far_apart
from benchmarks.gauntlet.datasets import some_rows
from benchmarks.gauntlet.models import ALL, only
from benchmarks.gauntlet.planted import Case, Planted, Rows

__all__ = ["CASES", "spelled_twice"]


def spelled_twice(rng: np.random.Generator, rows: Rows, name: str, other: str, share: float, fresh: Rows) -> Planted:
    """Give a share of the rows of ``name`` another spelling."""
    y = rows.y.astype(object)
    own = np.flatnonzero(y == name)
    y[rng.choice(own, int(share * own.size), replace=False)] = other
    healthy = tuple(sorted(set(rows.y.tolist()) - {name}))
    cured = Planted(rows, classes=(name,))
    return Planted(Rows(rows.X, y.astype(str)), classes=(other,), healthy=healthy, fresh=fresh, cured=cured)


def clouds(rng):
    population = Clouds(far_apart(rng, 3, 4, 6.0), names=("Dog", "Owl", "Cat"))
    rows, fresh = population.draw(rng, [150, 150, 180]), population.draw(rng, [1000] * 3)
    return spelled_twice(rng, rows, "Cat", "cat ", 0.3, fresh)


def penguins(rng):
    rows, _ = some_rows(rng, "penguins", {"Adelie": 140, "Chinstrap": 60, "Gentoo": 115})
    return spelled_twice(rng, rows, "Adelie", "adelie", 0.3, None)


def shuttle(rng):
    rows, fresh = some_rows(rng, "shuttle", {"1": 300, "4": 200, "5": 150})
    names = {"1": "Radiator Flow", "4": "High", "5": "Bypass"}
    rows, fresh = (Rows(one.X, np.array([names[label] for label in one.y])) for one in (rows, fresh))
    return spelled_twice(rng, rows, "Radiator Flow", "Rad Flow", 0.3, fresh)


def shifted_ids(rng):
    """Pen digits whose ids are counted from nought in training and from one in the test."""
    rows, rest = some_rows(rng, "pendigits", {str(k): 70 for k in range(5)})
    test = Rows(rest.X[:200], rest.y[:200])
    moved = Rows(test.X, np.array([str(int(label) + 1) for label in test.y]))
    classes = tuple(str(k) for k in range(1, 5))
    return Planted(rows, moved, classes=classes, cured=Planted(rows, test, classes=classes))


CASES = (
    Case("label-map", "clouds", "synthetic", clouds, ALL),
    Case("label-map", "penguins", "penguins", penguins, only("linear", "network")),
    Case("label-map", "shuttle abbreviated", "shuttle", shuttle, only("boosted")),
    Case("label-map", "pen digits from one", "pendigits", shifted_ids, only("linear")),
)
