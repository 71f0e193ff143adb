"""What is measured of one point of a trajectory, with a certified bracket of the largest margin.

The normalised margin of W is a lower end in every norm. Minus the gradient of a loss that
falls in every margin is a sum of pair features with positive weights, so its dual norm
over the sum of the weights is an upper end: a trajectory needs no solver to say how
far it has come. Both ends are rounded outward.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marginscope.certificates.margin_constraints import MarginConstraints
from marginscope.certificates.pair_weights import PairWeights
from marginscope.descent.slope import Slope
from marginscope.geometry.norms import get_norm
from marginscope.objectives import LinearObjective

__all__ = ["Measures", "constraints_of", "dual_weights", "measure"]

Floats = NDArray[np.float64]

# weights below this share of the largest change an upper end by less than its rounding
_SMALLEST_WEIGHT = 1e-30
# room, so that a check in another order of sums finds the claim to hold
_SLACK = 2.0


class Measures(NamedTuple):
    """Loss, gradient and, norm by norm, size, normalised margin and both ends of the bracket."""

    log_loss: float
    log_gradient_norm: float
    worst_margin: float
    norms: dict[str, float]
    lower: dict[str, float]
    upper: dict[str, float]


def constraints_of(objective: LinearObjective) -> MarginConstraints:
    """Return the margin problem that the objective tends to: its class margins and scales, without shifts."""
    adjustment = objective.adjustment
    return MarginConstraints(
        objective.X,
        objective.y,
        objective.n_classes,
        objective.fit_intercept,
        adjustment.margins,
        adjustment.scales,
    )


def dual_weights(objective: LinearObjective, W: Floats) -> PairWeights:
    """Return the pair weights of the loss at W, the largest being one; negative ones are left out."""
    log_weights = objective.log_weights(W)
    weights = np.exp(log_weights - max(float(np.max(log_weights, initial=-np.inf)), -1e300))
    signs = objective.template.weight_signs(objective.margins(W))
    rows, slots = np.nonzero((weights > _SMALLEST_WEIGHT) & (signs > 0.0))
    # slot k is class k, but that of the own class holds the last one
    rivals = np.where(slots == objective.y[rows], objective.n_classes - 1, slots)
    order = np.lexsort((rivals, rows))
    return PairWeights(rows[order], rivals[order], weights[rows, slots][order])


def measure(objective: LinearObjective, W: Floats, norms: Sequence[str]) -> Measures:
    """Measure one point.

    Parameters
    ----------
    objective : LinearObjective
    W : (n_classes, n_columns) array
    norms : sequence of str
    """
    constraints = constraints_of(objective)
    worst = constraints.margin_bound(W, slack=_SLACK, is_quick=True)
    combined = constraints.weighted_sum(dual_weights(objective, W), is_quick=True)
    brackets = {name: constraints.bracket(name, W, combined, slack=_SLACK, worst=worst) for name in norms}
    sizes = {name: get_norm(name).value(W) for name in norms}
    lower = {}
    for name, bracket in brackets.items():
        # the margin of zero coefficients is none, and a negative one is no lower end
        negative = worst / sizes[name] if sizes[name] > 0.0 else np.nan
        lower[name] = bracket.lower if worst > 0.0 else negative
    return Measures(
        log_loss=objective.log_value(W),
        log_gradient_norm=Slope(objective, W).scaled().log_norm,
        worst_margin=worst,
        norms=sizes,
        lower=lower,
        upper={name: one.upper for name, one in brackets.items()},
    )
