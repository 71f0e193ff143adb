"""The same causes planted into real sets that scikit-learn ships."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.decomposition import PCA

from benchmarks.seeded_truths.planted import Planted

__all__ = ["REAL"]


def _digits(rng, share=1.0):
    X, y = load_digits(return_X_y=True)
    rows = rng.permutation(y.size)[: int(share * y.size)]
    return X[rows] / 16.0, np.array([f"d{label}" for label in y[rows]])


def _wine(rng):
    X, y = load_wine(return_X_y=True)
    rows = rng.permutation(y.size)
    X = (X[rows] - X.mean(0)) / X.std(0)
    return X, np.array([f"w{label}" for label in y[rows]])


def over_regularised(rng):
    X, y = _digits(rng)
    keep = (y != "d8") | (rng.random(y.size) < 0.7)
    return Planted(X[keep], y[keep], "over-regularised", ("d8",))


def imbalance(rng):
    """Wine with noise that makes the classes touch, and one class thinned to a twelfth."""
    X, y = _wine(rng)
    X = np.vstack([X + 2.0 * rng.standard_normal(X.shape) for _ in range(8)])
    y = np.tile(y, 8)
    keep = (y != "w2") | (rng.random(y.size) < 0.1)
    return Planted(X[keep], y[keep], "imbalance", ("w2",))


def no_signal(rng):
    X, y = _digits(rng, 0.7)
    keep = np.isin(y, ["d0", "d1", "d2", "d3"])
    X, y = X[keep], y[keep].astype(object)
    y[rng.choice(y.size, y.size // 4, replace=False)] = "fox"
    return Planted(X, y.astype(str), "no-signal", ("fox",))


def unscaled(rng):
    X, y = _wine(rng)
    return Planted(X * 1e-5, y, "unscaled-features", ("w0", "w2"))


def low_capacity(rng):
    """Digits by remainder modulo three: each class is several shapes, which no line separates."""
    X, y = _digits(rng)
    y = np.array([f"r{int(label[1]) % 3}" for label in y])
    return Planted(PCA(6, random_state=0).fit_transform(X), y, "low-capacity", ("r0", "r1", "r2"))


def separable(rng):
    X, y = _wine(rng)
    return Planted(X, y, "", findings=("weights-vanish", "infinite-parameters"))


def two_spellings(rng):
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"], dtype=object)[y]
    rows = np.flatnonzero(names == "setosa")
    names[rng.choice(rows, 15, replace=False)] = "Setosa"
    order = rng.permutation(y.size)
    return Planted(X[order], names[order].astype(str), "label-map", ("Setosa",))


def absent(rng):
    X, y = _digits(rng)
    train, test = np.arange(1000), np.arange(1000, y.size)
    train = train[y[train] != "d7"]
    return Planted(X[train], y[train], "class-absent", ("d7",), X_test=X[test], y_test=y[test])


def few_rows(rng):
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    keep = np.ones(y.size, dtype=bool)
    rows = rng.permutation(np.flatnonzero(y == 2))
    keep[rows[4:]] = False
    near = X + 0.6 * rng.standard_normal(X.shape)
    order = rng.permutation(np.flatnonzero(keep))
    return Planted(near[order], names[order], "few-rows", ("virginica",))


def conflicting(rng):
    X, y = _digits(rng)
    keep = np.isin(y, ["d0", "d1", "d2", "d3", "d4"])
    X, y = X[keep], y[keep]
    copies = rng.choice(np.flatnonzero(y == "d3"), 70, replace=False)
    X, y = np.vstack([X, X[copies]]), np.append(y, np.repeat("copy", 70))
    order = rng.permutation(y.size)
    return Planted(X[order], y[order], "conflicting-labels", ("copy",))


def ignored_knob(rng):
    planted = imbalance(rng)
    planted.cause = "knob-ignored"
    return planted


def rival(rng):
    X, y = _digits(rng)
    y = y.astype(object)
    eights = np.flatnonzero(y == "d8")
    y[rng.choice(eights, int(0.35 * eights.size), replace=False)] = "twin"
    return Planted(X, y.astype(str), "rival-overlap", ("twin",))


def healthy(rng):
    X, y = _digits(rng)
    keep = (y != "d0") | (rng.random(y.size) < 0.25)
    return Planted(X[keep], y[keep], "", healthy=("d0",))


REAL = {
    "over-regularised": over_regularised,
    "imbalance": imbalance,
    "no-signal": no_signal,
    "unscaled-features": unscaled,
    "low-capacity": low_capacity,
    "separable": separable,
    "label-map": two_spellings,
    "class-absent": absent,
    "few-rows": few_rows,
    "conflicting-labels": conflicting,
    "knob-ignored": ignored_knob,
    "rival-overlap": rival,
    "healthy": healthy,
}
