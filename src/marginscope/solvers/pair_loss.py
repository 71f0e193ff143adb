"""A convex loss of the pairs whose minimum, or lack of one, decides separability.

    F(theta) = sum over pairs of phi(u_ik),        u_ik = <x~_ik, theta>
    phi(u) = 1 / (1 + u) for u >= 0,     1 - u + u^2 for u < 0

phi is twice continuously differentiable and falls everywhere, so the weights
lambda = -phi'(u) are positive, and sum lambda x~ = 0 at a minimum; without one the
minimiser runs off along a recession direction. The logistic loss has the same
two ends, but loses its curvature on pairs far on either side, where Newton's
method then stalls. Pairs do not interact, so F can be restricted to any set.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.linalg
import scipy.optimize
from numpy.typing import NDArray

from marginscope.geometry.margins import pair_sum, relative_margins
from marginscope.geometry.pair_gram import pair_gram

__all__ = ["PairLoss", "descend_until"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_CLEAR = 1e-9


class PairLoss:
    """The loss on the pairs of a mask, for features of shape (n_rows, rank)."""

    def __init__(self, Q: Floats, y: NDArray[np.intp], pairs: Mask) -> None:
        self.Q = Q
        self.y = y
        self.pairs = pairs
        self.shape = (pairs.shape[1], Q.shape[1])
        self._ridges = [0.0, 1e-15, 1e-13]

    def margins(self, theta: Floats) -> Floats:
        """Return the margins, plus infinity where there is no pair."""
        u = relative_margins(self.Q, self.y, theta)
        u[~self.pairs] = np.inf
        return u

    def clearly_separates(self, theta: Floats) -> bool:
        """Say whether all margins are positive by more than rounding."""
        u = self.margins(theta)[self.pairs]
        return bool(u.min() > _CLEAR * np.abs(u).max())

    def value_and_weights(self, margins: Floats) -> tuple[float, Floats]:
        """Return F and the weights lambda."""
        short = np.minimum(margins, 0.0)
        inverse = 1.0 / (1.0 + np.maximum(margins, 0.0))
        weights: Floats = inverse * inverse - 2.0 * short
        return float(inverse.sum() + (short * short - short).sum()), weights

    def gradient(self, weights: Floats) -> Floats:
        """Return the gradient of F from the weights."""
        return -pair_sum(self.Q, self.y, weights)

    def newton_step(self, weights: Floats) -> Floats | None:
        """Return the Newton step, or None where the Hessian is no longer positive definite."""
        # phi'' = 2 (1 + u)^-3, and 2 for u < 0
        H = pair_gram(self.Q, self.y, 2.0 * np.minimum(weights, 1.0) ** 1.5, gauge=1.0)
        g = self.gradient(weights).ravel()
        mean = float(np.trace(H)) / max(1, len(H))
        if not mean > 0:
            return None
        for ridge in tuple(self._ridges):
            H[np.diag_indices(len(H))] += ridge * mean
            try:
                factor = scipy.linalg.cho_factor(H, lower=True, check_finite=False)
            except np.linalg.LinAlgError:
                # curvature is only lost along the way: what failed once is not tried again
                self._ridges = self._ridges[1:] or [ridge]
                continue
            step = scipy.linalg.cho_solve(factor, -g, check_finite=False)
            return np.asarray(step).reshape(self.shape) if np.all(np.isfinite(step)) else None
        return None

    def line_search(self, theta: Floats, step: Floats, value: float, slope: float) -> float:
        """Return a step length of sufficient decrease, or 0."""
        length = 1.0
        for _ in range(30):
            trial, _ = self.value_and_weights(self.margins(theta + length * step))
            if trial <= value + 1e-4 * length * slope:
                return length
            length *= 0.5
        return 0.0


class _Accepted(Exception):
    pass


def descend_until(
    model: PairLoss, start: Floats, accept: Callable[[Floats], bool], *, max_steps: int
) -> tuple[Floats, bool]:
    """Minimise by L-BFGS until all margins are positive and accepted.

    Returns the last parameters, and whether they were accepted.
    """
    best = start

    def value_and_gradient(flat: Floats) -> tuple[float, Floats]:
        nonlocal best
        theta = flat.reshape(model.shape)
        u = model.margins(theta)
        if u.min() > 0 and accept(theta):
            best = theta.copy()
            raise _Accepted
        value, weights = model.value_and_weights(u)
        return value, model.gradient(weights).ravel()

    try:
        found = scipy.optimize.minimize(
            value_and_gradient,
            start.ravel(),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": max_steps, "maxfun": 2 * max_steps, "maxcor": 20, "gtol": 1e-9, "ftol": 1e-15},
        )
    except _Accepted:
        return best, True
    return np.asarray(found.x).reshape(model.shape), False
