"""Newton's equations in W, gamma and tau, from the normal equations in W alone.

    (A' w A + Theta) W - g gamma + f tau = A' t - r,     g = A' w
    - g' W + gamma sum w                 = h
    f' W                     - tau delta = rho

f and delta belong to the scale tau of the multipliers of a ball, where there is one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marginscope.solvers.normal_equations import NormalEquations
from marginscope.solvers.pair_map import PairMap
from marginscope.solvers.unit_ball import UnitBall

__all__ = ["BorderedEquations", "BorderedSolution"]

Floats = NDArray[np.float64]

_REFINEMENTS = 2


class BorderedSolution(NamedTuple):
    """W, gamma and tau, and the margins of W less gamma."""

    W: Floats
    gamma: float
    tau: float
    relative: Floats


class BorderedEquations:
    """The equations at one point, solved for several right sides."""

    def __init__(self, normal: NormalEquations, pairs: PairMap, w: Floats, ball: UnitBall) -> None:
        self.normal, self.pairs, self.w, self.ball = normal, pairs, w, ball
        self.g = pairs.adjoint(w)
        self.u = self._refined(w, np.zeros_like(self.g))
        # sum w - g' u as a sum of squares: the difference would cancel
        away = np.where(pairs.pairs, 1.0 - pairs.margins(self.u), 0.0)
        pivot = float(np.vdot(away, w * away)) + float(np.vdot(self.u, ball.curve(self.u)))
        self.core = np.array([[pivot]])
        self.f = ball.tau_column
        if self.f is not None:
            self.v = self._refined(np.zeros_like(w), self.f)
            cross, corner = float(np.vdot(self.f, self.u)), ball.tau_pivot + float(np.vdot(self.f, self.v))
            self.core = np.array([[pivot, cross], [cross, -corner]])

    def solve(self, t: Floats, r: Floats, h: float, rho: float, *, refinements: int) -> BorderedSolution:
        """Solve for one right side.

        A W and Theta W are added up over the refinements. Computed from W they would miss
        changes below the rounding of W, which large weights w make visible.
        """
        W, gamma, tau = self._join(self.normal.solve(t, -r), h, rho)
        u, bend = self._relative(W, gamma), self.ball.curve(W)
        along = 0.0 if self.f is None else float(np.vdot(self.f, W))
        for _ in range(refinements):
            z, rest, left = t - self.w * u, -r - bend, 0.0
            if self.f is not None:
                rest -= tau * self.f
                left = rho - along + self.ball.tau_pivot * tau
            dW, dgamma, dtau = self._join(self.normal.correct(z, rest), h + float(t.sum()) - float(z.sum()), left)
            W, gamma, tau = W + dW, gamma + dgamma, tau + dtau
            u, bend = u + self._relative(dW, dgamma), bend + self.ball.curve(dW)
            along += 0.0 if self.f is None else float(np.vdot(self.f, dW))
        return BorderedSolution(W, gamma, tau, u)

    def _relative(self, W: Floats, gamma: float) -> Floats:
        return np.where(self.pairs.pairs, self.pairs.margins(W) - gamma, 0.0)

    def _refined(self, t: Floats, f: Floats) -> Floats:
        V = self.normal.solve(t, f)
        for _ in range(_REFINEMENTS):
            V = V + self.normal.correct(t - self.w * self.pairs.margins(V), f - self.ball.curve(V))
        return V

    def _join(self, V: Floats, h: float, rho: float) -> tuple[Floats, float, float]:
        """Add the two borders to a solution without them."""
        first = h + float(np.vdot(self.g, V))
        if self.f is None:
            gamma = first / float(self.core[0, 0])
            return V + gamma * self.u, gamma, 0.0
        gamma, tau = np.linalg.solve(self.core, [first, rho - float(np.vdot(self.f, V))]).tolist()
        return V + gamma * self.u - tau * self.v, gamma, tau
