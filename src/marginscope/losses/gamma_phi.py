"""Gamma-Phi losses: psi(u) = g(sum_j f(u_j)) for functions g and f of the user."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marginscope.losses.cross_entropy import CROSS_ENTROPY_FACTS, CrossEntropy, log_one_plus
from marginscope.losses.derivative import slope_of
from marginscope.losses.facts import LossFacts
from marginscope.losses.log_domain import log_of, log_sum
from marginscope.losses.tail_form import FunctionOfSum, TailForm
from marginscope.losses.template import Template

__all__ = ["GammaPhi", "falling_exponential"]

Floats = NDArray[np.float64]
_CROSS_ENTROPY = CrossEntropy()


def falling_exponential(margins: Any, ops: Any) -> Any:
    """Return exp(-u)."""
    return ops.exp(-margins)


@dataclass(frozen=True)
class GammaPhi(Template):
    """A rising function of a sum of falling functions (Wang and Scott 2023).

    psi(u) = g(sum_j f(u_j)),    q_j = -g'(sum) f'(u_j)

    Parameters
    ----------
    g, f : callable
        Called as ``g(x, ops)`` with a namespace that has ``exp``, ``log``, ``log1p`` and
        ``sqrt``: NumPy, torch, or the intervals that prove a tail. Without arguments
        they give cross-entropy. Both must be analytic.
    inner : callable, optional
        f in terms of z = exp(-u), ``inner(z, ops)``, so that a tail can be proved; known
        where f is left out.
    """

    g: Callable[[Any, Any], Any] = log_one_plus
    f: Callable[[Any, Any], Any] = falling_exponential
    inner: Callable[[Any, Any], Any] | None = None
    name: ClassVar[str] = "gamma_phi"
    # exp(-u) overflows below
    lowest_margin: ClassVar[float] = -700.0

    @property
    def facts(self) -> LossFacts:
        return CROSS_ENTROPY_FACTS if (self.g, self.f) == (log_one_plus, falling_exponential) else LossFacts()

    @property
    def tail_form(self) -> TailForm | None:
        if self.f is falling_exponential:
            return FunctionOfSum(self.g)
        return FunctionOfSum(self.g, self.inner) if self.inner is not None else None

    def value(self, margins: Any, xp: Any = np) -> Any:
        if self.g is log_one_plus and self.f is falling_exponential:
            return _CROSS_ENTROPY.value(margins, xp)  # its sum does not overflow
        return self.g(self.f(margins, xp).sum(-1), xp)

    def weights(self, margins: Floats) -> Floats:
        return np.asarray(self.weight_signs(margins) * np.exp(self.log_weights(margins)))

    def log_value(self, margins: Floats) -> Floats:
        u = np.asarray(margins, dtype=float)
        plain = log_of(self.value(u))
        if self.f is not falling_exponential or self.g(0.0, np) != 0.0:
            return plain
        # where the sum underflows, g is its tangent at 0
        log_s = log_sum(u)
        return np.where(log_s < -100.0, log_of(slope_of(self.g, np.zeros(1))) + log_s, plain)

    def log_weights(self, margins: Floats) -> Floats:
        u = np.asarray(margins, dtype=float)
        return np.asarray(log_of(np.abs(self._outer_slope(u)))[..., None] + self._log_inner_slope(u))

    def weight_signs(self, margins: Floats) -> Floats:
        u = np.asarray(margins, dtype=float)
        outer = np.sign(self._outer_slope(u))[..., None]
        if self.f is falling_exponential:
            return np.broadcast_to(outer, u.shape).copy()
        return np.asarray(-outer * np.sign(slope_of(self.f, u)))

    def _outer_slope(self, u: Floats) -> Floats:
        return slope_of(self.g, np.asarray(self.f(u, np)).sum(-1))

    def _log_inner_slope(self, u: Floats) -> Floats:
        # exp(-u) underflows where its logarithm is exact
        return -u if self.f is falling_exponential else log_of(np.abs(slope_of(self.f, u)))
