"""From the numbers of a solver to a solution whose every figure is measured on the rows as given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from marginscope.certificates.bracket import Bracket
from marginscope.certificates.kkt import kkt_residuals
from marginscope.certificates.margin import MarginSolution
from marginscope.certificates.margin_constraints import MarginConstraints
from marginscope.certificates.pair_table import pair_table
from marginscope.certificates.separability import SeparabilityCertificate
from marginscope.geometry.margins import all_pairs
from marginscope.geometry.norms import get_norm
from marginscope.solvers.margin_problem import MarginProblem, Solved

__all__ = ["MarginQuestion", "infeasible_solution", "measured_solution", "pruned_weights"]

Floats = NDArray[np.float64]

_PRUNING = (1e-6, 1e-8, 1e-10, 1e-12)
# share of the tolerance that leaving out small multipliers may cost
_PRUNING_COST = 1e-2
# twice the rounding a check allows for, so that it succeeds where sums are taken in another order
_SLACK = 2.0


@dataclass(frozen=True, eq=False)
class MarginQuestion:
    """What was asked: the constraints, the labels of the classes, the norm and the relative gap."""

    constraints: MarginConstraints
    classes: NDArray[Any]
    norm: str
    tol: float


def pruned_weights(problem: MarginProblem, norm: str, weights: Floats, tol: float) -> Floats:
    """Leave out the multipliers too small to matter for the bound; an interior point has all of them positive."""
    alpha = np.where(np.isfinite(weights) & (weights > 0) & problem.pairs, weights, 0.0)
    dual = get_norm(norm).dual_value
    largest = float(alpha.max(initial=0.0))
    if largest == 0.0:
        return alpha
    bound = dual(problem.adjoint(alpha)) / float(alpha.sum())
    for share in _PRUNING:
        kept = np.where(alpha > share * largest, alpha, 0.0)
        if dual(problem.adjoint(kept)) / float(kept.sum()) <= bound * (1.0 + _PRUNING_COST * tol):
            return kept
    return alpha


def measured_solution(question: MarginQuestion, W: Floats, weights: Any, solved: Solved) -> MarginSolution:
    """Scale W to a worst margin of 1 and the multipliers to ||W||^2, and measure everything.

    Parameters
    ----------
    question : MarginQuestion
    W : (n_classes, n_columns) array, the intercept as last column
    weights : CSR matrix (n_rows, n_classes)
        Multipliers of the rows as given, up to a factor.
    solved : Solved
        Where status, method and number of iterations come from.
    """
    constraints = question.constraints
    W = np.where(np.isfinite(W), W, 0.0)
    worst = float(constraints.scaled_margins(W).min())
    W = W / worst if worst > 0 else np.zeros_like(W)
    weights = _scaled_to(constraints, weights, get_norm(question.norm).value(W))
    bracket = constraints.bracket(question.norm, W, weights, slack=_SLACK)
    status, positive = solved.status, bracket.lower > 0
    if positive and bracket.width <= question.tol:
        status = "optimal"
    elif status in ("optimal", "infeasible"):
        status = "inaccurate" if positive else "numerical_error"
    margins = constraints.scaled_margins(W)
    return _solution(
        question,
        status=status,
        W=W,
        bracket=bracket,
        dual_weights=weights,
        table=pair_table(constraints, margins, weights) if positive else None,
        kkt=kkt_residuals(constraints, question.norm, W, weights, bracket, margins) if positive else None,
        method=solved.method,
        n_iterations=solved.n_iterations,
    )


def infeasible_solution(
    question: MarginQuestion, certificate: SeparabilityCertificate, best: MarginSolution | None
) -> MarginSolution:
    """Return a solution without coefficients, with the proof that there are none, if there is one."""
    constraints = question.constraints
    K, p = constraints.n_classes, int(constraints.X.shape[1]) + constraints.fit_intercept
    refuted = certificate.status in ("overlap", "quasi_complete")
    weights = certificate.multipliers if refuted or best is None else best.dual_weights
    if weights is None:
        weights = sp.csr_array((len(constraints.y), K))
    weights = _scaled_to(constraints, weights, 0.0)
    bracket = constraints.bracket(question.norm, np.zeros((K, p)), weights, slack=_SLACK)
    return _solution(
        question,
        status="infeasible" if refuted else "numerical_error",
        W=np.zeros((K, p)),
        bracket=Bracket(0.0, bracket.upper),
        dual_weights=weights,
        table=None,
        kkt=None,
        method=certificate.method if best is None else best.method,
        n_iterations=0 if best is None else best.n_iterations,
        refutation=certificate,
    )


def _scaled_to(constraints: MarginConstraints, weights: Any, size: float) -> Any:
    """Scale multipliers to sum beta m = size^2, to 1 where there are no coefficients."""
    largest = float(weights.data.max(initial=0.0))
    if largest == 0.0:
        # equal weights prove an upper end too, if a high one
        weights = sp.csr_array(all_pairs(constraints.y, constraints.n_classes).astype(float))
        largest = 1.0
    weights = sp.csr_array(weights / largest)
    total = constraints.total(weights)
    return weights * (size * (size / total)) if size > 0 else weights / total


def _solution(question: MarginQuestion, *, W: Floats, **parts: Any) -> MarginSolution:
    constraints = question.constraints
    d = int(constraints.X.shape[1])
    return MarginSolution(
        norm=question.norm,
        classes=question.classes,
        n_rows=len(constraints.y),
        n_features=d,
        fit_intercept=constraints.fit_intercept,
        own_codes=constraints.y,
        coef=np.ascontiguousarray(W[:, :d]),
        intercept=W[:, d].copy() if constraints.fit_intercept else None,
        tol=float(question.tol),
        class_margins=constraints.class_margins,
        class_scales=constraints.class_scales,
        **parts,
    )
