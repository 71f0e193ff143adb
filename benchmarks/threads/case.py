"""One rebuilt thread: the data, the model, and what marginscope said of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["CASES", "Case", "blobs", "thread"]


@dataclass
class Case:
    """What one thread looks like here.

    ``shape`` describes the data in a sentence; ``lost`` are the classes that the thread
    calls lost; ``checks`` holds demands of another kind: name -> (met, what came).
    ``shown`` says what was measured without marginscope, so that the case has what the
    thread describes; ``said`` is a sentence of the ledger, to be shown on the page.
    """

    shape: str
    model: str
    diagnosis: Any = None
    lost: tuple[str, ...] = ()
    checks: dict[str, tuple[bool, str]] = field(default_factory=dict)
    said: str = ""
    shown: str = ""


CASES: dict[str, Callable[[], Case]] = {}


def thread(name: str) -> Callable[[Callable[[], Case]], Callable[[], Case]]:
    """Register the case of a thread."""

    def register(make: Callable[[], Case]) -> Callable[[], Case]:
        CASES[name] = make
        return make

    return register


def blobs(rng: np.random.Generator, sizes: dict[str, int], centres: Any, spread: float = 1.0) -> tuple[Any, Any]:
    """Draw Gaussian classes around centres, rows shuffled."""
    rows = [c + spread * rng.standard_normal((n, len(c))) for n, c in zip(sizes.values(), centres, strict=True)]
    X, y = np.vstack(rows), np.repeat(list(sizes), list(sizes.values()))
    order = rng.permutation(y.size)
    return X[order], y[order]
