"""not-converged: training that stops, or creeps, before the smaller classes are learned."""

from __future__ import annotations

import numpy as np

from benchmarks.gauntlet.clouds import Clouds, far_apart, shuffled
from benchmarks.gauntlet.datasets import some_rows
from benchmarks.gauntlet.models import boosted, linear, network, torch_network
from benchmarks.gauntlet.planted import Case, Planted, Rows

__all__ = ["CASES"]


def clouds(rng):
    population = Clouds(far_apart(rng, 4, 6, 4.5))
    rows, fresh = population.draw(rng, [420, 120, 100, 45]), population.draw(rng, [500] * 4)
    return Planted(rows, classes=("c3",), fresh=fresh)


def pen_digits(rng):
    rows, fresh = some_rows(rng, "pendigits", {"0": 260, "1": 120, "2": 100, "4": 70})
    return Planted(rows, classes=("4",), fresh=fresh)


def clothes(rng):
    rows, fresh = some_rows(rng, "fashion-mnist", {"trouser": 260, "bag": 120, "boot": 100, "sandal": 70})
    return Planted(rows, classes=("sandal",), fresh=fresh)


def thin_direction(rng):
    """Two classes differ only along the direction in which all features hardly vary: few steps do not find it."""

    def drawn(sizes):
        parts = []
        for k, n in enumerate(sizes):
            common = 3.0 * rng.standard_normal((n, 1)) + (9.0 if k == 2 else 0.0)
            X = common + 0.1 * rng.standard_normal((n, 4))
            X[:, 0] += 0.5 * (k == 1)
            parts.append(X)
        return shuffled(rng, Rows(np.vstack(parts), np.repeat([f"c{k}" for k in range(len(sizes))], sizes)))

    return Planted(drawn([260, 160, 120]), classes=("c1",), fresh=drawn([800] * 3))


STOPPED = {
    "boosted": lambda: boosted(max_iter=2, learning_rate=0.02),
    "network": lambda: network(solver="sgd", learning_rate_init=1e-3, max_iter=3, random_state=0),
    "torch": lambda: torch_network("quiet", optimizer="sgd", learning_rate=1e-4, n_epochs=2),
}
DONE = {"boosted": boosted, "network": network, "torch": lambda: torch_network("plain")}


def _some(*names):
    return {name: STOPPED[name] for name in names}


CASES = (
    Case("not-converged", "clouds", "synthetic", clouds, STOPPED, DONE),
    Case("not-converged", "pen digits", "pendigits", pen_digits, _some("network", "torch"), DONE),
    Case("not-converged", "clothes", "fashion-mnist", clothes, _some("boosted"), DONE),
    Case(
        "not-converged",
        "thin direction",
        "synthetic",
        thin_direction,
        {"linear": lambda: linear(C=1e4, max_iter=4)},
        {"linear": lambda: linear(C=1e4, max_iter=2000)},
    ),
)
