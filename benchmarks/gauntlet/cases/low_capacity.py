"""low-capacity: a kind of model that cannot draw the shape of the class."""

from __future__ import annotations

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.tree import DecisionTreeClassifier

from benchmarks.gauntlet.clouds import shuffled
from benchmarks.gauntlet.datasets import some_rows
from benchmarks.gauntlet.models import boosted, linear, network
from benchmarks.gauntlet.planted import Case, Planted, Rows

__all__ = ["CASES"]


def _rings(rng, n):
    radius = np.repeat([0.5, 2.0, 3.5], n) + 0.15 * rng.standard_normal(3 * n)
    angle = rng.uniform(0, 2 * np.pi, 3 * n)
    X = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return shuffled(rng, Rows(X, np.repeat(["c0", "c1", "c2"], n)))


def rings(rng):
    return Planted(_rings(rng, 180), classes=("c1",), fresh=_rings(rng, 800))


def _squares(rng, n):
    """A chessboard of two by two for two classes, and a third one apart."""
    corner = rng.integers(0, 4, n)
    X = np.stack([2.0 * (corner % 2) - 1, 2.0 * (corner // 2) - 1], axis=1) + 0.3 * rng.standard_normal((n, 2))
    y = np.where(np.isin(corner, (0, 3)), "even", "odd")
    far = np.array([6.0, 0.0]) + 0.3 * rng.standard_normal((n // 3, 2))
    return shuffled(rng, Rows(np.vstack([X, far]), np.append(y, np.repeat("far", n // 3))))


def chessboard(rng):
    """The larger colour takes the board; the smaller one has two fifths of its rows."""

    def drawn(n):
        rows = _squares(rng, n)
        keep = (rows.y != "odd") | (rng.random(len(rows.y)) < 0.7)
        return Rows(rows.X[keep], rows.y[keep])

    return Planted(drawn(480), classes=("odd",), healthy=("far",), fresh=drawn(2400))


def pooled_letters(rng):
    """Three classes of eight letters each, seen through six features: every class is eight shapes."""
    groups = {letter: f"g{k % 3}" for k, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWX")}
    rows, fresh = some_rows(rng, "letter", dict.fromkeys(groups, 60))
    columns = [6, 7, 8, 9, 10, 11]
    rows, fresh = (Rows(one.X[:, columns], np.array([groups[label] for label in one.y])) for one in (rows, fresh))
    return Planted(rows, classes=("g1",), fresh=fresh)


def five_soils(rng):
    """A tree with one cut has two answers for five soils."""
    rows, fresh = some_rows(rng, "satimage", {"1": 160, "2": 100, "3": 160, "5": 90, "7": 140})
    return Planted(rows, classes=("2", "5"), fresh=fresh)


CASES = (
    Case(
        "low-capacity",
        "rings",
        "synthetic",
        rings,
        {"linear": linear, "lda": LinearDiscriminantAnalysis, "network": lambda: network(hidden_layer_sizes=(1,))},
        {"linear": boosted, "lda": boosted, "network": boosted},
    ),
    Case(
        "low-capacity",
        "chessboard",
        "synthetic",
        chessboard,
        {"linear": linear, "stumps": lambda: DecisionTreeClassifier(max_depth=1)},
        {"linear": boosted, "stumps": boosted},
    ),
    Case(
        "low-capacity",
        "pooled letters",
        "letter",
        pooled_letters,
        {"linear": linear},
        {"linear": boosted},
    ),
    Case(
        "low-capacity",
        "five soils",
        "satimage",
        five_soils,
        {"stumps": lambda: DecisionTreeClassifier(max_depth=1)},
        {"stumps": boosted},
    ),
)
