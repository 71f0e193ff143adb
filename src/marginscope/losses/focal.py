"""Focal loss: psi(u) = (1 - p)^gamma log(1 / p), p = 1 / (1 + S)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import UsageError
from marginscope.losses.facts import LossFacts
from marginscope.losses.log_domain import log_of, log_softplus, sigmoid, softplus
from marginscope.losses.sum_template import SumTemplate, sum_smoothness
from marginscope.losses.tail_form import FunctionOfSum

__all__ = ["Focal"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Focal(SumTemplate):
    """Focal loss (Lin et al. 2017).

    psi(u) = (1 - p)^g log(1/p),    q_j = [(1 - p)^g + g (1 - p)^(g-1) p log(1/p)] p exp(-u_j)

    Parameters
    ----------
    gamma : float
        Positive: how strongly samples that are right already count less.
    """

    gamma: float = 2.0
    name: ClassVar[str] = "focal"

    def __post_init__(self) -> None:
        if not 0.0 < self.gamma < np.inf:
            raise UsageError(
                f"focal needs a positive finite gamma, but got {self.gamma!r}; use cross_entropy for gamma 0"
            )

    @property
    def facts(self) -> LossFacts:
        beta_psi, beta_v = sum_smoothness(self)
        return LossFacts(
            convex=False,
            strictly_decreasing=True,
            smoothness=2,
            nonnegative=True,
            beta_psi=beta_psi,
            beta_v=beta_v,
            tail="light",
            calibrated=True,
            calibration="calibrated, with probabilities that must be corrected (Charoenphakdee et al. 2021)",
            strictly_proper=False,
            limit="hard_margin",
            limit_reason="measured, not proved: the tail is exponential at rate 1 + gamma in the soft minimum of the "
            "margins; norms grow as log t / (1 + gamma)",
        )

    @property
    def tail_form(self) -> FunctionOfSum:
        return FunctionOfSum(partial(_focal_of_sum, gamma=self.gamma))

    def of_log_sum(self, t: Any, xp: Any = np) -> Any:
        return xp.exp(-self.gamma * softplus(-t, xp)) * softplus(t, xp)

    def log_of_log_sum(self, t: Floats) -> Floats:
        return np.asarray(-self.gamma * softplus(-t) + log_softplus(t))

    def log_slope(self, t: Floats) -> Floats:
        # h' = r^g (g p l + r) with r = 1 - p and l = log(1/p); both terms vanish like exp(t)
        log_r = -softplus(-t)
        slower = np.logaddexp(log_of(self.gamma) - softplus(t) + log_softplus(t), log_r)
        return np.asarray(self.gamma * log_r + slower)

    def curvature(self, t: Floats) -> Floats:
        g, r, p = self.gamma, sigmoid(t), sigmoid(-t)
        loss = softplus(t)
        return np.asarray(np.exp(-g * softplus(-t)) * p * ((1.0 + 2.0 * g) * r + g * loss * (g * p - r)))


def _focal_of_sum(s: Any, ops: Any, gamma: float) -> Any:
    # (s / (1 + s))^gamma; a whole exponent is exact and has no logarithm to take at 0
    share = s / (1.0 + s)
    power = share ** int(gamma) if float(gamma).is_integer() else ops.power(share, gamma)
    return power * ops.log1p(s)
