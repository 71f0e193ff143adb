"""Passes over large data beside their two matrix products: ``python -m benchmarks.descent.products SIZE DTYPE``."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from benchmarks.descent.solvers import LOSSES
from benchmarks.race import report_job

__all__ = ["PASSES", "SHAPE"]

SHAPE = (10_000, 100, 10)
PASSES = ("gradient", "value_and_gradient", "scaled_gradient")
_ROUNDS = 40


def main() -> None:
    from marginscope import losses
    from marginscope.objectives import LinearObjective

    n, d, k = SHAPE
    rng = np.random.default_rng(0)
    dtype = np.dtype(sys.argv[2])
    X, y = rng.standard_normal((n, d)).astype(dtype), rng.integers(0, k, n)
    W = 0.3 * rng.standard_normal((k, d)).astype(dtype)
    G = (X @ W.T).astype(dtype)
    work: dict[str, Callable[[], Any]] = {"products": lambda: (X @ W.T, G.T @ X)}
    for loss in LOSSES:
        objective = LinearObjective(losses.get(loss), X, y, k)
        for one in PASSES:
            method = getattr(objective, one)
            work[f"{loss}, {one}"] = lambda method=method: method(W)
    runs: dict[str, list[float]] = {name: [] for name in work}
    for round_ in range(_ROUNDS + 1):
        for name, call in work.items():
            begun = time.process_time()
            call()
            if round_:  # the first compiles
                runs[name].append(time.process_time() - begun)
    found = {name: 1e3 * median(times) for name, times in runs.items()}
    report_job(found["products"] / 1e3, milliseconds=found)


if __name__ == "__main__":
    main()
