"""flat-loss: a bounded loss whose gradient is nothing on a class that starts far below the others."""

from __future__ import annotations

from benchmarks.gauntlet.clouds import Clouds, far_apart
from benchmarks.gauntlet.datasets import some_rows
from benchmarks.gauntlet.models import torch_network
from benchmarks.gauntlet.planted import Case, Planted

__all__ = ["CASES"]


def clouds(rng):
    population = Clouds(far_apart(rng, 4, 6, 5.0))
    rows, fresh = population.draw(rng, [130] * 4), population.draw(rng, [500] * 4)
    return Planted(rows, classes=("c3",), fresh=fresh)


def pen_digits(rng):
    rows, fresh = some_rows(rng, "pendigits", {"0": 120, "2": 120, "4": 120, "6": 120})
    return Planted(rows, classes=("6",), fresh=fresh)


def penguins(rng):
    rows, _ = some_rows(rng, "penguins", {"Adelie": 140, "Chinstrap": 60, "Gentoo": 115})
    return Planted(rows, classes=("Gentoo",))


def _flat(loss, **how):
    return lambda: torch_network("last class late", loss=loss, **how)


FLAT = {
    "mean absolute error": _flat("mae", optimizer="sgd", learning_rate=0.05),
    "mean absolute error, adam": lambda: torch_network("last class never", loss="mae"),
}
STEEP = {
    "mean absolute error": _flat("cross_entropy", optimizer="sgd", learning_rate=0.05),
    "mean absolute error, adam": lambda: torch_network("last class never", n_epochs=60),
}
CASES = (
    Case("flat-loss", "clouds", "synthetic", clouds, FLAT, STEEP),
    Case(
        "flat-loss", "pen digits", "pendigits", pen_digits, {"mean absolute error": FLAT["mean absolute error"]}, STEEP
    ),
    Case(
        "flat-loss",
        "penguins",
        "penguins",
        penguins,
        {"mean absolute error, adam": FLAT["mean absolute error, adam"]},
        STEEP,
    ),
)
