"""Templates that depend on S = sum_j exp(-u_j) alone.

psi(u) = h(t),  t = log S;    q_j = h'(t) s_j,  s_j = exp(-u_j) / S
Hessian = h'(t) (diag s - s s') + h''(t) s s'
"""

from __future__ import annotations

from abc import abstractmethod
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.losses.facts import Constant
from marginscope.losses.log_domain import log_share_and_sum, log_sum
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
        log_share, t = log_share_and_sum(np.asarray(margins, dtype=float))
        return np.asarray(log_share + self.log_slope(t)[..., None])

    def hessian_product(self, margins: Floats, vectors: Floats) -> Floats:
        log_share, t = log_share_and_sum(np.asarray(margins, dtype=float))
        share = np.exp(log_share)
        mean = (share * vectors).sum(axis=-1, keepdims=True)
        slope = np.exp(self.log_slope(t))[..., None]
        return np.asarray(share * (slope * (vectors - mean) + self.curvature(t)[..., None] * mean))


@lru_cache(maxsize=64)
def sum_smoothness(template: SumTemplate) -> tuple[Constant, Constant]:
    """Return the smoothness in the margins and in the scores, by maximising over t and s.

    x' H x = h' Var_s(x) + h'' (E_s x)^2 is largest, for given x, at shares s on at
    most two classes (a moment problem with two constraints), so three classes are
    the worst case and the top eigenvalue is that of a 2 x 2 matrix.
    """
    t = np.linspace(-60.0, 60.0, 12001)
    slope, curvature = np.exp(template.log_slope(t)), template.curvature(t)
    psi, scores = _top_eigenvalues(slope, curvature)
    single = np.abs(curvature)
    best = [_refine(template, t[int(np.argmax(one))], pick) for pick, one in enumerate((single, psi, scores))]
    return Constant(best[1], two_classes=best[0]), Constant(best[2], two_classes=2.0 * best[0])


def _refine(template: SumTemplate, start: float, pick: int) -> float:
    t = np.linspace(start - 0.02, start + 0.02, 2001)
    slope, curvature = np.exp(template.log_slope(t)), template.curvature(t)
    found = np.abs(curvature) if pick == 0 else _top_eigenvalues(slope, curvature)[pick - 1]
    return float(found.max())


def _top_eigenvalues(slope: Floats, curvature: Floats) -> tuple[Floats, Floats]:
    """Return the largest |eigenvalue| of H and of J' H J over the shares (s, 1 - s), for every t."""
    s = np.linspace(0.5, 1.0, 201)
    product = s * (1.0 - s)
    A, B = slope[:, None], curvature[:, None]
    a, b, off = A * product + B * s**2, A * product + B * (1.0 - s) ** 2, (B - A) * product
    determinant = a * b - off**2
    psi = _largest(a + b, determinant)
    # J J' = I + 1 1' for three classes: trace of H (I + 1 1'), and det(I + 1 1') = 3
    scores = _largest(2.0 * (a + b + off), 3.0 * determinant)
    return psi, scores


def _largest(trace: Floats, determinant: Floats) -> Floats:
    root = np.sqrt(np.maximum(trace**2 / 4.0 - determinant, 0.0))
    return np.asarray(np.max(np.abs(trace) / 2.0 + root, axis=1))
