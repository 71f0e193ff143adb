"""conflicting-labels: rows of a class are copies of rows of a larger one."""

from __future__ import annotations

import numpy as np

from benchmarks.gauntlet.clouds import shuffled
from benchmarks.gauntlet.datasets import some_rows
from benchmarks.gauntlet.models import ALL, only
from benchmarks.gauntlet.planted import Case, Planted, Rows

__all__ = ["CASES"]


def copied(rng: np.random.Generator, rows: Rows, label: str, share: float) -> Planted:
    """Repeat a share of the rows of ``label`` under the name ``copy``; cured, a column tells them apart."""
    own = np.flatnonzero(rows.y == label)
    copies = rng.choice(own, int(share * own.size), replace=False)
    X, y = np.vstack([rows.X, rows.X[copies]]), np.append(rows.y, np.repeat("copy", copies.size))
    tell = np.append(np.zeros(len(rows.y)), np.ones(copies.size)) + 0.1 * rng.standard_normal(y.size)
    order = rng.permutation(y.size)
    cured = Planted(Rows(np.column_stack([X, tell])[order], y[order]), classes=("copy",))
    healthy = tuple(sorted(set(rows.y.tolist()) - {label}))
    return Planted(Rows(X[order], y[order]), classes=("copy",), healthy=healthy, cured=cured)


def grid(rng):
    X = rng.integers(0, 3, (380, 5)).astype(float)
    return copied(rng, Rows(X, np.where(X[:, 0] == 0, "c0", "c1")), "c1", 0.3)


def letters(rng):
    rows, _ = some_rows(rng, "letter", {"A": 120, "M": 120, "T": 120, "W": 120})
    return copied(rng, rows, "M", 0.6)


def soybean(rng):
    sizes = {"brown-spot": 85, "phytophthora-rot": 80, "brown-stem-rot": 44, "anthracnose": 44}
    rows, _ = some_rows(rng, "soybean", sizes)
    return copied(rng, shuffled(rng, rows), "brown-spot", 0.5)


CASES = (
    Case("conflicting-labels", "grid", "synthetic", grid, ALL),
    Case("conflicting-labels", "letters", "letter", letters, only("linear")),
    Case("conflicting-labels", "soybean", "soybean", soybean, only("boosted")),
)
