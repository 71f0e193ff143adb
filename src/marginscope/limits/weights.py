"""How long sample weights turn the direction of descent on separable data.

On the late-time path W(t) = What log t + rho the weights enter rho only: on the
support pairs <x~_ik, rho_w - rho_1> = log omega_i. The angle to the unweighted run is

    angle(t) ~ ||P_perp (rho_w - rho_1)|| / (||What|| (log(eta t) - H))

with P_perp orthogonal to What and H = sum alpha log alpha / sum alpha.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from marginscope.exceptions import DataError
from marginscope.solvers.frobenius import HardMarginDirection

__all__ = ["WeightFade", "weight_fade"]


@dataclass(frozen=True)
class WeightFade:
    """The law of the angle between the weighted and the unweighted run.

    Attributes
    ----------
    log10_step : float
        log10 of the step from which the angle stays below the one asked for.
    shift_norm : float
        ||P_perp (rho_w - rho_1)||, 0 where weights do not turn the direction at all.
    norm : float
        ||What||, the least norm with all margins 1.
    entropy : float
        H = sum alpha log alpha / sum alpha of the dual weights.
    step_size : float
        eta, for the sum of the losses.
    """

    log10_step: float
    shift_norm: float
    norm: float
    entropy: float
    step_size: float

    def angle_at(self, log10_step: float) -> float:
        """Return the angle in radians at step 10 ** log10_step; pi / 2 at most."""
        elapsed = log10_step * math.log(10) + math.log(self.step_size) - self.entropy
        if self.shift_norm == 0:
            return 0.0
        return math.pi / 2 if elapsed <= 0 else math.atan(self.shift_norm / (self.norm * elapsed))


def weight_fade(
    solution: HardMarginDirection, sample_weights: ArrayLike, *, step_size: float, angle: float = 0.05
) -> WeightFade:
    """Predict when the effect of sample weights on the direction has faded.

    Parameters
    ----------
    solution : HardMarginDirection
        Of the unweighted problem, with its dual weights.
    sample_weights : array-like of shape (n_samples,)
        Positive.
    step_size : float
        Of gradient descent on the sum of the losses, unit weights.
    angle : float
        Radians.

    Returns
    -------
    WeightFade

    Raises
    ------
    DataError
        If a weight, the step size or the angle is not positive, or the solution has
        no support pairs.

    Notes
    -----
    Soudry et al. (2018) for the path, here with one weight per sample; for losses with
    an exponential tail of constant 1. Where the support pairs are dependent the shift
    is their least-squares solution.
    """
    weights = np.asarray(sample_weights, dtype=float)
    if not (np.isfinite(weights).all() and (weights > 0).all()):
        raise DataError(
            "sample weights must be positive numbers, but some are zero, negative or not finite; leave such rows out"
        )
    if not (step_size > 0 and angle > 0):
        raise DataError(
            f"a positive step size and angle are needed, but got {step_size!r} and {angle!r}; pass both above 0"
        )
    alpha = solution.support_weights
    if alpha.size == 0:
        raise DataError("support pairs are needed, but the solution has none; the data are not separable")
    # Equal rows pull together: their weights add up, as their dual weights do.
    log_weights = np.log([weights[members].mean() for members in solution.support_members])
    shift, *_ = np.linalg.lstsq(solution.support_gram, log_weights, rcond=1e-12)
    along = float(alpha @ log_weights) / solution.norm
    squared = float(shift @ solution.support_gram @ shift) - along**2
    # A shift along What alone is a change of clock; rounding leaves a trace of it.
    shift_norm = math.sqrt(squared) if squared > 1e-12 * (1 + along**2) else 0.0
    entropy = float(alpha @ np.log(alpha) / alpha.sum())
    elapsed = shift_norm / (solution.norm * math.tan(angle))
    log10_step = max(0.0, (entropy - math.log(step_size) + elapsed) / math.log(10))
    return WeightFade(log10_step, shift_norm, solution.norm, entropy, step_size)
