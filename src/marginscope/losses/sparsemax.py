"""Sparsemax loss: the Euclidean projection of the scores onto the simplex."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from marginscope.losses.facts import STOPS_AT_MARGIN_ONE, Constant, LossFacts
from marginscope.losses.fenchel_young import FenchelYoungTemplate

__all__ = ["Sparsemax"]

_FACTS = LossFacts(
    convex=True,
    strictly_decreasing=False,
    smoothness=1,
    nonnegative=True,
    beta_psi=Constant(1.0, two_classes=0.5),
    beta_v=Constant(1.0, two_classes=1.0),
    tail="zero",
    calibrated=True,
    calibration="sparsemax(v) = pi at the minimiser, and sparsemax keeps the order (Blondel, Martins and Niculae 2020)",
    strictly_proper=False,
    limit="none",
    limit_reason=STOPS_AT_MARGIN_ONE,
)


@dataclass(frozen=True)
class Sparsemax(FenchelYoungTemplate):
    """Sparsemax loss (Martins and Astudillo 2016).

    psi(u) = max_p <p, s> - ||p||^2 / 2 + 1/2,    q_j = sparsemax(s)_j,    s = (0, -u)
    """

    name: ClassVar[str] = "sparsemax"
    alpha = 2.0

    facts = _FACTS

    def threshold(self, scaled: Any, xp: Any = np) -> Any:
        ordered = xp.sort(scaled, -1)
        # torch returns values and indices together
        ordered = xp.flip(getattr(ordered, "values", ordered), (-1,))
        count = xp.cumsum(xp.ones_like(ordered), -1)
        total = xp.cumsum(ordered, -1)
        inside = count * ordered > total - 1.0
        size = inside.sum(-1)
        return ((ordered * inside).sum(-1) - 1.0) / size
