"""Squared distance of every margin from 1: psi(u) = sum_j (1 - u_j)^2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marginscope.losses.facts import LossFacts, PerClass
from marginscope.losses.log_domain import log_of
from marginscope.losses.pairwise import PairwiseTemplate
from marginscope.losses.tail_form import SumOfParts

__all__ = ["SquaredMargin"]

Floats = NDArray[np.float64]

_FACTS = LossFacts(
    convex=True,
    strictly_decreasing=False,
    smoothness=2,
    nonnegative=True,
    beta_psi=PerClass(2.0, power=0),
    beta_v=PerClass(2.0),
    tail="negative",
    calibrated=True,
    calibration="derived: with sum v = 0 and m = sum pi v < 2 the minimiser is v_y = 1 - (2 - m) / (1 + K pi_y)",
    strictly_proper=False,
    limit="none",
    limit_reason="a least-squares problem: descent converges to a finite fit of equal margins",
)


def _part(z: Any, ops: Any) -> Any:
    return (1.0 + ops.log(z)) ** 2


@dataclass(frozen=True)
class SquaredMargin(PairwiseTemplate):
    """Least squares on the margins: margins above 1 cost as much as those below.

    psi(u) = sum_j (1 - u_j)^2,    q_j = 2 (1 - u_j)
    """

    name: ClassVar[str] = "squared_margin"

    facts = _FACTS
    tail_form = SumOfParts(_part)

    def pair_value(self, margins: Any, xp: Any = np) -> Any:
        return (1.0 - margins) ** 2

    def log_weights(self, margins: Floats) -> Floats:
        return log_of(2.0 * np.abs(1.0 - np.asarray(margins)))

    def weight_signs(self, margins: Floats) -> Floats:
        return np.sign(1.0 - np.asarray(margins))

    def curvature(self, margins: Floats) -> Floats:
        return np.full(np.shape(margins), 2.0)
