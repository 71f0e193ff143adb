"""The exact solution on the pairs that bind, from a point near it.

    A_a W = 1,   P W = A_a' alpha_a     on the active pairs a, alpha = 0 on the others

is solved through P + sigma A_a' A_a and refined until the residuals are those of
rounding; it makes no difference whether the active pairs are independent. Pairs
with a negative weight leave, violated ones enter (a primal-dual active set;
Hintermueller, Ito & Kunisch 2003).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marginscope.solvers.margin_system import Floats, MarginSystem, NotPositiveError

__all__ = ["ActiveSolution", "solve_active"]

_MOST_EXCHANGES = 12
_MOST_REFINEMENTS = 12
# many violated pairs at once could not all be at margin 1
_FEWEST_ENTERING = 2
_SHARE_ENTERING = 0.1
# more wrong pairs than that, relative to the fewest so far, and more steps along the path cost less
_MOST_GROWTH = 4
_STIFFNESS = 1e6
_CONSISTENT = 1e-6
_EPS = float(np.finfo(float).eps)


class ActiveSolution(NamedTuple):
    """W, the dual weights of the working pairs, and how many systems were factored."""

    W: Floats
    alpha: Floats
    n_factored: int


def solve_active(system: MarginSystem, W: Floats, alpha: Floats, active: NDArray[np.bool_]) -> ActiveSolution | None:
    """Solve on the active pairs and exchange them; None if that does not settle."""
    alpha = np.where(active, alpha, 0.0)
    sigma = _STIFFNESS * float(alpha @ alpha) / float(alpha.sum())
    fewest = len(active)
    for n_factored in range(1, _MOST_EXCHANGES + 1):
        if not active.any():
            return None
        try:
            system.factor(np.where(active, sigma, 0.0))
        except NotPositiveError:
            return None
        W, alpha = _refined(system, W, alpha, active, sigma)
        if not np.isfinite(alpha).all():
            return None
        u = system.margins(W)
        noise = 8.0 * _EPS * max(1.0, float(np.linalg.norm(W)))
        negative = alpha < -1e-12 * float(np.abs(alpha).max())
        violated = ~active & (u < 1.0 - noise)
        if not negative.any() and not violated.any():
            # active pairs that contradict each other cannot all be at 1
            is_solved = float(np.abs(u[active] - 1.0).max()) <= _CONSISTENT
            return ActiveSolution(W, np.maximum(alpha, 0.0), n_factored) if is_solved else None
        n_wrong = int(negative.sum() + violated.sum())
        if n_wrong > _MOST_GROWTH * fewest:
            return None
        fewest = min(fewest, n_wrong)
        most = max(_FEWEST_ENTERING, int(_SHARE_ENTERING * active.sum()))
        if int(violated.sum()) > most:
            violated &= u <= np.partition(u[violated], most - 1)[most - 1]
        active = (active & ~negative) | violated
        alpha = np.where(active, np.maximum(alpha, 0.0), 0.0)
    return None


def _refined(
    system: MarginSystem, W: Floats, alpha: Floats, active: NDArray[np.bool_], sigma: float
) -> tuple[Floats, Floats]:
    """Solve the equations of the active pairs, correcting by what is left of them."""
    previous = np.inf
    for _ in range(_MOST_REFINEMENTS):
        short = np.where(active, 1.0 - system.margins(W), 0.0)
        rest = system.adjoint(alpha) - system.metric(W)
        size = float(np.abs(short).max()) + float(np.abs(rest).max()) / max(1e-300, float(np.abs(W).max()))
        if size <= _EPS or not size < 0.5 * previous:
            break
        previous = size
        dW = system.solve(rest + sigma * system.adjoint(short))
        W = W + dW
        alpha = alpha + np.where(active, sigma * (short - system.margins(dW)), 0.0)
    return W, alpha
