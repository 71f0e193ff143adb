"""What an interior point needs to know of the unit ball of a norm.

A ball keeps its slack at W, the multipliers of that slack, and their scale tau. The
multipliers combine to the matrix G = A' lambda of the pairs, and the gap between the two
ends of the bracket is the sum of all complementarity products, those of the pairs too.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["BallStep", "UnitBall", "back_to", "longest_step"]

Floats = NDArray[np.float64]

# products outside this range of the target are drawn back to its ends
_LEAST_PRODUCT, _MOST_PRODUCT = 0.1, 10.0


class BallStep(NamedTuple):
    """Changes of the slack, of its multipliers and of tau."""

    primal: tuple[Floats, ...]
    dual: tuple[Floats, ...]
    tau: float


class UnitBall(Protocol):
    """The unit ball of a norm at one point of the iteration.

    ``degree`` is the number of complementarity products, ``gap()`` their sum. ``begin(G)``
    goes to W = 0 with multipliers that combine to G. ``linearise(W, G)`` prepares Newton's
    equations there,

        dG = curve(dW) + tau_column dtau + r,     <tau_column, dW> - tau_pivot dtau = rho,

    with ``force()`` = (r, rho); ``tau_column`` is None where there is no tau. ``aim(target,
    predictor)`` sets the wanted products, less the second-order terms of a predictor, and
    ``recentre`` corrects them by what is out of range after a step. ``step`` completes
    (dW, dG, dtau), ``longest_steps`` is how far slack and multipliers may follow it,
    ``gap_after`` the gap there, and ``move`` goes there.
    """

    degree: int
    tau_column: Floats | None
    tau_pivot: float

    def begin(self, G: Floats) -> None: ...
    def gap(self) -> float: ...
    def linearise(self, W: Floats, G: Floats) -> None: ...
    def curve(self, dW: Floats) -> Floats: ...
    def aim(self, target: float, predictor: BallStep | None = None) -> None: ...
    def recentre(self, step: BallStep, primal: float, dual: float, target: float) -> None: ...
    def force(self) -> tuple[Floats, float]: ...
    def step(self, dW: Floats, dG: Floats, dtau: float) -> BallStep: ...
    def longest_steps(self, step: BallStep) -> tuple[float, float]: ...
    def gap_after(self, step: BallStep, primal: float, dual: float) -> float: ...
    def move(self, step: BallStep, primal: float, dual: float) -> None: ...


def longest_step(value: Floats, change: Floats) -> float:
    """Return the largest t with value + t change >= 0."""
    falling = change < 0
    return float(np.min(value[falling] / -change[falling])) if falling.any() else np.inf


def back_to(target: float, products: Floats) -> Floats:
    """Return the change that draws outlying products back near the target (Gondzio 1996)."""
    wanted = np.clip(products, _LEAST_PRODUCT * target, _MOST_PRODUCT * target)
    return np.asarray(np.maximum(wanted - products, -_MOST_PRODUCT * target))
