"""The bracket of a trajectory proved again, from its coefficients and dual weights alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from marginscope._validation import label_codes
from marginscope.certificates.margin_constraints import MarginConstraints
from marginscope.descent.measure import constraints_of, dual_weights

if TYPE_CHECKING:
    from marginscope.descent.trajectory import Trajectory

__all__ = ["proves"]


def proves(trajectory: Trajectory, X: Any, y: Any) -> bool:
    """Say whether the last lower end and the best upper end of every run hold for rows and labels.

    The rows are those of the caller, not those that the trajectory holds; the weights are any
    positive numbers, whatever produced them.
    """
    objective = trajectory.objective
    rows: Any = X.tocsr() if hasattr(X, "tocsr") else np.asarray(X, dtype=float)
    codes = label_codes(np.asarray(y).ravel(), trajectory.classes)
    if rows.shape != objective.X.shape or len(codes) != rows.shape[0] or bool(np.any(codes < 0)):
        return False
    own = constraints_of(objective)
    constraints = MarginConstraints(
        rows, codes.astype(np.intp), own.n_classes, own.fit_intercept, own.class_margins, own.class_scales
    )
    norm = trajectory.norm
    for run, measures in zip(trajectory.runs, trajectory.measures, strict=True):
        if not len(run.W):
            continue
        best = int(np.argmin([one.upper[norm] for one in measures]))
        combined = constraints.weighted_sum(dual_weights(objective, run.W[best]))
        ends = constraints.bracket(norm, run.W[-1], combined)
        if ends.upper > measures[best].upper[norm]:
            return False
        if measures[-1].worst_margin > 0.0 and ends.lower < measures[-1].lower[norm]:
            return False
    return True
