"""The multiclass exponential loss: psi(u) = sum_j exp(-u_j)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marginscope.losses.facts import Constant, LossFacts
from marginscope.losses.sum_template import SumTemplate
from marginscope.losses.tail_form import FunctionOfSum

__all__ = ["Exponential"]

Floats = NDArray[np.float64]

_FACTS = LossFacts(
    convex=True,
    strictly_decreasing=True,
    smoothness=2,
    nonnegative=True,
    beta_psi=Constant(np.inf, two_classes=np.inf),
    beta_v=Constant(np.inf, two_classes=np.inf),
    tail="exponential",
    tail_constant=1.0,
    calibrated=True,
    calibration="the minimiser is v_y = log(pi_y) / 2 up to a constant (pairwise, differentiable: Zhang 2004)",
    strictly_proper=False,
    limit="hard_margin",
    limit_reason="exponential tail with c = 1, but no global step size (Ravi, Scott, Soudry and Wang 2024)",
)


def _identity(s: Any, ops: Any) -> Any:
    return s


@dataclass(frozen=True)
class Exponential(SumTemplate):
    """Multiclass exponential loss.

    psi(u) = S,    q_j = exp(-u_j)
    """

    name: ClassVar[str] = "exponential"

    facts = _FACTS
    tail_form = FunctionOfSum(_identity)

    def value(self, margins: Any, xp: Any = np) -> Any:
        # not exp(log S): where S overflows its derivative would be infinity times 0
        return xp.exp(-margins).sum(-1)

    def of_log_sum(self, t: Any, xp: Any = np) -> Any:
        return xp.exp(t)

    def log_of_log_sum(self, t: Floats) -> Floats:
        return t

    def log_slope(self, t: Floats) -> Floats:
        return t

    def curvature(self, t: Floats) -> Floats:
        return np.exp(t)
