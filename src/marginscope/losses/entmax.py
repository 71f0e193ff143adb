"""Entmax losses: between cross-entropy (alpha 1) and sparsemax (alpha 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from marginscope.exceptions import UsageError
from marginscope.losses.facts import Constant, LossFacts
from marginscope.losses.fenchel_young import FenchelYoungTemplate, positive_power

__all__ = ["Entmax"]

# on piecewise linear G (alpha = 2) every step drops at least one class, and the gain of the j-th
# last step is at most 1 / j! of the range: 19 reach rounding, and smaller alpha need fewer
_MOST_STEPS = 20


@dataclass(frozen=True)
class Entmax(FenchelYoungTemplate):
    """Fenchel-Young loss of the Tsallis entropy (Peters, Niculae and Martins 2019).

    psi(u) = max_p <p, s> - (sum_k p_k^a - 1) / (a (a - 1)),    s = (0, -u)

    Parameters
    ----------
    alpha : float
        Above 1 and at most 2; near 1 the probabilities are nearly those of the softmax.
    """

    alpha: float = 1.5
    name: ClassVar[str] = "entmax"

    def __post_init__(self) -> None:
        if not 1.0 < self.alpha <= 2.0:
            raise UsageError(
                f"entmax needs alpha above 1 and at most 2, but got {self.alpha!r}; use cross_entropy for alpha 1"
            )

    @property
    def facts(self) -> LossFacts:
        # two classes at probability 1/2 curve most: p^(2-a) / 2 * 2
        curvature = 2.0 ** (self.alpha - 2.0)
        return LossFacts(
            convex=True,
            strictly_decreasing=False,
            # the support changes where p is 0, and p^(2-a) vanishes there too unless a is 2
            smoothness=1 if self.alpha == 2.0 else 2,
            nonnegative=True,
            beta_psi=Constant(curvature, two_classes=curvature / 2.0),
            beta_v=Constant(curvature, two_classes=curvature),
            tail="zero",
            calibrated=True,
            calibration="entmax(v) = pi at the minimiser, and entmax keeps the order "
            "(Blondel, Martins and Niculae 2020)",
            strictly_proper=False,
            limit="none",
            limit_reason="gradients vanish once all margins are 1 / (alpha - 1): descent stops at a point that "
            "depends on its start",
        )

    def threshold(self, scaled: Any, xp: Any = np) -> Any:
        # Newton on G(tau) = ||(x - tau)_+||_m - 1 with m = 1/(a-1): G is convex and falls, so that steps
        # from tau = -1, where the largest x alone gives G >= 0, never overshoot
        m = 1.0 / (self.alpha - 1.0)
        fixed = scaled.detach() if hasattr(scaled, "detach") else scaled
        tau = xp.zeros_like(fixed[..., 0]) - 1.0
        noise = 2.0 * xp.finfo(fixed.dtype).eps
        for _ in range(_MOST_STEPS):
            step = _newton_step(fixed, tau, m, xp)
            tau = tau + step
            if _has_settled(step, noise, xp):
                break
        if fixed is not scaled:
            # each step on the graph doubles the order to which tau depends on x: two give all of the Hessian
            for _ in range(2):
                tau = tau + _newton_step(scaled, tau, m, xp)
        return tau


def _has_settled(step: Any, noise: float, xp: Any) -> bool:
    """Return whether all steps are rounding; no where torch traces, since values cannot be read there."""
    if xp is not np and xp.compiler.is_compiling():
        return False
    try:
        return not bool((step > noise).any())
    except RuntimeError:  # inside vmap
        return False


def _newton_step(scaled: Any, tau: Any, m: float, xp: Any) -> Any:
    above = xp.clip(scaled - tau[..., None], 0.0, None)
    # the largest entry is 0, so above / -tau is at most 1 and powers neither overflow nor vanish
    size = positive_power(above, m, xp).sum(-1)
    slope = positive_power(above, m - 1.0, xp).sum(-1)
    return (size - size ** (1.0 - 1.0 / m)) / slope
