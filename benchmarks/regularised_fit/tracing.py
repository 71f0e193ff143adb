"""What a solver had after how many CPU seconds, and what memory it took beyond the data."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["OutOfTime", "Trace", "mean_loss"]

_ROWS = 20_000
_MOST_EVALUATED = 60


class OutOfTime(Exception):
    """The limit was reached inside a solver."""


class Trace:
    """Coefficients as they came, with the CPU seconds since the start.

    Parameters
    ----------
    limit : float
        CPU seconds after which ``OutOfTime`` is raised.
    """

    def __init__(self, limit: float) -> None:
        self._limit, self._taken = limit, 0
        self._kept: list[tuple[float, Any, Any]] = []

    def start(self) -> None:
        """Set the clock and the peak of memory to zero."""
        # 5 sets the peak to what is in use; see proc(5)
        Path("/proc/self/clear_refs").write_text("5")
        self._before = _memory("VmRSS")
        self._begun = time.process_time()

    def keep(self, coef: Any, intercept: Any, *, seconds: float | None = None) -> None:
        """Store a point; of many, fewer and fewer."""
        self._taken += 1
        seconds = time.process_time() - self._begun if seconds is None else seconds
        if seconds > self._limit or self._taken % max(1, self._taken // 25) == 0 or self._taken < 25:
            self._kept.append((seconds, np.array(coef, dtype=float), np.array(intercept, dtype=float)))
        if seconds > self._limit:
            raise OutOfTime

    def beyond_data(self) -> float:
        """Return the peak of memory since the start, beyond what was in use then, in MB."""
        return _memory("VmHWM") - self._before

    def values(self, X: Any, y: Any, C: float) -> list[tuple[float, float]]:
        """Return CPU seconds and the objective at about sixty of the points, the last among them."""
        places = np.linspace(0, len(self._kept) - 1, min(_MOST_EVALUATED, len(self._kept))).astype(int)
        kept = [self._kept[place] for place in sorted(set(places))]
        return [(seconds, mean_loss(X, y, coef, intercept, C)) for seconds, coef, intercept in kept]


def mean_loss(X: Any, y: Any, coef: Any, intercept: Any, C: float) -> float:
    """Return the mean cross-entropy plus ||coef||^2 / (2 C n) in float64."""
    n, total = len(y), 0.0
    for first in range(0, n, _ROWS):
        part = slice(first, first + _ROWS)
        scores = X[part].astype(float) @ coef.T + intercept
        top = scores.max(1)
        own = scores[np.arange(len(scores)), y[part]]
        total += float((top + np.log(np.exp(scores - top[:, None]).sum(1)) - own).sum())
    return total / n + float((coef**2).sum()) / (2.0 * C * n)


def _memory(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(field)) / 1024
