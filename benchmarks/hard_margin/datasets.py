"""Sizes of the hard-margin race, small to large."""

from __future__ import annotations

from benchmarks.problems import Problem, digits, separable

__all__ = ["DATASETS", "make"]

DATASETS = {
    "100x10x3": (100, 10, 3),
    "1000x20x5": (1000, 20, 5),
    "digits": None,
    "1000x200x10": (1000, 200, 10),
    "5000x100x10": (5000, 100, 10),
    "20000x200x10": (20000, 200, 10),
}


def make(name: str) -> Problem:
    """Return rows and class codes."""
    size = DATASETS[name]
    return digits() if size is None else separable(*size)
