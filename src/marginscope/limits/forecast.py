"""Where gradient descent will be after very many steps, from the hard-margin solution alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.certificates.margin import MarginSolution
from marginscope.descent import get_optimizer
from marginscope.descent.step_size import StepSize, step_size_for
from marginscope.exceptions import DataError, NotSeparableError, NotSolvedError, SizeError, UsageError
from marginscope.geometry.intercept import with_ones
from marginscope.geometry.margins import is_sparse
from marginscope.limits.late_law import LateLaw
from marginscope.limits.question import Question, ask
from marginscope.limits.support_law import SupportPairs, solve_support
from marginscope.limits.tail_law import tail_law
from marginscope.objectives import LinearObjective
from marginscope.solvers.hard_margin import solve_hard_margin

__all__ = ["PathLaw", "forecast", "late_law"]

Floats = NDArray[np.float64]

# the support pairs decide, not the digits of their multipliers
_TOL = 1e-10
_MOST_ENTRIES = 50_000_000


def forecast(
    X: Any,
    y: Any,
    *,
    loss: Any = "cross_entropy",
    step_size: Any = "theory",
    fit_intercept: bool = False,
    adjustment: Any = None,
    class_weight: Any = None,
    class_margins: Any = None,
    class_scales: Any = None,
    sample_weight: Any = None,
) -> LateLaw:
    """Foretell the late path of gradient descent on separable data.

        W(t) = What log(eta t) + rho,    <x~_ik, rho> = log(c omega_i / alpha_ik) on support pairs

    Parameters
    ----------
    X : (n_samples, n_features) array, data frame or sparse matrix
    y : (n_samples,) labels of any kind
    loss : str or Template
        One with an exponential tail, or focal loss.
    step_size : "theory", float or StepSize
        Constant; "theory" is half the largest step that is proved not to raise the risk.
    fit_intercept : bool
        Append a column of ones; its weights are a part of W and of its norm.
    adjustment : Adjustment, optional
        Class margins, scales, shifts and weights in one; or some of the next four.
    class_weight : "balanced", mapping {label: weight} or (n_classes,) array, optional
    class_margins, class_scales : mapping {label: value} or (n_classes,) array, optional
    sample_weight : (n_samples,) array, optional

    Returns
    -------
    LateLaw

    Raises
    ------
    NotSeparableError
        If linear scores do not separate the classes; ``certificate`` proves it.
    SizeError
        If there are more than 3000 support pairs.
    DataError, UsageError
        If data or arguments cannot be meant, or descent with the loss has no such limit.

    References
    ----------
    Soudry, Hoffer, Nacson, Gunasekar & Srebro, JMLR 19 (2018), for two classes; Ravi, Scott,
    Soudry & Wang, NeurIPS 2024.

    Examples
    --------
    >>> from marginscope.limits.forecast import forecast
    >>> law = forecast([[0.0, 1.0], [1.0, 0.0], [-1.0, -1.0]], ["a", "b", "c"])
    >>> law.slope, round(law.onset, 1), law.is_complete
    (1.0, 0.4, True)
    >>> round(law.norm_ratio("1e1000"), 2)
    2303.49
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
    size = step_size_for(step_size, question.objective, get_optimizer("gd"), np.zeros(question.objective.shape))
    return late_law(question, size)


@dataclass(frozen=True, eq=False)
class PathLaw:
    """Step size to the law of the late path, or None where theory has none."""

    question: Question

    def __call__(self, step_size: StepSize) -> LateLaw | None:
        try:
            return late_law(self.question, step_size)
        except (NotSeparableError, NotSolvedError, DataError, UsageError):
            return None


def late_law(question: Question, size: StepSize) -> LateLaw:
    """Return the law of plain gradient descent on an objective."""
    objective = question.objective
    tail = tail_law(objective.template)
    if size.decay:
        raise UsageError(f"a constant step size is needed, but got the decay {size.decay:g}; pass a number")
    if objective.ridge:
        raise UsageError(
            f"descent without ridge is needed, but the ridge is {objective.ridge:g}; with one the limit is finite"
        )
    rows = np.flatnonzero(objective.adjustment.log_sample_weights(objective.y) > -np.inf)
    if len(np.unique(objective.y[rows])) < objective.n_classes:
        raise DataError(
            "a row of positive weight is needed for every class, but some class has none; leave the class out"
        )
    solution = solve_hard_margin(
        objective.X[rows],
        question.classes[objective.y[rows]],
        fit_intercept=objective.fit_intercept,
        class_margins=objective.adjustment.margins,
        class_scales=objective.adjustment.scales,
        tol=_TOL,
    )
    pairs = _support(objective, solution, rows)
    support = solve_support(pairs, tail)
    mass = float((support.multipliers * pairs.margins).sum())
    return LateLaw(
        solution=solution,
        support=support,
        tail=tail,
        loss_name=question.loss_name,
        step_size=size.scale,
        dimension=(objective.n_classes - 1) * _rank(_columns(objective, rows)),
        entropy=tail.log_factor - tail.rate * support.along / mass,
    )


def _support(objective: LinearObjective, solution: MarginSolution, rows: NDArray[np.intp]) -> SupportPairs:
    """Return the support pairs in the terms of the objective."""
    places, rivals = solution.support_pairs.T
    own, K = objective.y[rows[places]], objective.n_classes
    scales = np.ones(K) if objective.adjustment.scales is None else objective.adjustment.scales
    margins = np.ones(K) if objective.adjustment.margins is None else objective.adjustment.margins
    n = np.arange(len(places))
    classes = np.zeros((len(places), K))
    classes[n, own], classes[n, rivals] = scales[own], -scales[rivals]
    shifts = np.zeros(len(places))
    if objective.adjustment.shifts is not None:
        shifts += objective.adjustment.shifts[own] - objective.adjustment.shifts[rivals]
    if objective.adjustment.own_shifts is not None:
        shifts -= objective.adjustment.own_shifts[own]
    return SupportPairs(
        rows=_columns(objective, rows[places]),
        classes=classes,
        groups=places.astype(np.intp),
        margins=margins[own],
        shifts=shifts,
        log_omega=objective.adjustment.log_sample_weights(objective.y)[rows[places]],
        multipliers=np.asarray(solution.dual_weights[places, rivals]).ravel(),
    )


def _columns(objective: LinearObjective, rows: NDArray[np.intp]) -> Any:
    """Return the rows with the intercept's column of ones."""
    return with_ones(objective.X[rows]) if objective.fit_intercept else objective.X[rows]


def _rank(X: Any) -> int:
    """Return the rank of the rows."""
    if X.shape[0] * X.shape[1] > _MOST_ENTRIES:
        raise SizeError(
            f"the rank of the features is taken of a dense matrix of at most {_MOST_ENTRIES:,} entries, but got "
            f"{X.shape[0]:,} rows and {X.shape[1]:,} columns; use fewer rows or features"
        )
    dense = X.toarray() if is_sparse(X) else np.asarray(X)
    return int(np.linalg.matrix_rank(dense)) if math.prod(dense.shape) else 0
