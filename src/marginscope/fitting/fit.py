"""The regularised optimum of a linear objective, by a solver of choice."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import UsageError
from marginscope.fitting.result import Fit, Status
from marginscope.objectives import LinearObjective

__all__ = ["SOLVERS", "Fit", "fit"]

Floats = NDArray[np.float64]
SOLVERS = ("auto", "lbfgs", "newton-cg", "newton-gram", "subsampled")


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
    """
    if solver not in SOLVERS:
        raise UsageError(f"one of the solvers {', '.join(SOLVERS)} is needed, but got {solver!r}; use auto")
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
    return _lbfgs(objective, W, tol, 15000 if max_iter is None else max_iter)


def _check_smooth(objective: LinearObjective) -> None:
    if objective.template.facts.smoothness == 0:
        raise UsageError(
            f"a loss with a gradient is needed, but got {objective.template.name}, which has kinks; "
            "use smooth_weston_watkins or squared_weston_watkins, or solve_hard_margin for the margin itself"
        )


def _lbfgs(objective: LinearObjective, W: Floats, tol: float, max_iter: int) -> Fit:
    from scipy.optimize import minimize

    total = float(np.exp(objective.adjustment.log_sample_weights(objective.y)).sum())

    def value_and_gradient(w: Floats) -> tuple[float, Floats]:
        value, gradient = objective.value_and_gradient(w.reshape(W.shape))
        return value / total, gradient.ravel() / total

    found = minimize(
        value_and_gradient,
        W.ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": max_iter, "maxfun": 10 * max_iter, "gtol": tol, "ftol": 0.0, "maxcor": 20},
    )
    value, gradient = objective.value_and_gradient(found.x.reshape(W.shape))
    norm = float(np.abs(gradient).max() / total)
    limit: Status = "iteration_limit" if found.nit >= max_iter else "stalled"
    return Fit(
        coef=found.x.reshape(W.shape),
        value=value,
        n_iter=int(found.nit),
        gradient_norm=norm,
        status="converged" if norm <= tol else limit,
        solver="lbfgs",
        reason="",
        passes=int(found.nfev) + 1,
    )
