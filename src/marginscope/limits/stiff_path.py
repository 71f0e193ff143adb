"""Integration of a stiff flow to given times, given up where rounding drowns it."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import LSODA

__all__ = ["integrate_to"]

Floats = NDArray[np.float64]

_ATOL_SHARE = 0.1
# coefficients are resolved where they change a margin by this much of the tolerance
RESOLVED_MARGIN = 1e-3
# a flow that can be followed needs at most a few hundred steps for this stretch of log time
_STRETCH = 0.5
_MOST_STEPS = 1000


def integrate_to(
    velocity: Callable[[float, Floats], Floats],
    jacobian: Callable[[float, Floats], Floats],
    s: float,
    flat: Floats,
    targets: Floats,
    rtol: float,
    size: float,
    *,
    is_stiff: bool = False,
) -> tuple[list[Floats], str]:
    """Return the solution at the targets that were reached, and why no more were.

    Parameters
    ----------
    velocity, jacobian : functions of (s, flat)
    s : float
        Where the solution is ``flat``.
    flat : (n_unknowns,) array
    targets : (n,) array
        Rising times; at those up to s the solution is ``flat``.
    rtol : float
        Relative to each entry, or to a tenth of the largest at the start.
    size : float
        Least value that counts as the largest entry at the start.
    is_stiff : bool
        Begin with a step below the fastest relaxation time: the explicit start of the method
        does not converge with the one that it takes from the velocity.
    """
    later = targets[targets > s]
    points = [flat] * (len(targets) - len(later))
    if not len(later):
        return points, ""
    first = None
    if is_stiff:
        # the Frobenius norm is above every rate
        first = min(1e-3, 0.1 / max(1.0, float(np.linalg.norm(jacobian(s, flat)))), float(later[-1]) - s)
    atol = _ATOL_SHARE * rtol * max(float(np.abs(flat).max(initial=0.0)), size)
    solver = LSODA(velocity, s, flat, float(later[-1]), rtol=rtol, atol=atol, jac=jacobian, first_step=first)
    begun, n_steps = s, 0
    while solver.status == "running":
        with warnings.catch_warnings():
            # a failure is told as a reason
            warnings.filterwarnings("ignore", message="lsoda:")
            failure = solver.step()
        if failure is not None or not np.all(np.isfinite(solver.y)):
            return points, f"the integrator failed at log time {solver.t:.4g}"
        n_reached = int(np.searchsorted(targets, solver.t, side="right"))
        if n_reached > len(points):
            between = solver.dense_output()
            points += [np.ascontiguousarray(between(at)) for at in targets[len(points) : n_reached]]
        n_steps += 1
        if solver.t > begun + _STRETCH:
            begun, n_steps = float(solver.t), 0
        elif n_steps > _MOST_STEPS:
            return points, f"rounding drowns the velocity at log time {solver.t:.4g}"
    return points, ""
