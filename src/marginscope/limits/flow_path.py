"""Gradient descent from some step to any later one, by integration in log time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import UsageError
from marginscope.geometry.margins import all_pairs
from marginscope.limits.flow_coordinates import FlowCoordinates, flow_coordinates
from marginscope.limits.log_flow import LogFlow
from marginscope.limits.slaved_flow import SlavedFlow
from marginscope.limits.stiff_path import RESOLVED_MARGIN, integrate_to
from marginscope.objectives import LinearObjective

__all__ = ["FlowPath", "follow_flow"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

RTOL = 1e-11
# each integration is judged by its distance to the next one; the later two serve where rounding drowns the first
_RUNGS = (1.0, 1e2, 1e4, 1e5)
_WORST_ERROR = 1e-6
# coefficients that give no row a margin above it are zero, up to rounding
_LEAST_MARGIN = 1e-8


@dataclass(frozen=True, eq=False)
class FlowPath:
    """The iterates of gradient descent at some steps, as the flow through them gives them.

    Attributes
    ----------
    log_steps : (n_records,) array
        Natural logarithms of the steps.
    coef : (n_records, n_classes, n_columns) array
        W, with the intercept as last column where there is one.
    errors : (n_records,) array
        Estimate of ||W - W_gd|| / ||W_gd||: the distance to a second integration with a looser
        tolerance, plus what the flow leaves out at its start.
    status : str
        "completed"; "inaccurate": an error is above 1e-6; "failed": the integration ended
        early, records after that are missing.
    reason : str
    n_evaluations : int
        Of the velocity, in all integrations.
    step_size : float
    objective : LinearObjective
    tied : (n_samples, n_classes) mask or None
        Pairs that no direction separates.
    """

    log_steps: Floats
    coef: Floats
    errors: Floats
    status: str
    reason: str
    n_evaluations: int
    step_size: float
    objective: LinearObjective
    tied: Mask | None = None

    def dual_weights(self, record: int = -1) -> Floats:
        """Return exp(s + log q_ik / m), (n_samples, n_classes): what tends to the multipliers of the hard margin.

        Zero at the own class; not a number on tied pairs, whose weights do not fall.
        """
        objective = self.objective
        log_time = float(self.log_steps[record]) + math.log(self.step_size)
        with np.errstate(over="ignore"):
            read = np.exp(log_time + objective.log_weights(self.coef[record]))
        out = in_class_order(read, objective.y)
        return out if self.tied is None else np.where(self.tied, np.nan, out)


class _Integrated(NamedTuple):
    """Theta at the times that were reached, and the jump to where the tied pairs are solved for."""

    points: list[Floats]
    reason: str
    n_evaluations: int
    jump: float


def follow_flow(
    objective: LinearObjective,
    W: Floats,
    n_steps: int,
    step_size: float,
    log_steps: Sequence[float] | Floats,
    *,
    separable: Mask | None = None,
    rtol: float = RTOL,
    order: int = 3,
) -> FlowPath:
    """Follow gradient descent from W after ``n_steps`` steps to steps exp(``log_steps``).

    Parameters
    ----------
    objective : LinearObjective
        Without ridge, a template that falls in every margin.
    W : (n_classes, n_columns) array
    n_steps : int
        Steps taken so far, at least one.
    step_size : float
        eta, constant.
    log_steps : sequence of floats
        Rising, at least log ``n_steps``.
    separable : (n_samples, n_classes) mask, optional
        Pairs that some direction separates; all unless given.
    rtol : float
        Tolerance of the integration.
    order : int
        Of the flow in eta, 1 to 3.

    Returns
    -------
    FlowPath
    """
    targets = np.asarray(log_steps, dtype=float)
    if n_steps < 1 or not np.all(np.diff(targets, prepend=math.log(max(1, n_steps))) >= 0.0):
        raise UsageError(
            f"rising log steps from log {n_steps} on, and one step or more before, are needed, but got {targets[:4]}; "
            "sort them"
        )
    if objective.ridge:
        raise UsageError(
            f"descent without ridge is needed, but the ridge is {objective.ridge:g}; with one the limit is finite"
        )
    coordinates = flow_coordinates(objective)
    pairs = all_pairs(objective.y, objective.n_classes)
    tied = None if separable is None or bool(separable[pairs].all()) else pairs & ~separable
    start, shift = coordinates.theta_of(W), math.log(step_size)
    rest = W - coordinates.coefficients_of(start)
    flow = LogFlow(objective.template, coordinates, step_size, order)
    s_0 = math.log(n_steps) + shift
    runs, n_evaluations = _two_runs(
        flow, _rows(tied, objective, coordinates), s_0, start.ravel(), targets + shift, rtol
    )
    n_reached = min(len(run.points) for run in runs)
    coef, control = (
        np.array([rest + coordinates.coefficients_of(one.reshape(start.shape)) for one in run.points[:n_reached]])
        for run in runs
    )
    distances = np.linalg.norm((coef - control).reshape(n_reached, -1), axis=1)
    distances += flow.remainder(s_0, start.ravel()) + runs[0].jump
    least = _LEAST_MARGIN / coordinates.longest_row
    errors = distances / np.maximum(np.linalg.norm(coef.reshape(n_reached, -1), axis=1), least)
    reason = runs[0].reason or runs[1].reason
    worst = float(errors.max(initial=0.0))
    status = "failed" if n_reached < len(targets) else "completed" if worst <= _WORST_ERROR else "inaccurate"
    if status == "inaccurate":
        reason = f"two integrations and the remainder of the flow differ by {worst:.1e}"
    return FlowPath(
        log_steps=targets[:n_reached],
        coef=coef.reshape(n_reached, *objective.shape),
        errors=errors,
        status=status,
        reason=reason,
        n_evaluations=n_evaluations,
        step_size=step_size,
        objective=objective,
        tied=tied,
    )


def in_class_order(values: Floats, y: NDArray[np.intp]) -> Floats:
    """Turn label-code slots into classes, zero at the own class."""
    n, last = values.shape
    out = np.zeros((n, last + 1), dtype=values.dtype)
    out[:, :last] = values
    rows = np.arange(n)
    inner = y < last
    out[rows[inner], last] = values[rows[inner], y[inner]]
    out[rows[inner], y[inner]] = 0.0
    return out


def _rows(tied: Mask | None, objective: LinearObjective, coordinates: FlowCoordinates) -> Mask | None:
    """Return the mask in the order of the flow: label-code slots, rows sorted by class."""
    if tied is None:
        return None
    y = objective.y
    slots = tied[:, :-1].copy()
    inner = np.flatnonzero(y < tied.shape[1] - 1)
    slots[inner, y[inner]] = tied[inner, -1]
    return slots[coordinates.order]


def _two_runs(
    flow: LogFlow, tied: Mask | None, s: float, flat: Floats, targets: Floats, rtol: float
) -> tuple[list[_Integrated], int]:
    """Return the two sharpest integrations that reach the end, or the two that come furthest, and the evaluations."""
    runs: list[_Integrated] = []
    for factor in _RUNGS:
        runs.append(_integrate(flow, tied, s, flat, targets, factor * rtol))
        if not any(run.reason for run in runs[-2:]) and len(runs) > 1:
            break
    total = sum(run.n_evaluations for run in runs)
    if any(run.reason for run in runs[-2:]):
        furthest = max(range(1, len(runs)), key=lambda i: (min(len(run.points) for run in runs[i - 1 : i + 1]), -i))
        return runs[furthest - 1 : furthest + 1], total
    return runs[-2:], total


def _integrate(flow: LogFlow, tied: Mask | None, s: float, flat: Floats, targets: Floats, rtol: float) -> _Integrated:
    """Integrate the whole system, and from where the tied pairs only follow, the rest of it."""
    before, size = flow.n_evaluations, RESOLVED_MARGIN / flow.coordinates.longest_row
    if tied is None:
        points, reason = integrate_to(flow.velocity, flow.jacobian, s, flat, targets, rtol, size)
        return _Integrated(points, reason, flow.n_evaluations - before, 0.0)
    slaved = SlavedFlow(flow, tied, flat)
    late = targets > slaved.follows_from
    change = max(s, slaved.follows_from)
    stops = np.append(targets[~late], change) if late.any() else targets
    points, reason = integrate_to(flow.velocity, flow.jacobian, s, flat, stops, rtol, size)
    jump = 0.0
    if late.any() and not reason:
        end = points.pop()
        w = slaved.growing.T @ end
        jump = float(np.linalg.norm(slaved.at(change, w) - end))
        if slaved.growing.shape[1]:
            ends, reason = integrate_to(
                slaved.velocity, slaved.jacobian, change, w, targets[late], rtol, size, is_stiff=True
            )
        else:
            ends = [w] * int(late.sum())
        points += [slaved.at(at, one) for at, one in zip(targets[late], ends, strict=False)]
    return _Integrated(points, reason, flow.n_evaluations - before + slaved.n_evaluations, jump)
