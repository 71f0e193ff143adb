"""no-signal: rows drawn from all classes alike and called by a new name."""

from __future__ import annotations

import numpy as np

from benchmarks.gauntlet.clouds import Clouds, far_apart
from benchmarks.gauntlet.datasets import some_rows
from benchmarks.gauntlet.models import ALL, only
from benchmarks.gauntlet.planted import Case, Planted, Rows

__all__ = ["CASES", "unknowable"]


def unknowable(rng: np.random.Generator, rows: Rows, share: float) -> Planted:
    """Call a random share of the rows ``fox``; cured, a column knows the fox."""
    fox = np.zeros(len(rows.y), dtype=bool)
    fox[rng.choice(fox.size, int(share * fox.size), replace=False)] = True
    y = np.where(fox, "fox", rows.y)
    knows = 4.0 * fox + rng.standard_normal(fox.size)
    cured = Planted(Rows(np.column_stack([rows.X, knows]), y), classes=("fox",))
    healthy = tuple(sorted(set(rows.y.tolist())))
    return Planted(Rows(rows.X, y), classes=("fox",), healthy=healthy, cured=cured)


def clouds(rng):
    return unknowable(rng, Clouds(far_apart(rng, 3, 4, 6.0)).draw(rng, [160] * 3), 0.25)


def letters(rng):
    rows, _ = some_rows(rng, "letter", dict.fromkeys("ALWZ", 120))
    return unknowable(rng, rows, 0.22)


def pen_digits(rng):
    rows, _ = some_rows(rng, "pendigits", dict.fromkeys("0246", 120))
    return unknowable(rng, rows, 0.22)


def dermatology(rng):
    rows, _ = some_rows(rng, "dermatology", {"1": 112, "3": 72, "5": 52, "6": 20})
    return unknowable(rng, rows, 0.2)


CASES = (
    Case("no-signal", "clouds", "synthetic", clouds, ALL),
    Case("no-signal", "letters", "letter", letters, only("boosted")),
    Case("no-signal", "pen digits", "pendigits", pen_digits, only("linear")),
    Case("no-signal", "dermatology", "dermatology", dermatology, only("network")),
)
