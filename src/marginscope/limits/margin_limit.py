"""The max-margin solution that a path may tend to, solved when it is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.certificates.margin import MarginSolution
from marginscope.objectives import LinearObjective
from marginscope.solvers.hard_margin import solve_hard_margin

__all__ = ["MarginLimit"]


@dataclass(frozen=True, eq=False)
class MarginLimit:
    """Norm to MarginSolution, for the class margins and scales of an objective.

    Rows of weight zero are left out: they move nothing.
    """

    objective: LinearObjective
    classes: NDArray[Any]
    time_limit: float = 600.0
    found: dict[str, MarginSolution] = field(default_factory=dict)

    def __call__(self, norm: str) -> MarginSolution:
        if norm not in self.found:
            self.found[norm] = self._solve(norm)
        return self.found[norm]

    def _solve(self, norm: str) -> MarginSolution:
        objective, adjustment = self.objective, self.objective.adjustment
        weights = adjustment.sample_weights
        rows = slice(None) if weights is None or np.all(weights > 0.0) else np.flatnonzero(weights)
        return solve_hard_margin(
            objective.X[rows],
            self.classes[objective.y[rows]],
            norm=norm,
            fit_intercept=objective.fit_intercept,
            class_margins=adjustment.margins,
            class_scales=adjustment.scales,
            time_limit=self.time_limit,
            raise_on_failure=False,
        )
