"""rival-overlap: a class that differs from all others but one, larger one."""

from __future__ import annotations

import numpy as np

from benchmarks.gauntlet.clouds import Clouds
from benchmarks.gauntlet.datasets import some_rows
from benchmarks.gauntlet.models import ALL, only
from benchmarks.gauntlet.planted import Case, Planted, Rows

__all__ = ["CASES", "twins"]


def twins(rng: np.random.Generator, rows: Rows, label: str, share: float) -> Planted:
    """Call a random share of the rows of one class ``twin``; cured, a column tells the twins."""
    own = np.flatnonzero(rows.y == label)
    twin = np.zeros(len(rows.y), dtype=bool)
    twin[rng.choice(own, int(share * own.size), replace=False)] = True
    y = np.where(twin, "twin", rows.y)
    tells = 5.0 * twin + rng.standard_normal(twin.size)
    cured = Planted(Rows(np.column_stack([rows.X, tells]), y), classes=("twin",))
    healthy = tuple(sorted(set(rows.y.tolist()) - {label}))
    return Planted(Rows(rows.X, y), classes=("twin",), healthy=healthy, cured=cured)


def clouds(rng):
    """Almost the same place: the rival is a fifth of a standard deviation away."""
    centres = np.array([[8.0, 0, 0, 0], [0, 0, 0, 0], [0.2, 0, 0, 0]])
    rows = Clouds(centres, names=("c0", "rival", "twin")).draw(rng, [220, 250, 130])
    tells = 5.0 * (rows.y == "twin") + rng.standard_normal(len(rows.y))
    cured = Planted(Rows(np.column_stack([rows.X, tells]), rows.y), classes=("twin",))
    return Planted(rows, classes=("twin",), healthy=("c0", "rival"), cured=cured)


def letters(rng):
    rows, _ = some_rows(rng, "letter", {"A": 120, "L": 120, "O": 260, "W": 120})
    return twins(rng, rows, "O", 0.35)


def satimage(rng):
    rows, _ = some_rows(rng, "satimage", {"1": 300, "2": 130, "5": 130})
    return twins(rng, rows, "1", 0.35)


def clothes(rng):
    rows, _ = some_rows(rng, "fashion-mnist", {"trouser": 120, "sandal": 120, "boot": 260})
    return twins(rng, rows, "boot", 0.35)


CASES = (
    Case("rival-overlap", "clouds", "synthetic", clouds, ALL),
    Case("rival-overlap", "letters", "letter", letters, only("linear")),
    Case("rival-overlap", "satimage", "satimage", satimage, only("boosted")),
    Case("rival-overlap", "clothes", "fashion-mnist", clothes, only("network")),
)
