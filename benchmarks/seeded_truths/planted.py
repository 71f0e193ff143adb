"""Synthetic data with one planted cause each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SYNTHETIC", "Planted"]


@dataclass
class Planted:
    """Data with a truth: ``cause`` of ``classes``; an empty ``cause`` means all classes are healthy.

    ``findings`` must be issues whatever the verdicts are.
    """

    X: Any
    y: NDArray[Any]
    cause: str
    classes: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    X_test: Any = None
    y_test: Any = None
    healthy: tuple[str, ...] = field(default_factory=tuple)


def _blobs(rng: np.random.Generator, sizes: list[int], centres: NDArray[np.float64], spread: float = 1.0) -> Any:
    X = np.vstack([c + spread * rng.standard_normal((n, c.size)) for n, c in zip(sizes, centres, strict=True)])
    y = np.repeat([f"c{k}" for k in range(len(sizes))], sizes)
    order = rng.permutation(y.size)
    return X[order], y[order]


def _centres(rng: np.random.Generator, k: int, d: int, gap: float) -> NDArray[np.float64]:
    """Random centres at a distance of at least ``gap`` from each other."""
    while True:
        centres = rng.standard_normal((k, d)) * gap
        away = np.linalg.norm(centres[:, None] - centres[None], axis=2) + np.eye(k) * 1e9
        if away.min() >= gap:
            return centres


def over_regularised(rng: np.random.Generator) -> Planted:
    X, y = _blobs(rng, [330, 180, 90], _centres(rng, 3, 4, 8.0))
    return Planted((X - X.mean(0)) / X.std(0), y, "over-regularised", ("c1", "c2"))


def imbalance(rng: np.random.Generator) -> Planted:
    centres = np.zeros((3, 5))
    centres[1, 0] = centres[2, 1] = 2.2
    X, y = _blobs(rng, [1800, 180, 20], centres)
    return Planted(X, y, "imbalance", ("c1", "c2"), healthy=("c0",))


def no_signal(rng: np.random.Generator) -> Planted:
    X, y = _blobs(rng, [250, 250, 250], _centres(rng, 3, 4, 6.0))
    extra = rng.choice(y.size, 250, replace=False)
    X = np.vstack([X, X[extra] + 0.0])
    X[-250:] = _redraw(rng, X[-250:])
    y = np.append(y, np.repeat("fox", 250))
    order = rng.permutation(y.size)
    return Planted(X[order], y[order], "no-signal", ("fox",), healthy=("c0", "c1", "c2"))


def _redraw(rng: np.random.Generator, X: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of the same mixture without exact copies: jitter far below the spread of a blob."""
    return X + 0.05 * rng.standard_normal(X.shape)


def unscaled(rng: np.random.Generator) -> Planted:
    X, y = _blobs(rng, [300, 200, 100], np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]]))
    noise = rng.standard_normal((y.size, 3))
    return Planted(np.hstack([X * 1e-6, noise]), y, "unscaled-features", ("c1", "c2"))


def concentric(rng: np.random.Generator) -> Planted:
    sizes = [200, 200, 200]
    radius = np.repeat([0.5, 2.0, 3.5], sizes) + 0.15 * rng.standard_normal(600)
    angle = rng.uniform(0, 2 * np.pi, 600)
    X = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    y = np.repeat(["c0", "c1", "c2"], sizes)
    order = rng.permutation(600)
    return Planted(X[order], y[order], "low-capacity", ("c1",))


def separable(rng: np.random.Generator) -> Planted:
    X, y = _blobs(rng, [100, 60, 15], _centres(rng, 3, 4, 10.0))
    return Planted(X, y, "", findings=("weights-vanish", "infinite-parameters"))


def two_spellings(rng: np.random.Generator) -> Planted:
    X, y = _blobs(rng, [200, 200, 200], _centres(rng, 3, 4, 6.0))
    names = {"c0": "Dog", "c1": "Owl", "c2": "Cat"}
    y = np.array([names[label] for label in y], dtype=object)
    cats = np.flatnonzero(y == "Cat")
    y[rng.choice(cats, 60, replace=False)] = "cat "
    return Planted(X, y.astype(str), "label-map", ("cat ",), healthy=("Dog", "Owl"))


def rare_but_learned(rng: np.random.Generator) -> Planted:
    centres = _centres(rng, 3, 4, 6.0)
    X, y = _blobs(rng, [500, 470, 30], np.vstack([centres[:2], centres[2] * 3]))
    return Planted(X, y, "", healthy=("c0", "c1", "c2"))


def balanced_overlap(rng: np.random.Generator) -> Planted:
    X, y = _blobs(rng, [250, 250, 250], np.array([[0.0, 0, 0], [2.6, 0, 0], [0, 2.6, 0]]))
    return Planted(X, y, "", healthy=("c0", "c1", "c2"))


def many_classes(rng: np.random.Generator) -> Planted:
    X, y = _blobs(rng, [80] * 10, _centres(rng, 10, 8, 4.0))
    return Planted(X, y, "", healthy=tuple(f"c{k}" for k in range(10)))


def absent(rng: np.random.Generator) -> Planted:
    X, y = _blobs(rng, [150, 150, 150], _centres(rng, 3, 4, 6.0))
    train, test = np.arange(300), np.arange(300, 450)
    train = train[y[train] != "c2"]
    return Planted(X[train], y[train], "class-absent", ("c2",), X_test=X[test], y_test=y[test], healthy=("c0", "c1"))


def few_rows(rng: np.random.Generator) -> Planted:
    centres = np.zeros((3, 4))
    centres[1, 0] = 6.0
    centres[2, 0] = 5.0
    X, y = _blobs(rng, [300, 300, 3], centres)
    return Planted(X, y, "few-rows", ("c2",), healthy=("c0", "c1"))


def conflicting(rng: np.random.Generator) -> Planted:
    """Rows of the third class are copies of rows of the second, which is larger."""
    X = rng.integers(0, 3, (600, 5)).astype(float)
    y = np.where(X[:, 0] == 0, "c0", "c1")
    copies = rng.choice(np.flatnonzero(y == "c1"), 120, replace=False)
    X = np.vstack([X, X[copies]])
    y = np.append(y, np.repeat("c2", 120))
    order = rng.permutation(y.size)
    return Planted(X[order], y[order], "conflicting-labels", ("c2",), healthy=("c0",))


def ignored_knob(rng: np.random.Generator) -> Planted:
    planted = imbalance(rng)
    planted.cause = "knob-ignored"
    return planted


def rival(rng: np.random.Generator) -> Planted:
    X, y = _blobs(rng, [300, 300, 150], np.array([[8.0, 0, 0, 0], [0, 0, 0, 0], [0.2, 0, 0, 0]]))
    return Planted(X, y, "rival-overlap", ("c2",), healthy=("c0", "c1"))


SYNTHETIC = {
    "over-regularised": over_regularised,
    "imbalance": imbalance,
    "no-signal": no_signal,
    "unscaled-features": unscaled,
    "low-capacity": concentric,
    "separable": separable,
    "label-map": two_spellings,
    "class-absent": absent,
    "few-rows": few_rows,
    "conflicting-labels": conflicting,
    "knob-ignored": ignored_knob,
    "rival-overlap": rival,
    "healthy-rare": rare_but_learned,
    "healthy-overlap": balanced_overlap,
    "healthy-many": many_classes,
}
