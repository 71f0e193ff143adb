"""Gradient descent, by all rows or by mini-batches: W - eta grad R(W)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.descent.optimizer import State
from marginscope.descent.slope import Slope

__all__ = ["GradientDescent"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class GradientDescent:
    """Plain gradient descent.

    W <- W - eta grad R(W)
    """

    name: str = "gd"

    norm = "frobenius"
    is_normalized = False

    def init(self, W: Floats) -> State:
        return {}

    def step(self, slope: Slope, state: State, step_size: float) -> tuple[Floats, State]:
        return step_size * slope.plain(), state
