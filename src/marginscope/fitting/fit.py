"""The regularised optimum of a linear objective, by a solver of choice."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import UsageError
from marginscope.fitting import SOLVERS
from marginscope.fitting.choose import choose_solver, gram_operations
from marginscope.fitting.newton import Stopping
from marginscope.fitting.newton_gram import newton_gram
from marginscope.fitting.problem import problem_of
from marginscope.fitting.result import Fit
from marginscope.fitting.row_space import RowSpace
from marginscope.objectives import LinearObjective

__all__ = ["SOLVERS", "Fit", "fit"]

Floats = NDArray[np.float64]
_MOST_ROWS_OF_WIDE = 3000
# a fit within the tolerance goes on to rounding where a whole Hessian takes milliseconds
_MOST_POLISHED = 600
_MOST_OPERATIONS = 1e8
_POLISH_STEPS = 10


def fit(
    objective: LinearObjective,
    *,
    solver: str = "auto",
    tol: float = 1e-6,
    max_iter: int | None = None,
    start: Any = None,
    random_state: int = 0,
) -> Fit:
    """Minimise a loss on data plus a ridge, with a free intercept.

    sum_i omega_i psi(u_i) + ridge / 2 ||coef||_F^2

    Parameters
    ----------
    objective : LinearObjective
        With a template that has a gradient.
    solver : str
        ``"auto"``, ``"lbfgs"``, ``"newton-cg"``, ``"newton-gram"`` or ``"subsampled"``.
    tol : float
        Bound of the largest entry of the gradient divided by the sum of the sample weights.
    max_iter : int, optional
        Most iterations; by default a number that is enough for the solver.
    start : (n_classes, n_columns) array, optional
        Where to begin; zeros by default.
    random_state : int
        Seed of the rows that a subsample takes.

    Returns
    -------
    Fit

    Raises
    ------
    UsageError
        If the template has kinks, there is no such solver, or a number is out of range.
    DataError
        If no row has a positive weight.
    NotSolvedError
        If features or weights overflow.

    Notes
    -----
    Small fits go on below the tolerance, to rounding: a row of weight 2 is then two rows to the
    last digits of the coefficients.
    """
    names = [one.name for one in SOLVERS]
    if solver != "auto" and solver not in names:
        raise UsageError(f"one of the solvers auto, {', '.join(names)} is needed, but got {solver!r}; use auto")
    if not 0.0 < tol < np.inf:
        raise UsageError(f"a positive finite tol is needed, but got {tol!r}; use 1e-6")
    if max_iter is not None and max_iter < 1:
        raise UsageError(f"max_iter needs to be 1 or more, but got {max_iter!r}; leave it out for a default")
    _check_smooth(objective)
    W = np.zeros(objective.shape) if start is None else np.array(start, dtype=float)
    if W.shape != objective.shape or not np.all(np.isfinite(W)):
        raise UsageError(
            f"a start of finite numbers and shape {objective.shape} is needed, but got shape {W.shape}; "
            "leave it out to begin at zero"
        )
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        return _fit(objective, W, solver, tol, max_iter, np.random.default_rng(random_state))


def _check_smooth(objective: LinearObjective) -> None:
    if objective.template.facts.smoothness == 0:
        raise UsageError(
            f"a loss with a gradient is needed, but got {objective.template.name}, which has kinks; "
            "use smooth_weston_watkins or squared_weston_watkins, or solve_hard_margin for the margin itself"
        )


def _fit(
    objective: LinearObjective, W: Floats, solver: str, tol: float, max_iter: int | None, rng: np.random.Generator
) -> Fit:
    n, d = objective.X.shape
    space = RowSpace(objective) if n < d and n <= _MOST_ROWS_OF_WIDE and solver in ("auto", "newton-gram") else None
    inner = objective if space is None else space.objective
    theta = W if space is None else space.inside(W)
    name, reason = choose_solver(inner) if solver == "auto" else (solver, "")
    chosen = next(one for one in SOLVERS if one.name == name)
    problem = problem_of(inner)
    at = problem.rows.coordinates
    stopping = Stopping(tol, chosen.max_iter if max_iter is None else max_iter)
    point = chosen.run(problem, at.from_coef(theta), stopping, rng)
    n_iter = point.n_iter
    if point.status != "iteration_limit" and _is_small(inner):
        point = newton_gram(problem, point.theta, replace(stopping, max_iter=_POLISH_STEPS, polish=True), rng)
        n_iter += point.n_iter
    coef = at.to_coef(point.theta)
    if space is not None:
        coef = space.outside(coef)
        reason += f"; {n} rows span fewer dimensions than {d} columns" if reason else ""
    return Fit(coef, point.value, n_iter, point.norm, point.status, name, reason, math.ceil(problem.passes))


def _is_small(objective: LinearObjective) -> bool:
    """Say whether steps with the whole Hessian cost next to nothing."""
    unknowns = (objective.n_classes - 1) * objective.shape[1]
    return unknowns <= _MOST_POLISHED and gram_operations(objective) <= _MOST_OPERATIONS
