"""shared-interference: every class is learned by the network alone, and not all of them together.

Which classes lose depends on the network, so each draw finds out: a class carries the
cause if the network of this case misses it among all, however the rows are split, and learns it against the rest.
"""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np

from benchmarks.gauntlet.clouds import Clouds, far_apart
from benchmarks.gauntlet.datasets import some_rows
from benchmarks.gauntlet.models import network, torch_network
from benchmarks.gauntlet.planted import Case, Planted, Rows

__all__ = ["CASES"]

LOST, ALONE = 0.2, 0.8


def _lost(rows: Rows, make) -> tuple[str, ...]:
    """Classes that the network loses among all and learns alone; worst first, at most two."""
    from benchmarks.gauntlet.verify import recalls

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        splits = [recalls(make(), Planted(rows), seed, n_folds=5) for seed in (0, 1, 2)]
        together = {name: max(one[name] for one in splits) for name in splits[0]}
        found = []
        for name in sorted(together, key=together.get):
            if together[name] > LOST or len(found) == 2:
                break
            alone = Planted(Rows(rows.X, np.where(rows.y == name, name, "rest")))
            if recalls(make(), alone, 0, n_folds=5)[name] >= ALONE:
                found.append(name)
    return tuple(found)


def _planted(draw, make) -> Planted:
    """Draw until some class is lost; every second draw or more is one."""
    for _ in range(20):
        rows, fresh = draw()
        if classes := _lost(rows, make):
            return Planted(rows, classes=classes, fresh=fresh)
    raise RuntimeError("twenty draws in which the network loses no class that it learns alone")


def clouds(rng, make):
    def draw():
        population = Clouds(far_apart(rng, 7, 8, 5.0))
        return population.draw(rng, [80] * 7), population.draw(rng, [300] * 7)

    return _planted(draw, make)


def _of_set(name, labels, n, rng, make):
    return _planted(lambda: some_rows(rng, name, dict.fromkeys(labels, n)), make)


def pen_digits(rng, make):
    return _of_set("pendigits", "0123456789", 60, rng, make)


def clothes(rng, make):
    return _of_set("fashion-mnist", ("top", "trouser", "dress", "sandal", "bag", "boot", "sneaker"), 80, rng, make)


def letters(rng, make):
    return _of_set("letter", "ACELMOTWZ", 70, rng, make)


# The first weights are fixed, so that the same classes are lost in every fold.
NARROW = {
    "network": lambda: network(hidden_layer_sizes=(1,), max_iter=100, random_state=0),
    "torch": lambda: torch_network("narrow", random_state=0, n_epochs=40),
}
WIDE = {"network": network, "torch": lambda: torch_network("plain", n_epochs=40)}
CASES = tuple(
    Case(
        "shared-interference",
        f"{name} ({kind})",
        source,
        partial(draw, make=NARROW[kind]),
        {kind: NARROW[kind]},
        {kind: WIDE[kind]},
    )
    for name, source, draw in (
        ("clouds", "synthetic", clouds),
        ("pen digits", "pendigits", pen_digits),
        ("clothes", "fashion-mnist", clothes),
        ("letters", "letter", letters),
    )
    for kind in NARROW
    if kind == "torch" or name == "clouds"  # one unit of scikit-learn's is lost in other ways in every fold
)
