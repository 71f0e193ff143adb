"""A hard-margin problem as the largest margin in a unit ball, and the answer in its own terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import UsageError
from marginscope.geometry.margins import is_sparse
from marginscope.geometry.norms import get_norm
from marginscope.solvers.ball_descent import descend_in_ball
from marginscope.solvers.margin_bracket import MarginBracket
from marginscope.solvers.margin_problem import MarginProblem, Solved
from marginscope.solvers.pair_map import PairMap

__all__ = ["BallProblem", "scales"]

Floats = NDArray[np.float64]

# order of the largest normal matrix (200 MB, of which a step holds three), and entries of features made dense
_MOST_UNKNOWNS = 5000
_MOST_DENSE_ENTRIES = 50_000_000
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

    def fits(self, n_unknowns: int, *, dense: bool) -> bool:
        """Whether a normal matrix of this order can be held, and the features made dense if need be."""
        rows, columns = self.problem.X.shape
        too_wide = dense and is_sparse(self.problem.X) and rows * columns > _MOST_DENSE_ENTRIES
        return n_unknowns <= _MOST_UNKNOWNS and not too_wide

    @property
    def nothing(self) -> float:
        """A margin that cannot be told from zero."""
        row = float(np.sqrt(self.problem.X.shape[1])) if self.norm == "max" else 1.0
        largest = 1.0 if self.problem.class_scales is None else float(self.problem.class_scales.max())
        return _NOTHING * row * largest

    def pair_map(self, X: Any, classes: Floats) -> PairMap:
        """Return the pairs for features X of the rows as given, in class coordinates."""
        return PairMap(X[self.order], self.problem.y[self.order], self.problem.pairs[self.order], classes)

    def descended(self, deadline: float) -> Solved:
        """Narrow the bracket without any normal matrix."""
        pairs = self.pair_map(self.problem.X, np.diag(scales(self.problem)))
        bracket = descend_in_ball(pairs, self.norm, tol=self.problem.tol, deadline=deadline)
        status = "optimal" if bracket.is_closed(self.problem.tol) else "iteration_limit"
        return self.solved(bracket, bracket.best_W, status, "accelerated projected gradients")

    def solved(self, bracket: MarginBracket, W: Floats, status: str, method: str) -> Solved:
        """Scale W to a worst margin of one and weights to the dual norm one; the start is better than nothing."""
        problem, upper = self.problem, bracket.upper
        alpha = np.empty_like(bracket.best_weights)
        alpha[self.order] = bracket.best_weights / upper if 0 < upper < np.inf else bracket.best_weights
        best, margin = np.zeros(problem.shape), 0.0
        for V in (W, problem.start):
            size = 0.0 if V is None else get_norm(self.norm).value(V)
            if V is None or not size > 0:
                continue
            worst = float(np.min(problem.margins(V), where=problem.pairs, initial=np.inf))
            if worst / size > margin:
                best, margin = V / worst, worst / size
        if margin > 0 and status == "infeasible":
            status = "inaccurate"
        return Solved(best, alpha, status, bracket.n_iterations, method)


def scales(problem: MarginProblem) -> Floats:
    """Return the class scales, ones unless given."""
    return np.ones(problem.n_classes) if problem.class_scales is None else problem.class_scales
