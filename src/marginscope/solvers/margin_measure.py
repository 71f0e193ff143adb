"""From the numbers of a solver to a solution whose every figure is measured on the rows as given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.certificates.bracket import WIDEST_GAP, Bracket
from marginscope.certificates.kkt import kkt_residuals
from marginscope.certificates.margin import MarginSolution
from marginscope.certificates.margin_constraints import MarginConstraints
from marginscope.certificates.pair_table import pair_table
from marginscope.certificates.pair_weights import PairWeights
from marginscope.certificates.separability import SeparabilityCertificate
from marginscope.geometry.margins import all_pairs
from marginscope.geometry.norms import get_norm
from marginscope.solvers.margin_problem import Solved

__all__ = ["MarginQuestion", "infeasible_solution", "measured_solution"]

Floats = NDArray[np.float64]

# twice the rounding a check allows for, so that it succeeds where sums are taken in another order
_SLACK = 2.0


@dataclass(frozen=True, eq=False)
class MarginQuestion:
    """What was asked: the constraints, the labels of the classes, the norm and the relative gap."""

    constraints: MarginConstraints
    classes: NDArray[Any]
    norm: str
    tol: float


def measured_solution(question: MarginQuestion, W: Floats, pairs: PairWeights, solved: Solved) -> MarginSolution:
    """Scale W to a worst margin of 1 and the multipliers to ||W||^2, and measure everything.

    Parameters
    ----------
    question : MarginQuestion
    W : (n_classes, n_columns) array, the intercept as last column
    pairs : PairWeights
        Multipliers of the rows as given, up to a factor.
    solved : Solved
        Where status, method and number of iterations come from.
    """
    # coefficients too large for their multipliers, whose sum is ||W||^2, are as good as none
    with np.errstate(all="ignore"):
        found = _measured(question, W, pairs, solved)
        return found if _is_finite(found) else _measured(question, np.zeros_like(W), pairs, solved)


def _measured(question: MarginQuestion, W: Floats, pairs: PairWeights, solved: Solved) -> MarginSolution:
    constraints = question.constraints
    W = np.where(np.isfinite(W), W, 0.0)
    worst = float(constraints.scaled_margins(W).min())
    W = W / worst if worst > 0 else np.zeros_like(W)
    pairs = _scaled_to(constraints, pairs, get_norm(question.norm).value(W))
    combined = constraints.weighted_sum(pairs)
    bracket = constraints.bracket(question.norm, W, combined, slack=_SLACK)
    status, positive = solved.status, bracket.lower > 0 and np.isfinite(bracket.upper)
    if positive and bracket.width <= question.tol:
        status = "optimal"
    elif status in ("optimal", "infeasible", "inaccurate"):
        status = "inaccurate" if positive and bracket.width <= WIDEST_GAP else "numerical_error"
    margins = constraints.scaled_margins(W)
    kkt = kkt_residuals(constraints, question.norm, W, pairs, combined, bracket, margins) if positive else None
    return _solution(
        question,
        status=status,
        W=W,
        bracket=bracket,
        pairs=pairs,
        table=pair_table(constraints, margins, pairs) if positive else None,
        kkt=kkt,
        method=solved.method,
        n_iterations=solved.n_iterations,
    )


def _is_finite(found: MarginSolution) -> bool:
    residuals = () if found.kkt is None else found.kkt
    return bool(np.isfinite([*found.bracket, *residuals]).all() and np.isfinite(found.full_coef).all())


def infeasible_solution(
    question: MarginQuestion, certificate: SeparabilityCertificate, best: MarginSolution | None
) -> MarginSolution:
    """Return a solution without coefficients, with the proof that there are none, if there is one."""
    constraints = question.constraints
    K, p = constraints.n_classes, int(constraints.X.shape[1]) + constraints.fit_intercept
    refuted = certificate.status in ("overlap", "quasi_complete")
    weights = certificate.multipliers if refuted or best is None else best.dual_weights
    none = PairWeights(np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0))
    pairs = _scaled_to(constraints, none if weights is None else PairWeights.of(weights), 0.0)
    combined = constraints.weighted_sum(pairs)
    upper = constraints.bracket(question.norm, np.zeros((K, p)), combined, slack=_SLACK).upper
    return _solution(
        question,
        status="infeasible" if refuted else "numerical_error",
        W=np.zeros((K, p)),
        bracket=Bracket(0.0, upper),
        pairs=pairs,
        table=None,
        kkt=None,
        method=certificate.method if best is None else best.method,
        n_iterations=0 if best is None else best.n_iterations,
        refutation=certificate,
    )


def _scaled_to(constraints: MarginConstraints, pairs: PairWeights, size: float) -> PairWeights:
    """Scale multipliers to sum beta m = size^2, to 1 where there are no coefficients."""
    pairs = pairs._replace(values=np.where(np.isfinite(pairs.values), pairs.values, 0.0))
    largest = float(pairs.values.max(initial=0.0))
    if largest == 0.0:
        # equal weights prove an upper end too, if a high one
        rows, rivals = np.nonzero(all_pairs(constraints.y, constraints.n_classes))
        pairs, largest = PairWeights(rows, rivals, np.ones(len(rows))), 1.0
    # divided first: the sum may overflow
    pairs = pairs._replace(values=pairs.values / largest)
    total = float((pairs.values * constraints.row_margins[pairs.rows]).sum())
    return pairs.times(size * (size / total) if size > 0 else 1.0 / total)


def _solution(question: MarginQuestion, *, W: Floats, pairs: PairWeights, **parts: Any) -> MarginSolution:
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
        dual_weights=pairs.matrix(len(constraints.y), constraints.n_classes),
        tol=float(question.tol),
        class_margins=constraints.class_margins,
        class_scales=constraints.class_scales,
        **parts,
    )
