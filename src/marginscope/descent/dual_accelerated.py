"""Fast margin maximisation by dual acceleration (Ji, Srebro & Telgarsky, ICML 2021).

    g_t = b_t (g_{t-1} + p_t),   b_t = t / (t + 1)
    W_{t+1} = W_t - theta (g_t + p_t),    -p_t = sum lambda_ik x~_ik

lambda are the pair weights of the loss on the simplex: seen from the dual this is
Nesterov's method on min 1/2 ||sum lambda x~||^2. The margin gap falls like 1/t^2 with
theta = 1 and pair features of norm at most one, which is theta = 1 / max ||x~||^2 for others.
The pair weights of the exponential loss are the softmax of the margins over all pairs,
for which this is proved; others differ by a normalisation per sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.descent.optimizer import State
from marginscope.descent.slope import Slope

__all__ = ["DualAccelerated"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DualAccelerated:
    """Accelerated descent on the pair weights."""

    name = "dual_accelerated"
    norm = "frobenius"
    is_normalized = True

    def init(self, W: Floats) -> State:
        return {"sum": np.zeros_like(W), "n_steps": np.zeros(())}

    def step(self, slope: Slope, state: State, step_size: float) -> tuple[Floats, State]:
        t = float(state["n_steps"])
        average = -slope.dual_average()
        total = t / (t + 1.0) * (state["sum"] + average)
        return step_size * (total + average), {"sum": total, "n_steps": np.array(t + 1.0)}
