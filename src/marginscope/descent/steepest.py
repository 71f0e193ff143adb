"""Normalised steepest descent in a norm.

    W <- W - eta_t Delta_t,    Delta_t = argmax { <M_t, Delta> : ||Delta|| <= 1 }
    M_t = b M_{t-1} + (1 - b) grad R(W_t)

One class for all norms: the norm brings its linear maximiser. With b = 0 it is
normalised, sign, spectral, nuclear and coordinate descent (Fan, Schmidt & Thrampoulidis,
arXiv 2502.04664).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.descent.optimizer import State
from marginscope.descent.scaled_matrix import ScaledMatrix
from marginscope.descent.slope import Slope
from marginscope.geometry.norms import get_norm

__all__ = ["SteepestDescent", "averaged", "momentum_state"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SteepestDescent:
    """Steps of length one in a norm, along the gradient or its running average."""

    name: str
    norm: str
    momentum: float = 0.0

    is_normalized = True

    def init(self, W: Floats) -> State:
        return momentum_state(W) if self.momentum else {}

    def step(self, slope: Slope, state: State, step_size: float) -> tuple[Floats, State]:
        gradient = slope.scaled()
        if self.momentum:
            gradient, state = averaged(gradient, state, self.momentum)
        return step_size * get_norm(self.norm).linear_maximizer(gradient.entries), state


def momentum_state(W: Floats) -> State:
    """Return an average of no gradients."""
    return {"average": np.zeros_like(W), "log_scale": np.zeros(())}


def averaged(gradient: ScaledMatrix, state: State, momentum: float) -> tuple[ScaledMatrix, State]:
    """Take a gradient into the average of the state."""
    before = ScaledMatrix(state["average"], float(state["log_scale"]))
    average = before.mixed(momentum, gradient, 1.0 - momentum)
    return average, {"average": average.entries, "log_scale": np.array(average.log_scale)}
