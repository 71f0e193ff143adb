"""dead-units: first biases so low, or so high, that no unit of a layer answers any row."""

from __future__ import annotations

from benchmarks.gauntlet.clouds import Clouds, far_apart
from benchmarks.gauntlet.datasets import some_rows
from benchmarks.gauntlet.models import torch_network
from benchmarks.gauntlet.planted import Case, Planted

__all__ = ["CASES"]


def clouds(rng):
    population = Clouds(far_apart(rng, 4, 6, 5.0))
    rows, fresh = population.draw(rng, [200, 120, 100, 80]), population.draw(rng, [500] * 4)
    return Planted(rows, classes=("c1", "c2", "c3"), fresh=fresh)


def pen_digits(rng):
    rows, fresh = some_rows(rng, "pendigits", {"0": 180, "1": 120, "2": 110, "4": 90})
    return Planted(rows, classes=("1", "2", "4"), fresh=fresh)


def clothes(rng):
    rows, fresh = some_rows(rng, "fashion-mnist", {"trouser": 180, "bag": 120, "boot": 110, "sandal": 90})
    return Planted(rows, classes=("bag", "boot", "sandal"), fresh=fresh)


DEAD = {
    "relu": lambda: torch_network("cold"),
    "second layer": lambda: torch_network("cold second layer"),
    "saturated tanh": lambda: torch_network("hot tanh"),
}
ALIVE = dict.fromkeys(DEAD, lambda: torch_network("plain"))
CASES = (
    Case("dead-units", "clouds", "synthetic", clouds, DEAD, ALIVE),
    Case("dead-units", "pen digits", "pendigits", pen_digits, {"relu": DEAD["relu"]}, ALIVE),
    Case("dead-units", "clothes", "fashion-mnist", clothes, {"saturated tanh": DEAD["saturated tanh"]}, ALIVE),
)
