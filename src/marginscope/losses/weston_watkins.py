"""Weston-Watkins hinge: psi(u) = sum_j max(0, 1 - u_j)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marginscope.losses.facts import STOPS_AT_MARGIN_ONE, LossFacts, PerClass
from marginscope.losses.log_domain import log_of
from marginscope.losses.pairwise import PairwiseTemplate
from marginscope.losses.tail_form import ZERO_FORM

__all__ = ["WestonWatkins"]

Floats = NDArray[np.float64]

_FACTS = LossFacts(
    convex=True,
    strictly_decreasing=False,
    smoothness=0,
    nonnegative=True,
    beta_psi=PerClass(np.inf),
    beta_v=PerClass(np.inf),
    tail="zero",
    calibrated=False,
    calibration="not for K >= 3: minimisers may tie a most probable class with another (Tewari and Bartlett 2007); "
    "calibrated for ordered partitions (Wang and Scott 2020)",
    strictly_proper=False,
    limit="none",
    limit_reason=STOPS_AT_MARGIN_ONE,
)


@dataclass(frozen=True)
class WestonWatkins(PairwiseTemplate):
    """Hinge of every pair of the true class and a rival (Weston and Watkins 1999).

    psi(u) = sum_j max(0, 1 - u_j),    q_j = 1 where u_j < 1, else 0
    """

    name: ClassVar[str] = "weston_watkins"
    tail_form_from = 1.0

    facts = _FACTS
    tail_form = ZERO_FORM

    def pair_value(self, margins: Any, xp: Any = np) -> Any:
        return xp.clip(1.0 - margins, 0.0, None)

    def log_weights(self, margins: Floats) -> Floats:
        return log_of((np.asarray(margins) < 1.0).astype(float))

    def curvature(self, margins: Floats) -> Floats:
        return np.zeros_like(margins)
