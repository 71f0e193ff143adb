"""Weights that cancel to rounding error, from weights that nearly do.

On inseparable pairs the dual weights of the path grow along alpha with A' alpha = 0,
alpha >= 0 (Gordan). Close to it, the step

    alpha <- alpha - D^2 A z,     (A' D^2 A) z = A' alpha,     D = diag(alpha)

removes what is left and changes every weight by a small share of itself.
"""

from __future__ import annotations

import numpy as np

from marginscope.solvers.margin_system import Floats, MarginSystem, NotPositiveError

__all__ = ["cancelled_weights"]

_CANCELLED = 1e-12
_LIGHT = (1e-6, 0.0)
_MOST_STEPS = 4
_STIFFNESS = 1e10


def cancelled_weights(system: MarginSystem, alpha: Floats) -> Floats | None:
    """Return weights of the working pairs with A' alpha = 0 up to rounding in every coordinate, or None."""
    sizes = alpha * system.row_sizes[system.pairs // system.n_classes]
    for light in _LIGHT:
        kept = np.where(sizes > light * float(sizes.max()), alpha, 0.0)
        found = _corrected(system, kept / float(kept.max()))
        if found is not None:
            return found
    return None


def _corrected(system: MarginSystem, alpha: Floats) -> Floats | None:
    for _ in range(_MOST_STEPS):
        G = system.adjoint(alpha)
        if np.all(np.abs(G) <= _CANCELLED * system.adjoint_size(alpha)):
            return alpha
        # in units in which the metric is a small part of the matrix, and not lost in it
        largest = system.adjoint(np.where(np.arange(len(alpha)) == np.argmax(alpha), alpha, 0.0))
        share = _STIFFNESS / float(np.vdot(largest, system.inverse_metric(largest)))
        try:
            system.factor(share * alpha * alpha)
        except NotPositiveError:
            return None
        change = share * alpha * system.margins(system.solve(G))
        if not float(np.abs(change).max()) < 0.5:
            return None
        alpha = alpha * (1.0 - change)
    return None
