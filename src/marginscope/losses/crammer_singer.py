"""Crammer-Singer hinge: psi(u) = max(0, 1 - min_j u_j)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marginscope.losses.facts import STOPS_AT_MARGIN_ONE, LossFacts, PerClass
from marginscope.losses.log_domain import log_of
from marginscope.losses.tail_form import ZERO_FORM
from marginscope.losses.template import LogTemplate

__all__ = ["CrammerSinger"]

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
    calibration="not for K >= 3: equal scores minimise the conditional risk when no class has probability 1/2 "
    "(Tewari and Bartlett 2007)",
    strictly_proper=False,
    limit="none",
    limit_reason=STOPS_AT_MARGIN_ONE,
)


@dataclass(frozen=True)
class CrammerSinger(LogTemplate):
    """Hinge of the worst rival (Crammer and Singer 2001).

    psi(u) = max_j max(0, 1 - u_j),    q_j = 1 for the smallest u_j < 1, shared by ties
    """

    name: ClassVar[str] = "crammer_singer"
    tail_form_from = 1.0

    facts = _FACTS
    tail_form = ZERO_FORM

    def value(self, margins: Any, xp: Any = np) -> Any:
        return xp.clip(1.0 - xp.amin(margins, -1), 0.0, None)

    def log_weights(self, margins: Floats) -> Floats:
        worst = np.min(margins, axis=-1, keepdims=True)
        tied = (margins == worst) & (worst < 1.0)
        return log_of(tied / np.maximum(tied.sum(axis=-1, keepdims=True), 1))

    def hessian_product(self, margins: Floats, vectors: Floats) -> Floats:
        return np.zeros_like(vectors)
