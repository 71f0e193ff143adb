"""Pairwise logistic loss (PairLogLoss): psi(u) = sum_j log(1 + exp(-u_j))."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marginscope.losses.cross_entropy import log_one_plus
from marginscope.losses.facts import LossFacts, PerClass
from marginscope.losses.log_domain import log_softplus, sigmoid, softplus
from marginscope.losses.pairwise import PairwiseTemplate
from marginscope.losses.tail_form import SumOfParts

__all__ = ["PairLogistic"]

Floats = NDArray[np.float64]

_FACTS = LossFacts(
    convex=True,
    strictly_decreasing=True,
    smoothness=2,
    nonnegative=True,
    beta_psi=PerClass(0.25, power=0),
    beta_v=PerClass(0.25),
    tail="exponential",
    tail_constant=1.0,
    calibrated=True,
    calibration="pairwise comparison with a differentiable falling function (Zhang 2004)",
    strictly_proper=True,
    limit="hard_margin",
    limit_reason="exponential tail with c = 1 (Ravi, Scott, Soudry and Wang 2024)",
)


@dataclass(frozen=True)
class PairLogistic(PairwiseTemplate):
    """Logistic loss of every pair of the true class and a rival.

    psi(u) = sum_j log(1 + exp(-u_j)),    q_j = 1 / (1 + exp(u_j))
    """

    name: ClassVar[str] = "pair_logistic"

    facts = _FACTS
    tail_form = SumOfParts(log_one_plus)

    def pair_value(self, margins: Any, xp: Any = np) -> Any:
        return softplus(-margins, xp)

    def log_pair_value(self, margins: Floats) -> Floats:
        return log_softplus(-margins)

    def log_weights(self, margins: Floats) -> Floats:
        return np.asarray(-softplus(np.asarray(margins, dtype=float)))

    def curvature(self, margins: Floats) -> Floats:
        return sigmoid(margins) * sigmoid(-margins)
