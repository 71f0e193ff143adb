"""Muon: the polar factor of the averaged gradient (Jordan et al. 2024).

    M_t = b M_{t-1} + (1 - b) G_t,    Delta = U V'  of  (1 - b) G_t + b M_t = U S V'

The exact polar factor makes it steepest descent in the spectral norm with momentum. The
Newton-Schulz iteration of the published code gives singular values of about 0.7 to 1.2, so
that its norm is only nearly the spectral one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.descent.optimizer import State
from marginscope.descent.slope import Slope
from marginscope.descent.steepest import averaged, momentum_state
from marginscope.geometry.norms import get_norm

__all__ = ["N_ITERATIONS", "QUINTIC", "Muon", "newton_schulz"]

Floats = NDArray[np.float64]

QUINTIC = (3.4445, -4.7750, 2.0315)
N_ITERATIONS = 5


@dataclass(frozen=True)
class Muon:
    """Muon with the look-ahead of Nesterov, as published; ``exact=False`` for Newton-Schulz."""

    momentum: float = 0.95
    exact: bool = True

    name = "muon"
    norm = "spectral"
    is_normalized = True

    def init(self, W: Floats) -> State:
        return momentum_state(W)

    def step(self, slope: Slope, state: State, step_size: float) -> tuple[Floats, State]:
        gradient = slope.scaled()
        average, state = averaged(gradient, state, self.momentum)
        ahead = average.mixed(self.momentum, gradient, 1.0 - self.momentum).entries
        polar = get_norm("spectral").linear_maximizer(ahead) if self.exact else newton_schulz(ahead)
        return step_size * polar, state


def newton_schulz(G: Floats) -> Floats:
    """Approximate the polar factor by five quintic iterations.

    X <- a X + (b A + c A^2) X,    A = X X'
    """
    size = float(np.linalg.norm(G))
    if size == 0.0:
        return np.zeros_like(G)
    X = (G if G.shape[0] <= G.shape[1] else G.T) / size
    a, b, c = QUINTIC
    for _ in range(N_ITERATIONS):
        A = X @ X.T
        X = a * X + (b * A + c * A @ A) @ X
    return np.asarray(X if G.shape[0] <= G.shape[1] else X.T)
