"""The best direction and the best dual weights that a solver has met: both ends of a bracket."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marginscope.geometry.norms import Norm
from marginscope.solvers.pair_map import PairMap

__all__ = ["MarginBracket", "support_of"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_SMALLEST_SHARE = 1e-10


class MarginBracket:
    """The largest margin in a unit ball, from both sides.

    Attributes
    ----------
    best_W, lower
        The direction of norm one with the largest worst margin, and that margin.
    best_weights, upper
        The lambda of sum one with the smallest dual norm of A' lambda, and that norm.
    n_iterations
    """

    def __init__(self, pairs: PairMap, norm: Norm) -> None:
        self.pairs, self.norm = pairs, norm
        self.lower, self.upper = 0.0, np.inf
        self.best_W = np.zeros(pairs.shape)
        self.best_weights = np.zeros(pairs.pairs.shape)
        self.n_iterations = 0

    def is_closed(self, tol: float) -> bool:
        """Whether the bracket is as narrow as wanted."""
        return self.upper - self.lower <= tol * self.upper

    def offer(self, W: Floats, weights: Floats) -> None:
        """Keep a direction or weights if they are better than the best so far."""
        self.offer_measured(W, self.pairs.margins(W), weights, self.pairs.adjoint(weights))

    def offer_measured(self, W: Floats, u: Floats, weights: Floats, G: Floats) -> None:
        """The same with the margins u of W and G = A' weights."""
        size, total = self.norm.value(W), float(weights.sum())
        lower = float(np.min(u, where=self.pairs.pairs, initial=np.inf)) / size if size > 0 else 0.0
        upper = self.norm.dual_value(G) / total if total > 0 else np.inf
        if lower > self.lower:
            self.lower, self.best_W = lower, W / size
        if upper < self.upper:
            self.upper, self.best_weights = upper, weights / total

    def offer_support(self, W: Floats, u: Floats, weights: Floats, tol: float) -> bool:
        """Leave out the weights off the support if the bracket stays as narrow as wanted; say whether it does."""
        worst = float(np.min(u, where=self.pairs.pairs, initial=np.inf))
        if not worst > 0.0:
            return False
        kept = np.where(self.pairs.pairs & support_of(weights, u / worst - 1.0), weights, 0.0)
        total = float(kept.sum())
        upper = self.norm.dual_value(self.pairs.adjoint(kept)) / total if total > 0 else np.inf
        if upper - self.lower > tol * upper:
            return False
        self.upper, self.best_weights = upper, kept / total
        return True

    def take(self, other: MarginBracket) -> None:
        """Take over what another attempt found, where it is better."""
        self.n_iterations += other.n_iterations
        self.offer(other.best_W, other.best_weights)


def support_of(weights: Floats, slack: Floats, share: float = 1.0) -> Mask:
    """Return where the weight, relative to the largest, exceeds a share of the slack, relative to the margin."""
    size = weights / (float(weights.max(initial=0.0)) or 1.0)
    return np.asarray((size > share * slack) & (size > _SMALLEST_SHARE))
