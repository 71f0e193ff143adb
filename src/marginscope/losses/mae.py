"""Mean absolute error of the probabilities: psi(u) = 1 - p, p = 1 / (1 + S)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marginscope.losses.facts import LossFacts
from marginscope.losses.log_domain import sigmoid, softplus
from marginscope.losses.sum_template import SumTemplate, sum_smoothness
from marginscope.losses.tail_form import FunctionOfSum

__all__ = ["MAE"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MAE(SumTemplate):
    """One minus the probability of the true class (half the absolute error).

    psi(u) = S / (1 + S),    q_j = exp(-u_j) / (1 + S)^2
    """

    name: ClassVar[str] = "mae"

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
            tail="near_exponential",
            tail_constant=1.0,
            calibrated=True,
            calibration="the conditional risk 1 - sum_y pi_y p_y tends to its infimum only as the most probable class "
            "gets probability one (Ghosh, Kumar and Sastry 2017)",
            strictly_proper=False,
            limit="hard_margin",
            limit_reason="measured, not proved: r_i = (1 + S)^-2 tends to 1, but it lies below 1 - S and the loss is "
            "not convex",
        )

    @property
    def tail_form(self) -> FunctionOfSum:
        return FunctionOfSum(_share_of_others)

    def of_log_sum(self, t: Any, xp: Any = np) -> Any:
        return xp.exp(-softplus(-t, xp))

    def log_of_log_sum(self, t: Floats) -> Floats:
        return np.asarray(-softplus(-t))

    def log_slope(self, t: Floats) -> Floats:
        return np.asarray(-softplus(t) - softplus(-t))

    def curvature(self, t: Floats) -> Floats:
        r, p = sigmoid(t), sigmoid(-t)
        return np.asarray(r * p * (p - r))


def _share_of_others(s: Any, ops: Any) -> Any:
    return s / (1.0 + s)
