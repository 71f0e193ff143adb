"""Squared Weston-Watkins hinge: psi(u) = sum_j max(0, 1 - u_j)^2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marginscope.losses.facts import STOPS_AT_MARGIN_ONE, LossFacts, PerClass
from marginscope.losses.log_domain import log_of
from marginscope.losses.pairwise import PairwiseTemplate
from marginscope.losses.tail_form import ZERO_FORM

__all__ = ["SquaredWestonWatkins"]

Floats = NDArray[np.float64]

_FACTS = LossFacts(
    convex=True,
    strictly_decreasing=False,
    smoothness=1,
    nonnegative=True,
    beta_psi=PerClass(2.0, power=0),
    beta_v=PerClass(2.0),
    tail="zero",
    calibrated=True,
    calibration="pairwise comparison with a differentiable falling function (Zhang 2004)",
    strictly_proper=False,
    limit="none",
    limit_reason=STOPS_AT_MARGIN_ONE,
)


@dataclass(frozen=True)
class SquaredWestonWatkins(PairwiseTemplate):
    """Squared hinge of every pair of the true class and a rival.

    psi(u) = sum_j max(0, 1 - u_j)^2,    q_j = 2 max(0, 1 - u_j)
    """

    name: ClassVar[str] = "squared_weston_watkins"
    tail_form_from = 1.0

    facts = _FACTS
    tail_form = ZERO_FORM

    def pair_value(self, margins: Any, xp: Any = np) -> Any:
        return xp.clip(1.0 - margins, 0.0, None) ** 2

    def log_weights(self, margins: Floats) -> Floats:
        return log_of(2.0 * np.maximum(1.0 - margins, 0.0))

    def curvature(self, margins: Floats) -> Floats:
        return np.where(margins < 1.0, 2.0, 0.0)
