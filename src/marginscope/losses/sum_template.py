"""Templates that depend on S = sum_j exp(-u_j) alone.

psi(u) = h(t),  t = log S;    q_j = h'(t) s_j,  s_j = exp(-u_j) / S
Hessian = h'(t) (diag s - s s') + h''(t) s s'
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.losses.facts import Constant
from marginscope.losses.log_domain import log_sum, share_and_log_sum
from marginscope.losses.template import LogTemplate

__all__ = ["SumTemplate", "sum_smoothness"]

Floats = NDArray[np.float64]


class SumTemplate(LogTemplate):
    """A template given by h, log h, log h' and h'' as functions of t = log S."""

    @abstractmethod
    def of_log_sum(self, t: Any, xp: Any = np) -> Any:
        """Return h(t) on NumPy or torch."""

    @abstractmethod
    def log_of_log_sum(self, t: Floats) -> Floats:
        """Return log h(t)."""

    @abstractmethod
    def log_slope(self, t: Floats) -> Floats:
        """Return log h'(t)."""

    @abstractmethod
    def curvature(self, t: Floats) -> Floats:
        """Return h''(t)."""

    def value(self, margins: Any, xp: Any = np) -> Any:
        return self.of_log_sum(log_sum(margins, xp), xp)

    def log_value(self, margins: Floats) -> Floats:
        return self.log_of_log_sum(log_sum(np.asarray(margins, dtype=float)))

    def log_weights(self, margins: Floats) -> Floats:
        log_share, t = share_and_log_sum(np.asarray(margins, dtype=float), log=True)
        return np.asarray(log_share + self.log_slope(t)[..., None])

    def weights(self, margins: Floats) -> Floats:
        share, t = share_and_log_sum(np.asarray(margins, dtype=float))
        return np.asarray(share * np.exp(self.log_slope(t))[..., None])

    def value_and_weights(self, margins: Floats) -> tuple[Floats, Floats]:
        share, t = share_and_log_sum(np.asarray(margins, dtype=float))
        return np.asarray(self.of_log_sum(t)), share * np.exp(self.log_slope(t))[..., None]

    def hessian_at(self, margins: Floats) -> Callable[[Floats], Floats]:
        share, t = share_and_log_sum(np.asarray(margins, dtype=float))
        slope, curvature = np.exp(self.log_slope(t))[..., None], self.curvature(t)[..., None]

        def product(vectors: Floats) -> Floats:
            mean = (share * vectors).sum(axis=-1, keepdims=True)
            # not slope v - (slope - curvature) mean: with one rival the curvature alone must be left
            return np.asarray(share * (slope * (vectors - mean) + curvature * mean))

        return product

    def hessian_product(self, margins: Floats, vectors: Floats) -> Floats:
        return self.hessian_at(margins)(vectors)


@lru_cache(maxsize=64)
def sum_smoothness(template: SumTemplate) -> tuple[Constant, Constant]:
    """Return the smoothness in the margins and in the scores.

    With a = sup h' and b = sup |h''| they are max(a / 2, b) and max(a / 2, 2 b), and
    b and 2 b for two classes. For given x the form x' H x = h' Var_s(x) + h'' (E_s x)^2 is
    largest at shares on two rivals (a moment problem with two constraints), and the
    characteristic polynomial of the 2 x 2 matrix is not negative at these numbers.
    """
    slope = _supremum(lambda t: np.exp(template.log_slope(t)))
    curvature = _supremum(lambda t: np.abs(template.curvature(t)))
    in_margins = Constant(max(slope / 2.0, curvature), two_classes=curvature)
    return in_margins, Constant(max(slope / 2.0, 2.0 * curvature), two_classes=2.0 * curvature)


def _supremum(function: Callable[[Floats], Floats]) -> float:
    """Return the largest value over log S, on a grid that is refined once."""
    t = np.linspace(-60.0, 60.0, 12001)
    best = float(t[int(np.argmax(function(t)))])
    return float(function(np.linspace(best - 0.01, best + 0.01, 2001)).max())
