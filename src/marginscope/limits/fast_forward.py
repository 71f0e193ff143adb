"""Gradient descent to any step: some exact steps, then the flow through all later ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.descent import get_optimizer
from marginscope.descent.compiled import compiled_descent
from marginscope.descent.run import Descent
from marginscope.descent.schedule import record_steps
from marginscope.descent.step_size import StepSize, step_size_for
from marginscope.descent.trajectory import Trajectory
from marginscope.descent.trajectory_run import Run
from marginscope.exceptions import UsageError
from marginscope.limits.flow_path import follow_flow
from marginscope.limits.followed_losses import check_followed, separable_pairs
from marginscope.limits.forecast import PathLaw
from marginscope.limits.log_steps import log_of_steps
from marginscope.limits.margin_limit import MarginLimit
from marginscope.limits.question import ask
from marginscope.limits.run_arguments import check_whole, given_start
from marginscope.objectives import LinearObjective

__all__ = ["fast_forward"]

Floats = NDArray[np.float64]

_MOST_EXACT = 10_000_000
# fewer exact steps take less time than compiling them
_WORTH_COMPILING = 10_000
_PER_DECADE = 12
_NEAR_DECADES = 10


def fast_forward(
    X: Any,
    y: Any,
    *,
    loss: Any = "cross_entropy",
    step_size: Any = "theory",
    n_steps: Any = 1e100,
    exact_steps: int = 1000,
    record: Any = "log",
    fit_intercept: bool = False,
    init: Any = None,
    adjustment: Any = None,
    class_weight: Any = None,
    class_margins: Any = None,
    class_scales: Any = None,
    sample_weight: Any = None,
) -> Trajectory:
    """Follow gradient descent to step 1e100 or any other, without taking the steps.

        dW/ds = F + eta / 2 H F + O(eta^2),    F = sum_ik exp(s + log q_ik) x~_ik,    s = log(eta n)

    The first steps are taken one by one. From there on the flow that passes through the iterates
    is integrated in the logarithm of time: it costs the same for 1e6 steps as for 1e100.

    Parameters
    ----------
    X : (n_samples, n_features) array, data frame or sparse matrix
    y : (n_samples,) labels of any kind
    loss : str or Template
        One that falls smoothly in every margin; data that are not separable need cross-entropy,
        pairwise logistic or another convex loss with an exponential tail.
    step_size : "theory", float or StepSize
        Constant; "theory" is half the largest step that is proved not to raise the risk.
    n_steps : int, float, str or Decimal
        Up to e^1e6: ``10**1000``, ``"1e1000"`` and ``Decimal("1e1000")`` are the same.
    exact_steps : int
        Steps that are taken; with 1000 the later ones are right to about 1e-10.
    record : "log" or sequence of numbers of steps
        Twelve a decade for ten decades beyond the exact steps and then 120 whenever log t grows
        tenfold, or these steps.
    fit_intercept : bool
        Append a column of ones; its weights are a part of W and of its norm.
    init : (n_classes, n_columns) array, optional
        Zero unless given.
    adjustment : Adjustment, optional
        Class margins, scales, shifts and weights in one; or some of the next four.
    class_weight : "balanced", mapping {label: weight} or (n_classes,) array, optional
    class_margins, class_scales : mapping {label: value} or (n_classes,) array, optional
    sample_weight : (n_samples,) array, optional

    Returns
    -------
    Trajectory
        ``.error`` estimates the relative error of each record: the distance to a second
        integration with a looser tolerance, plus what the flow leaves out; zero for
        exact steps. The status is "inaccurate" where it is above 1e-6.

    Raises
    ------
    NotSeparableError
        If the classes are not separable and the loss is none for which the limit is known.
    SizeError
        If there are more than 2000 unknowns (classes less one, times the rank of the features).
    DataError, UsageError
        If data or arguments cannot be meant.

    References
    ----------
    Hairer, Lubich & Wanner, Geometric Numerical Integration (2006), IX.1, for the flow through the
    steps; Ravi, Scott, Soudry & Wang, NeurIPS 2024, for its limit.

    Examples
    --------
    >>> from marginscope.limits.fast_forward import fast_forward
    >>> X, y = [[0.0, 1.0], [1.0, 0.0], [-1.0, -1.0]], ["a", "b", "c"]
    >>> path = fast_forward(X, y, n_steps="1e1000")
    >>> path.status, f"{path.direction_error[-1]:.3f}", bool(path.error.max() < 1e-8)
    ('completed', '0.000', True)
    """
    question = ask(
        X,
        y,
        loss,
        fit_intercept=fit_intercept,
        adjustment=adjustment,
        class_weight=class_weight,
        class_margins=class_margins,
        class_scales=class_scales,
        sample_weight=sample_weight,
    )
    objective = question.objective
    check_followed(objective.template, objective.n_classes)
    last = log_of_steps("n_steps", n_steps)
    n_exact = _exact_steps(exact_steps, last)
    W = np.zeros(objective.shape) if init is None else given_start(init, objective)
    method = get_optimizer("gd")
    size = step_size_for(step_size, objective, method, W)
    if size.decay:
        raise UsageError(f"a constant step size is needed, but got the decay {size.decay:g}; pass a number, or descend")
    early, late = _records(record, n_exact, last)
    forward = compiled_descent(objective) if n_exact >= _WORTH_COMPILING else None
    descent = Descent(objective, method, size, [*early, n_exact], steps_forward=forward)
    position = descent.run(descent.start(W))
    run = replace(descent.recorded(position), error=np.zeros(len(position.steps)))
    if position.status != "diverged" and len(late):
        run = _followed(objective, run, n_exact, size, late)
    return Trajectory(
        (run,),
        objective,
        question.classes,
        question.loss_name,
        method.name,
        "frobenius",
        ("frobenius",),
        MarginLimit(objective, question.classes),
        PathLaw(question),
    )


def _followed(objective: LinearObjective, run: Run, n_exact: int, size: StepSize, late: Floats) -> Run:
    """Append the records of the flow to those of the exact steps."""
    separable = separable_pairs(objective, run.W[-1])
    path = follow_flow(objective, run.W[-1], n_exact, size.scale, late, separable=separable)
    return Run(
        np.concatenate([run.log_steps, path.log_steps]),
        np.concatenate([run.W, path.coef]),
        "completed" if path.status == "completed" else "inaccurate",
        size,
        np.concatenate([np.zeros(len(run.log_steps)), path.errors]),
    )


def _records(record: Any, n_exact: int, last: float) -> tuple[list[int], Floats]:
    """Return the exact steps to record, and the logarithms of the later ones."""
    first = math.log(n_exact)
    if isinstance(record, str):
        early = record_steps(record, n_exact).tolist()
        return early, _log_spaced(first, last)
    if not isinstance(record, Sequence | np.ndarray):
        raise UsageError(f'record needs "log" or a list of steps, but got {record!r:.40}; leave it out for "log"')
    logs = sorted({log_of_steps("record", one) for one in record if not _is_zero(one)} | {last})
    if logs[-1] > last + 1e-12 * abs(last):
        raise UsageError("record needs steps of at most n_steps, but got a later one; leave it out, or raise n_steps")
    early = [0, *(round(math.exp(one)) for one in logs if one <= first)]
    return early, np.array([one for one in logs if one > first])


def _log_spaced(first: float, last: float) -> Floats:
    """Return log steps, twelve a decade for ten decades, then in proportion to log t."""
    near = min(last, first + _NEAR_DECADES * math.log(10.0))
    n_near = math.ceil((near - first) / math.log(10.0) * _PER_DECADE - 1e-9)
    logs = np.linspace(first, near, n_near + 1)[1:]
    if near == last:
        return logs
    n_far = math.ceil(_PER_DECADE * _NEAR_DECADES * math.log(last / near) / math.log(10.0))
    return np.concatenate([logs, np.geomspace(near, last, n_far + 1)[1:]])


def _is_zero(step: Any) -> bool:
    return isinstance(step, int | float | np.number) and step == 0


def _exact_steps(given: Any, last: float) -> int:
    """Return how many steps to take: those asked for, or all if they are fewer."""
    check_whole("exact_steps", given, 1, _MOST_EXACT, "; leave it at 1000")
    return int(given) if last > math.log(given) else round(math.exp(last))
