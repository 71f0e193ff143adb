"""Fenchel-Young losses of the Tsallis entropies: sparse probabilities (Blondel, Martins and Niculae 2020).

With s = (0, -u), the score differences to the true class, and

    Om(p) = (sum_k p_k^a - 1) / (a (a - 1)),        p(s) = argmax over the simplex of <p, s> - Om(p)

the template is psi(u) = <p, s> - Om(p), with q_j = p_j for the rivals. On the support

    (a - 1) s_k = p_k^(a-1) + tau

so one number tau, the threshold, gives all of them. For a rival mass rho = 1 - p_y,

    a (a - 1) psi = (a - 1) sum_j p_j^a + I_rho(2, a - 1) + a max(tau, 0)

with the regularised incomplete beta function I: no term cancels near psi = 0.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from marginscope.losses.log_domain import log_of
from marginscope.losses.tail_form import ZERO_FORM
from marginscope.losses.template import LogTemplate

__all__ = ["FenchelYoungTemplate", "positive_power"]

Floats = NDArray[np.float64]


class FenchelYoungTemplate(LogTemplate):
    """A template given by ``alpha`` and the threshold of its probabilities."""

    @property
    @abstractmethod
    def alpha(self) -> float:
        """Return the exponent a, above 1 and at most 2."""

    @abstractmethod
    def threshold(self, scaled: Any, xp: Any = np) -> Any:
        """Return tau with sum_k max(x_k - tau, 0)^(1/(a-1)) = 1 for x = (a - 1) s, largest x zero.

        ``scaled`` has shape (..., n_classes), and tau the leading shape.
        """

    tail_form = ZERO_FORM

    @property
    def tail_form_from(self) -> float:
        return 1.0 / (self.alpha - 1.0)

    def value(self, margins: Any, xp: Any = np) -> Any:
        a = self.alpha
        scaled, largest = self._scaled(margins, xp)
        tau = self.threshold(scaled, xp)
        above = xp.clip(scaled - tau[..., None], 0.0, None)
        p = positive_power(above, 1.0 / (a - 1.0), xp)
        entropy = (positive_power(above, a / (a - 1.0), xp).sum(-1) - 1.0) / (a * (a - 1.0))
        # <p, s> with s shifted by its largest entry, and sum p = 1
        return (p * scaled).sum(-1) / (a - 1.0) + largest - entropy

    def log_value(self, margins: Floats) -> Floats:
        return log_of(self._values(*self._roots(np.asarray(margins, dtype=float))))

    def log_weights(self, margins: Floats) -> Floats:
        roots, _ = self._roots(np.asarray(margins, dtype=float))
        return log_of(roots[..., 1:]) / (self.alpha - 1.0)

    def value_and_weights(self, margins: Floats) -> tuple[Floats, Floats]:
        roots, tau = self._roots(np.asarray(margins, dtype=float))
        return self._values(roots, tau), roots[..., 1:] ** (1.0 / (self.alpha - 1.0))

    def hessian_at(self, margins: Floats) -> Callable[[Floats], Floats]:
        roots, _ = self._roots(np.asarray(margins, dtype=float))
        # d p_k / d s_l = g_k (1{k=l} - g_l / sum g),  g = p^(2-a) on the support
        g = positive_power(roots, (2.0 - self.alpha) / (self.alpha - 1.0))
        rivals, total = g[..., 1:], g.sum(axis=-1, keepdims=True)

        def product(vectors: Floats) -> Floats:
            mean = (rivals * vectors).sum(axis=-1, keepdims=True) / total
            return np.asarray(rivals * (vectors - mean))

        return product

    def hessian_product(self, margins: Floats, vectors: Floats) -> Floats:
        return self.hessian_at(margins)(vectors)

    def _values(self, roots: Floats, tau: Floats) -> Floats:
        """Return psi from p^(a-1) and the threshold, without cancellation near 0."""
        a, power = self.alpha, 1.0 / (self.alpha - 1.0)
        rivals = roots[..., 1:]
        own, mass = np.minimum(roots[..., 0] ** power, 1.0), np.minimum((rivals**power).sum(axis=-1), 1.0)
        # each from the smaller of p_y and rho: near rho = 1 the function has a vertical tangent
        beta = np.where(own < 0.5, 1.0 - betainc(a - 1.0, 2.0, own), betainc(2.0, a - 1.0, mass))
        lost = (a - 1.0) * (rivals ** (a * power)).sum(axis=-1) + beta
        return np.asarray((lost + a * np.maximum(tau, 0.0)) / (a * (a - 1.0)))

    def _scaled(self, margins: Any, xp: Any) -> tuple[Any, Any]:
        """Return (a - 1) (s - max s), true class first, and max s."""
        s = xp.concatenate([xp.zeros_like(margins[..., :1]), -margins], -1)
        largest = xp.amax(s, -1)
        # the difference first: it is exact between margins near -800
        return (self.alpha - 1.0) * (s - largest[..., None]), largest

    def _roots(self, margins: Floats) -> tuple[Floats, Floats]:
        """Return p^(a-1), true class first, and the threshold of the unshifted x."""
        scaled, largest = self._scaled(margins, np)
        tau = self.threshold(scaled)
        return np.maximum(scaled - tau[..., None], 0.0), tau + (self.alpha - 1.0) * largest


def positive_power(x: Any, exponent: float, xp: Any = np) -> Any:
    """Return x^exponent where x > 0 and 0 elsewhere, with derivatives that stay finite there."""
    inside = x > 0.0
    return xp.where(inside, xp.where(inside, x, 1.0) ** exponent, 0.0)
