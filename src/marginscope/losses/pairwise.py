"""Templates that are a sum over the rivals, so that pairs of classes do not interact.

psi(u) = sum_j h(u_j),    q_j = -h'(u_j),    Hessian = diag h''(u_j)
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.losses.log_domain import log_of, log_sum_exp
from marginscope.losses.template import LogTemplate

__all__ = ["PairwiseTemplate"]

Floats = NDArray[np.float64]


class PairwiseTemplate(LogTemplate):
    """A template given by h, log |h'| (as ``log_weights``) and h'' of one margin."""

    @abstractmethod
    def pair_value(self, margins: Any, xp: Any = np) -> Any:
        """Return h(u_j) on NumPy or torch."""

    @abstractmethod
    def curvature(self, margins: Floats) -> Floats:
        """Return h''(u_j)."""

    def log_pair_value(self, margins: Floats) -> Floats:
        """Return log h(u_j)."""
        return log_of(self.pair_value(margins))

    def value(self, margins: Any, xp: Any = np) -> Any:
        return self.pair_value(margins, xp).sum(-1)

    def log_value(self, margins: Floats) -> Floats:
        return log_sum_exp(self.log_pair_value(np.asarray(margins, dtype=float)))

    def hessian_at(self, margins: Floats) -> Callable[[Floats], Floats]:
        curvature = self.curvature(np.asarray(margins, dtype=float))
        return lambda vectors: curvature * vectors

    def hessian_product(self, margins: Floats, vectors: Floats) -> Floats:
        return self.hessian_at(margins)(vectors)
