"""The unit balls of the largest entry and of the sum of entries.

    max    1 - W >= 0 with multipliers a, 1 + W >= 0 with b;      G = a - b
    sum    W = P - M with P, M >= 0 and sum (P + M) = 1;          tau - G >= 0, tau + G >= 0

G is the combination of the pair features, A' lambda.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marginscope.solvers.unit_ball import BallStep, back_to, longest_step

__all__ = ["EntrywiseBall", "MaxBall", "SumBall"]

Floats = NDArray[np.float64]


class EntrywiseBall:
    """Slacks ``primal`` and multipliers ``dual`` for each entry of W and of -W.

    ``curvature`` is the diagonal of Newton's equations.
    """

    tau_column: Floats | None = None
    tau_pivot = 0.0

    primal: tuple[Floats, Floats]
    dual: tuple[Floats, Floats]
    wanted: tuple[Floats, Floats]
    curvature: Floats
    tau = 0.0

    def __init__(self, shape: tuple[int, int]) -> None:
        self.degree = 2 * shape[0] * shape[1]

    def gap(self) -> float:
        return sum(float(np.vdot(p, q)) for p, q in zip(self.primal, self.dual, strict=True))

    def curve(self, dW: Floats) -> Floats:
        return self.curvature * dW

    def aim(self, target: float, predictor: BallStep | None = None) -> None:
        first, second = (target - p * q for p, q in zip(self.primal, self.dual, strict=True))
        if predictor is not None:
            first -= predictor.primal[0] * predictor.dual[0]
            second -= predictor.primal[1] * predictor.dual[1]
        self.wanted = first, second

    def recentre(self, step: BallStep, primal: float, dual: float, target: float) -> None:
        p, q = self._after(step, primal, dual)
        self.wanted = (
            self.wanted[0] + back_to(target, p[0] * q[0]),
            self.wanted[1] + back_to(target, p[1] * q[1]),
        )

    def longest_steps(self, step: BallStep) -> tuple[float, float]:
        primal = min(longest_step(p, dp) for p, dp in zip(self.primal, step.primal, strict=True))
        return primal, min(longest_step(q, dq) for q, dq in zip(self.dual, step.dual, strict=True))

    def gap_after(self, step: BallStep, primal: float, dual: float) -> float:
        return sum(float(np.vdot(p, q)) for p, q in zip(*self._after(step, primal, dual), strict=True))

    def move(self, step: BallStep, primal: float, dual: float) -> None:
        self.primal, self.dual = self._after(step, primal, dual)
        self.tau += dual * step.tau

    def _after(self, step: BallStep, primal: float, dual: float) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
        (p, m), (a, b) = self.primal, self.dual
        return (
            (p + primal * step.primal[0], m + primal * step.primal[1]),
            (a + dual * step.dual[0], b + dual * step.dual[1]),
        )


class MaxBall(EntrywiseBall):
    """Every entry lies between -1 and 1.

    ``side(cut, value)`` is, near a solution of this value, the sign of the entries on the boundary.
    """

    def begin(self, G: Floats) -> None:
        level = float(np.abs(G).mean()) or 1.0
        self.primal = np.ones_like(G), np.ones_like(G)
        self.dual = level + np.maximum(G, 0.0), level + np.maximum(-G, 0.0)

    def linearise(self, W: Floats, G: Floats) -> None:
        (p, m), (a, b) = self.primal, self.dual
        # all three are zero but for rounding
        self._slack_error = 1.0 - W - p, 1.0 + W - m
        self._sum_error = G - (a - b)
        self.curvature = a / p + b / m

    def force(self) -> tuple[Floats, float]:
        (p, m), (a, b), (u, v), (e, f) = self.primal, self.dual, self.wanted, self._slack_error
        return (u - a * e) / p - (v - b * f) / m - self._sum_error, 0.0

    def step(self, dW: Floats, dG: Floats, dtau: float) -> BallStep:
        (p, m), (a, b), (u, v), (e, f) = self.primal, self.dual, self.wanted, self._slack_error
        dp, dm = e - dW, f + dW
        return BallStep((dp, dm), ((u - a * dp) / p, (v - b * dm) / m), 0.0)

    def side(self, cut: float, value: float) -> NDArray[np.int8]:
        (p, m), (a, b) = self.primal, self.dual
        scale = cut * value / p.size
        return (a > scale * p).astype(np.int8) - (b > scale * m).astype(np.int8)


class SumBall(EntrywiseBall):
    """The entries have absolute values of sum one.

    ``side(cut, value)`` is, near a solution of this value, the sign of the entries.
    """

    def begin(self, G: Floats) -> None:
        half = np.full(G.shape, 0.5 / G.size)
        self.tau = 2.0 * float(np.abs(G).max()) or 1.0
        self.primal = half, half.copy()
        self.dual = self.tau - G, self.tau + G

    def linearise(self, W: Floats, G: Floats) -> None:
        (P, M), (low, high) = self.primal, self.dual
        self._split_error = W - (P - M)
        self._sum_error = 1.0 - float((P + M).sum())
        self._dual_error = self.tau - G - low, self.tau + G - high
        up, down = P / low, M / high
        both = up + down
        self.curvature = 1.0 / both
        self._lean = self.tau_column = (up - down) / both
        # sum both - (up - down)^2 / both, without the difference
        self.tau_pivot = float((4.0 * up * down / both).sum())

    def force(self) -> tuple[Floats, float]:
        (P, M), (low, high), (u, v), (e, f) = self.primal, self.dual, self.wanted, self._dual_error
        up, down = (u - P * e) / low, (v - M * f) / high
        rest = up - down - self._split_error
        rho = float(np.vdot(self._lean, rest)) - float((up + down).sum()) + self._sum_error
        return -self.curvature * rest, rho

    def step(self, dW: Floats, dG: Floats, dtau: float) -> BallStep:
        (P, M), (low, high), (u, v), (e, f) = self.primal, self.dual, self.wanted, self._dual_error
        dlow, dhigh = e + dtau - dG, f + dtau + dG
        return BallStep(((u - P * dlow) / low, (v - M * dhigh) / high), (dlow, dhigh), dtau)

    def side(self, cut: float, value: float) -> NDArray[np.int8]:
        (P, M), (low, high) = self.primal, self.dual
        scale = value * P.size / cut
        return (scale * P > low).astype(np.int8) - (scale * M > high).astype(np.int8)
