"""The largest margin in a norm, with its proof: the public face of the exact solvers."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope._validation import check_class_numbers, check_consistent_length, check_features, check_labels
from marginscope.certificates.margin import MarginSolution
from marginscope.certificates.margin_constraints import MarginConstraints
from marginscope.certificates.pair_weights import PairWeights
from marginscope.certificates.separability import SeparabilityCertificate
from marginscope.exceptions import DataError, DataQualityWarning, NotSeparableError, NotSolvedError, UsageError
from marginscope.geometry.margins import is_sparse
from marginscope.geometry.norms import get_norm
from marginscope.solvers.distinct_rows import DistinctRows, distinct_rows
from marginscope.solvers.frobenius import solve_frobenius
from marginscope.solvers.margin_measure import (
    MarginQuestion,
    infeasible_solution,
    measured_solution,
)
from marginscope.solvers.margin_problem import MarginProblem, Solved
from marginscope.solvers.margin_scaling import scaled_problem, shared_weights
from marginscope.solvers.polyhedral import solve_polyhedral
from marginscope.solvers.schatten import solve_schatten
from marginscope.solvers.separability import separability
from marginscope.solvers.support_polish import polished

__all__ = ["solve_hard_margin"]

Floats = NDArray[np.float64]
Solver = Callable[[MarginProblem], Solved]

# of the tolerance: the rest is for rounding and for the multipliers that the polish leaves out
_SOLVER_SHARE = 0.5
# what a proof that there is no margin may always take
_LEAST_SECONDS = 1.0
_LEAST_SOLVER_SECONDS = 1e-3

SOLVERS: dict[str, Solver] = {
    "frobenius": solve_frobenius,
    "max": partial(solve_polyhedral, norm="max"),
    "sum": partial(solve_polyhedral, norm="sum"),
    "spectral": partial(solve_schatten, norm="spectral"),
    "nuclear": partial(solve_schatten, norm="nuclear"),
}


def solve_hard_margin(
    X: Any,
    y: Any,
    *,
    norm: str = "frobenius",
    fit_intercept: bool = False,
    class_margins: Any = None,
    class_scales: Any = None,
    tol: float = 1e-8,
    start: Any = None,
    time_limit: float = 600.0,
    raise_on_failure: bool = True,
) -> MarginSolution:
    """Find the coefficients of largest margin and prove how large it is.

        minimise ||W||  subject to  <D_y w_y - D_k w_k, x_i> >= m_{y_i},  all i and k != y_i

    Parameters
    ----------
    X : (n_samples, n_features) array, data frame or sparse matrix
    y : (n_samples,) labels of any kind
    norm : str
        "frobenius", "max" or "sum" of the entries, "spectral" or "nuclear".
    fit_intercept : bool
        Append a column of ones. Its weights are part of W and count in the norm. Off unless
        asked for, as in the theory of margins; ``separability`` has it, as models have.
    class_margins, class_scales : mapping {label: value} or (n_classes,) array, optional
        Margins m and scales D, positive; an array is in sorted order of the labels, a class
        that a mapping does not name has 1. Class margins are the limit of training with
        the temperature m, class scales that of multiplicative logit scales (VS loss).
    tol : float
        Relative gap of a solution called optimal.
    start : SeparabilityCertificate or (n_classes, n_features [+ 1]) array, optional
        Coefficients, the intercept as last column; used if they separate all rows.
    time_limit : float
        Seconds, after which the status is "iteration_limit".
    raise_on_failure : bool
        Raise where there is no solution, and warn where it is less exact than asked for.
        Otherwise the status says so.

    Returns
    -------
    MarginSolution

    Raises
    ------
    NotSeparableError
        If linear scores do not separate the classes; ``certificate`` proves it.
    NotSolvedError
        If the search ended with a relative gap above 1e-4; ``solution`` holds the best bracket.
    DataError, UsageError
        If data or arguments cannot be meant.

    References
    ----------
    Crammer & Singer, JMLR 2 (2001); Ravi, Scott, Soudry & Wang, NeurIPS 2024.

    Examples
    --------
    >>> from marginscope.solvers.hard_margin import solve_hard_margin
    >>> X, y = [[0.0], [1.0], [3.0], [4.0]], ["a", "a", "b", "b"]
    >>> solution = solve_hard_margin(X, y, fit_intercept=True)
    >>> solution.coef.round(6).tolist(), solution.intercept.round(6).tolist()
    ([[-0.5], [0.5]], [1.0, -1.0])
    >>> solution.verify(X, y, exact=True)
    True
    """
    get_norm(norm)
    _check_positive("tol", tol)
    _check_positive("time_limit", time_limit)
    X = check_features(X)
    labels = check_labels(y, min_classes=2)
    check_consistent_length(X, labels.codes)
    constraints = MarginConstraints(
        X.tocsr() if is_sparse(X) else X,
        labels.codes.astype(np.intp),
        labels.n_classes,
        bool(fit_intercept),
        check_class_numbers("class_margins", class_margins, labels.labels),
        check_class_numbers("class_scales", class_scales, labels.labels),
    )
    question = MarginQuestion(constraints, labels.labels, norm, float(tol))
    deadline = time.monotonic() + float(time_limit)
    solution = _solve(question, _checked_start(start, constraints), deadline)
    if raise_on_failure:
        _raise_or_warn(solution)
    return solution


def _solve(question: MarginQuestion, start: Floats | None, deadline: float) -> MarginSolution:
    """Solve and measure; where no margin comes out, ask for the separability of the classes."""
    constraints = question.constraints
    same = distinct_rows(constraints.X, constraints.y)
    best: MarginSolution | None = None
    if same.conflict is None:
        best = _attempt(question, same, start, deadline)
        if best.bracket.lower > 0:
            return best
    certificate = separability(
        constraints.X,
        question.classes[constraints.y],
        fit_intercept=constraints.fit_intercept,
        time_limit=max(_LEAST_SECONDS, deadline - time.monotonic()),
    )
    if certificate.status != "complete":
        return infeasible_solution(question, certificate, best)
    direction = _with_intercept(certificate)
    again = _attempt(question, same, direction, deadline)
    if again.bracket.lower > 0:
        return again
    # the separating direction has a margin, even if the solver lost it
    if constraints.class_scales is not None:
        direction = direction / constraints.class_scales[:, None]
    lost = Solved(direction, np.zeros(0), "numerical_error", again.n_iterations, again.method)
    return measured_solution(question, direction, PairWeights.of(again.dual_weights), lost)


def _attempt(question: MarginQuestion, same: DistinctRows, start: Floats | None, deadline: float) -> MarginSolution:
    """Run the solver of the norm on the scaled problem and measure its answer on the rows as given."""
    left = max(_LEAST_SOLVER_SECONDS, deadline - time.monotonic())
    problem, size = scaled_problem(
        question.constraints, same, start=start, tol=_SOLVER_SHARE * question.tol, time_limit=left
    )
    solve = SOLVERS[question.norm]
    # what overflows on the way shows in the answer, which is measured next
    with np.errstate(all="ignore"):
        try:
            solved = polished(problem, question.norm, solve, solve(problem))
        except np.linalg.LinAlgError:
            solved = Solved(np.zeros(problem.shape), np.zeros(problem.pairs.shape), "numerical_error", 0, "")
    pairs = shared_weights(solved.weights, question.constraints, same)
    return measured_solution(question, solved.coef / size, pairs, solved)


def _raise_or_warn(solution: MarginSolution) -> None:
    if solution.status == "infeasible":
        certificate = solution.refutation
        tied = certificate.n_pairs - int(certificate.separable_counts.sum())
        words = "with" if solution.fit_intercept else "without"
        raise NotSeparableError(
            f"a largest margin needs classes that linear scores separate completely, but {words} intercept {tied:,} of "
            f"{certificate.n_pairs:,} pairs of a row and another class cannot be separated "
            f"({certificate.status.replace('_', '-')}); add features, or use a soft margin",
            certificate,
        )
    lower, upper = solution.bracket
    if solution.status in ("iteration_limit", "numerical_error"):
        reason = "" if solution.refutation is None else f" ({solution.refutation.reason})"
        raise NotSolvedError(
            f"a margin with a relative gap of {solution.tol:g} was wanted, but {solution.method or 'the solver'} ended "
            f"with {solution.status.replace('_', ' ')} between {lower:.6g} and {upper:.6g}{reason}; rescale the "
            "columns, allow more time, or take .solution with raise_on_failure=False",
            solution,
        )
    if solution.status == "inaccurate":
        warnings.warn(
            f"a relative gap of {solution.tol:g} was wanted, but the margin is only known to lie between {lower:.12g} "
            f"and {upper:.12g} ({solution.bracket.width:.1e}); rescale the columns, or ask for a larger tol",
            DataQualityWarning,
            stacklevel=3,
        )


def _check_positive(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0.0 < float(value) < np.inf:
        raise UsageError(f"{name} needs a positive number, but got {value!r:.40}; pass for example {name}=1e-8")


def _checked_start(start: Any, constraints: MarginConstraints) -> Floats | None:
    """Return the start as coefficients with the intercept as last column."""
    if start is None:
        return None
    if isinstance(start, SeparabilityCertificate) and start.status != "complete":
        return None
    given = _with_intercept(start) if isinstance(start, SeparabilityCertificate) else np.asarray(start, dtype=float)
    shape = (constraints.n_classes, int(constraints.X.shape[1]) + constraints.fit_intercept)
    if given is not None and constraints.fit_intercept and given.shape == (shape[0], shape[1] - 1):
        given = np.column_stack([given, np.zeros(shape[0])])
    if given is None or given.shape != shape or not np.all(np.isfinite(given)):
        found = "no direction" if given is None else f"shape {given.shape}"
        raise DataError(
            f"a start of finite numbers and shape {shape} is needed (a row for each class, the intercept as last "
            f"column), but got {found}; pass a certificate of complete separation, or no start"
        )
    plain = replace(constraints, class_scales=None)
    return given if plain.scaled_margins(given).min() > 0 else None


def _with_intercept(certificate: SeparabilityCertificate) -> Any:
    """Return the direction of a certificate, the intercepts as last column."""
    if certificate.direction is None or certificate.intercept_direction is None:
        return certificate.direction
    return np.column_stack([certificate.direction, certificate.intercept_direction])
