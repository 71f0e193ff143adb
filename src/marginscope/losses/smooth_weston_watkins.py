"""Smoothed Weston-Watkins hinge: the kink at 1 is rounded by a parabola of width h."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import UsageError
from marginscope.losses.facts import STOPS_AT_MARGIN_ONE, LossFacts, PerClass
from marginscope.losses.log_domain import log_of
from marginscope.losses.pairwise import PairwiseTemplate
from marginscope.losses.tail_form import ZERO_FORM

__all__ = ["SmoothWestonWatkins"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SmoothWestonWatkins(PairwiseTemplate):
    """Huberised hinge of every pair of the true class and a rival.

    psi(u) = sum_j H(1 - u_j),    H(d) = d^2 / (2 h) on [0, h], d - h / 2 above, 0 below

    Parameters
    ----------
    h : float
        Width of the parabola, positive.
    """

    h: float = 1.0
    name: ClassVar[str] = "smooth_weston_watkins"
    tail_form_from = 1.0

    def __post_init__(self) -> None:
        if not 0.0 < self.h < np.inf:
            raise UsageError(
                f"smooth_weston_watkins needs a positive finite width h, but got {self.h!r}; "
                "use weston_watkins for width 0"
            )

    @property
    def facts(self) -> LossFacts:
        return LossFacts(
            convex=True,
            strictly_decreasing=False,
            smoothness=1,
            nonnegative=True,
            beta_psi=PerClass(1.0 / self.h, power=0),
            beta_v=PerClass(1.0 / self.h),
            tail="zero",
            calibrated=True,
            calibration="pairwise comparison with a differentiable falling function (Zhang 2004)",
            strictly_proper=False,
            limit="none",
            limit_reason=STOPS_AT_MARGIN_ONE,
        )

    tail_form = ZERO_FORM

    def pair_value(self, margins: Any, xp: Any = np) -> Any:
        short = xp.clip(1.0 - margins, 0.0, None)
        return xp.where(short < self.h, short**2 / (2.0 * self.h), short - 0.5 * self.h)

    def log_weights(self, margins: Floats) -> Floats:
        return log_of(np.clip((1.0 - margins) / self.h, 0.0, 1.0))

    def curvature(self, margins: Floats) -> Floats:
        short = 1.0 - margins
        return ((short > 0.0) & (short < self.h)) / self.h
