"""A hard-margin problem as the largest margin in a unit ball, and the answer in its own terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import UsageError
from marginscope.geometry.norms import get_norm
from marginscope.solvers.margin_problem import MarginProblem, Solved
from marginscope.solvers.pair_map import PairMap

__all__ = ["BallProblem", "scales"]

Floats = NDArray[np.float64]

# an upper end below this share of the largest possible margin is rounding
_NOTHING = 1e-13


@dataclass(frozen=True, eq=False)
class BallProblem:
    """The problem with its rows ordered by class, as an interior point reads them fastest."""

    problem: MarginProblem
    norm: str
    order: NDArray[np.intp]

    @classmethod
    def of(cls, problem: MarginProblem, norm: str) -> BallProblem:
        """Order the rows; refuse tied pairs."""
        if problem.tied is not None and problem.tied.any():
            raise UsageError(
                f"margins in the {norm} norm need pairs without ties, but {int(problem.tied.sum()):,} pairs must have "
                'margin zero; use norm="frobenius", or leave the tied classes out'
            )
        return cls(problem, norm, np.argsort(problem.y, kind="stable"))

    @property
    def nothing(self) -> float:
        """A margin that cannot be told from zero."""
        row = float(np.sqrt(self.problem.X.shape[1])) if self.norm == "max" else 1.0
        largest = 1.0 if self.problem.class_scales is None else float(self.problem.class_scales.max())
        return _NOTHING * row * largest

    def pair_map(self, X: Any, classes: Floats) -> PairMap:
        """Return the pairs for features X of the rows as given, in class coordinates."""
        return PairMap(X[self.order], self.problem.y[self.order], self.problem.pairs[self.order], classes)

    def solved(self, W: Floats, weights: Floats, upper: float, status: str, n_iterations: int, method: str) -> Solved:
        """Scale W to a worst margin of one, and weights of sum one to the dual norm one."""
        problem = self.problem
        alpha = np.empty_like(weights)
        alpha[self.order] = weights / upper if 0 < upper < np.inf else weights
        candidates = [W] if problem.start is None or status == "optimal" else [W, problem.start]
        best, margin = W, 0.0
        for V in candidates:
            size = get_norm(self.norm).value(V)
            worst = float(np.min(problem.margins(V), where=problem.pairs, initial=np.inf))
            if size > 0 and worst / size > margin:
                best, margin = V / worst, worst / size
        if margin > 0 and status == "infeasible":
            status = "inaccurate"
        return Solved(best if margin > 0 else np.zeros(problem.shape), alpha, status, n_iterations, method)


def scales(problem: MarginProblem) -> Floats:
    """Return the class scales, ones unless given."""
    return np.ones(problem.n_classes) if problem.class_scales is None else problem.class_scales
