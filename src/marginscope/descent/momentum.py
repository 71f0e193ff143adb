"""Momentum: Polyak's heavy ball and Nesterov's method with a constant factor.

    heavy ball   V <- mu V + grad R(W),   W <- W - eta V
    Nesterov     V <- mu V + grad R(W),   W <- W - eta (grad R(W) + mu V)

Nesterov's method is written for the point at which it takes gradients, which is also
the point that is recorded (Polyak 1964; Nesterov 1983; Sutskever et al. 2013).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.descent.optimizer import State
from marginscope.descent.slope import Slope

__all__ = ["HeavyBall", "Nesterov"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class HeavyBall:
    """Gradient descent with Polyak's momentum."""

    momentum: float = 0.9

    name = "momentum"
    norm = "frobenius"
    is_normalized = False

    def init(self, W: Floats) -> State:
        return {"velocity": np.zeros_like(W)}

    def step(self, slope: Slope, state: State, step_size: float) -> tuple[Floats, State]:
        velocity = self.momentum * state["velocity"] + slope.plain()
        return step_size * velocity, {"velocity": velocity}


@dataclass(frozen=True)
class Nesterov(HeavyBall):
    """Gradient descent with Nesterov's momentum."""

    name = "nesterov"

    def step(self, slope: Slope, state: State, step_size: float) -> tuple[Floats, State]:
        gradient = slope.plain()
        velocity = self.momentum * state["velocity"] + gradient
        return step_size * (gradient + self.momentum * velocity), {"velocity": velocity}
