"""Polynomial tail: psi(u) = sum_j (1 + u_j)^-a, continued by its tangent below 0."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import UsageError
from marginscope.losses.facts import LossFacts, PerClass
from marginscope.losses.pairwise import PairwiseTemplate
from marginscope.losses.tail_form import SumOfParts

__all__ = ["Polynomial"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Polynomial(PairwiseTemplate):
    """A loss whose tail is too heavy for the hard margin.

    psi(u) = sum_j (1 + u_j)^-a for u_j > 0, 1 - a u_j for u_j <= 0

    Parameters
    ----------
    a : float
        Exponent of the tail, positive.
    """

    a: float = 1.0
    name: ClassVar[str] = "polynomial"
    tail_form_from = 0.0

    def __post_init__(self) -> None:
        if not 0.0 < self.a < np.inf:
            raise UsageError(f"polynomial needs a positive finite exponent a, but got {self.a!r}; use 1.0 for 1/(1+u)")

    @property
    def facts(self) -> LossFacts:
        curvature = self.a * (self.a + 1.0)
        return LossFacts(
            convex=True,
            strictly_decreasing=True,
            smoothness=1,
            nonnegative=True,
            beta_psi=PerClass(curvature, power=0),
            beta_v=PerClass(curvature),
            tail="heavy",
            calibrated=True,
            calibration="pairwise comparison with a differentiable falling function (Zhang 2004)",
            strictly_proper=False,
            limit="other",
            limit_reason="the direction of norm one that minimises sum u_ik^-a; norms grow as t^(1/(a+2)) "
            "(Ji, Dudik, Schapire and Telgarsky 2020)",
        )

    @property
    def tail_form(self) -> SumOfParts:
        return SumOfParts(partial(_part, a=self.a))

    def pair_value(self, margins: Any, xp: Any = np) -> Any:
        positive = xp.clip(margins, 0.0, None)
        return xp.where(margins > 0.0, (1.0 + positive) ** -self.a, 1.0 - self.a * margins)

    def log_pair_value(self, margins: Floats) -> Floats:
        positive, negative = np.maximum(margins, 0.0), np.minimum(margins, 0.0)
        return np.asarray(-self.a * np.log1p(positive) + np.log1p(-self.a * negative))

    def log_weights(self, margins: Floats) -> Floats:
        return np.asarray(np.log(self.a) - (self.a + 1.0) * np.log1p(np.maximum(margins, 0.0)))

    def curvature(self, margins: Floats) -> Floats:
        steep = self.a * (self.a + 1.0) * (1.0 + np.maximum(margins, 0.0)) ** (-self.a - 2.0)
        return np.where(margins > 0.0, steep, 0.0)


def _part(z: Any, ops: Any, a: float) -> Any:
    return ops.power(1.0 - ops.log(z), -a)
