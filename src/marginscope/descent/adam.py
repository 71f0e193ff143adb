"""Adam (Kingma & Ba 2015).

    M <- b1 M + (1 - b1) G,   V <- b2 V + (1 - b2) G^2
    W <- W - eta (M / (1 - b1^t)) / (sqrt(V / (1 - b2^t)) + eps)

With eps = 0 the step depends on no scale of the gradient, and the max-norm margin is what
grows (Zhang, Zou & Cao 2024; Fan, Schmidt & Thrampoulidis 2025). With eps > 0 gradients
fall below it in the end, and the tail is that of gradient descent with momentum.
Both moments are kept as a matrix times exp of a number, since squares of gradients
underflow long before their ratio is settled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.descent.optimizer import State
from marginscope.descent.scaled_matrix import ScaledMatrix
from marginscope.descent.slope import Slope

__all__ = ["Adam"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Adam:
    """Adam with bias correction; eps = 0 by default, and 0 / 0 is 0."""

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 0.0

    name = "adam"
    is_normalized = True

    @property
    def norm(self) -> str:
        return "frobenius" if self.eps > 0.0 else "max"

    def init(self, W: Floats) -> State:
        none, zero = np.zeros_like(W), np.zeros(())
        return {"first": none, "log_first": zero, "second": none.copy(), "log_second": zero, "n_steps": zero}

    def step(self, slope: Slope, state: State, step_size: float) -> tuple[Floats, State]:
        gradient = slope.scaled()
        first = ScaledMatrix(state["first"], float(state["log_first"]))
        second = ScaledMatrix(state["second"], float(state["log_second"]))
        first = first.mixed(self.beta1, gradient, 1.0 - self.beta1)
        second = second.mixed(self.beta2, gradient.squared(), 1.0 - self.beta2)
        n_steps = float(state["n_steps"]) + 1.0
        bias = np.sqrt(-np.expm1(n_steps * np.log(self.beta2))) / -np.expm1(n_steps * np.log(self.beta1))
        log_root = 0.5 * second.log_scale
        with np.errstate(over="ignore", under="ignore"):
            scale = np.exp(first.log_scale - log_root)
            size = np.sqrt(second.entries) + self.eps * np.exp(min(-log_root, 700.0)) * np.sqrt(
                -np.expm1(n_steps * np.log(self.beta2))
            )
        ratio = np.divide(first.entries, size, out=np.zeros_like(size), where=size > 0.0)
        following = {
            "first": first.entries,
            "log_first": np.array(first.log_scale),
            "second": second.entries,
            "log_second": np.array(second.log_scale),
            "n_steps": np.array(n_steps),
        }
        return step_size * bias * scale * ratio, following
