"""Cross-entropy, or multinomial logistic: psi(u) = log(1 + sum_j exp(-u_j))."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marginscope.losses.facts import Constant, LossFacts
from marginscope.losses.log_domain import log_softplus, sigmoid, softplus
from marginscope.losses.sum_template import SumTemplate
from marginscope.losses.tail_form import FunctionOfSum

__all__ = ["CROSS_ENTROPY_FACTS", "CrossEntropy", "log_one_plus"]

Floats = NDArray[np.float64]

CROSS_ENTROPY_FACTS = LossFacts(
    convex=True,
    strictly_decreasing=True,
    smoothness=2,
    nonnegative=True,
    beta_psi=Constant(0.5, two_classes=0.25),
    beta_v=Constant(0.5, two_classes=0.5),
    tail="exponential",
    tail_constant=1.0,
    calibrated=True,
    calibration="strictly proper: the conditional risk is a Kullback-Leibler divergence (Gneiting and Raftery 2007)",
    strictly_proper=True,
    limit="hard_margin",
    limit_reason="exponential tail with c = 1 (Ravi, Scott, Soudry and Wang 2024)",
)


def log_one_plus(s: Any, ops: Any) -> Any:
    """Return log(1 + s)."""
    return ops.log1p(s)


@dataclass(frozen=True)
class CrossEntropy(SumTemplate):
    """Cross-entropy of the softmax.

    psi(u) = log(1 + S),    q_j = exp(-u_j) / (1 + S)
    """

    name: ClassVar[str] = "cross_entropy"

    facts = CROSS_ENTROPY_FACTS
    tail_form = FunctionOfSum(log_one_plus)

    def of_log_sum(self, t: Any, xp: Any = np) -> Any:
        return softplus(t, xp)

    def log_of_log_sum(self, t: Floats) -> Floats:
        return log_softplus(t)

    def log_slope(self, t: Floats) -> Floats:
        return np.asarray(-softplus(-t))

    def curvature(self, t: Floats) -> Floats:
        return sigmoid(t) * sigmoid(-t)
