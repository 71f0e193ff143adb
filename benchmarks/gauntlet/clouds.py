"""Gaussian clouds: the population of most synthetic cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.gauntlet.planted import Rows

__all__ = ["Clouds", "far_apart", "shuffled"]


@dataclass(frozen=True)
class Clouds:
    """One round cloud per class around ``centres`` (n_classes, n_features)."""

    centres: np.ndarray
    spread: float = 1.0
    names: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        return self.names or tuple(f"c{k}" for k in range(len(self.centres)))

    def draw(self, rng: np.random.Generator, sizes: Sequence[int]) -> Rows:
        """Draw ``sizes[k]`` rows of class k, in random order."""
        X = np.vstack(
            [
                centre + self.spread * rng.standard_normal((n, centre.size))
                for n, centre in zip(sizes, self.centres, strict=True)
            ]
        )
        return shuffled(rng, Rows(X, np.repeat(self.labels, sizes)))


def far_apart(rng: np.random.Generator, k: int, d: int, gap: float) -> np.ndarray:
    """Draw k centres that are at least ``gap`` from each other."""
    while True:
        centres = rng.standard_normal((k, d)) * gap
        away = np.linalg.norm(centres[:, None] - centres[None], axis=2) + np.eye(k) * 1e9
        if away.min() >= gap:
            return centres


def shuffled(rng: np.random.Generator, rows: Rows) -> Rows:
    order = rng.permutation(len(rows.y))
    return Rows(rows.X[order], rows.y[order])
