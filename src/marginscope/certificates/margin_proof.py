"""Whether the numbers of a margin solution prove what it claims."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from marginscope.certificates.bracket import WIDEST_GAP
from marginscope.certificates.fraction_checker import FractionChecker
from marginscope.certificates.kkt import KktResiduals, kkt_residuals
from marginscope.certificates.margin_constraints import MarginConstraints
from marginscope.certificates.pair_table import PairTable, pair_table
from marginscope.certificates.pair_weights import PairWeights, WeightedSum
from marginscope.geometry.margins import is_sparse
from marginscope.geometry.norms import NORMS

if TYPE_CHECKING:
    from marginscope.certificates.margin import MarginSolution

__all__ = ["proves"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_WITHOUT_MARGIN = ("infeasible", "numerical_error", "iteration_limit")
_SOLVED = ("optimal", "inaccurate", "iteration_limit", "numerical_error")
_CLOSE = 1e-9
# added to the witness of a nuclear norm, relative to the largest singular value
_RIDGE = 2.0**-46


def proves(solution: MarginSolution, X: Any, y: Codes, *, exact: bool) -> bool:
    """Check a solution against finite features and class codes."""
    if not _is_well_formed(solution, y):
        return False
    constraints = MarginConstraints(
        X, y, len(solution.classes), solution.fit_intercept, solution.class_margins, solution.class_scales
    )
    W, pairs = solution.full_coef, PairWeights.of(solution.dual_weights)
    with np.errstate(all="ignore"):
        combined = constraints.weighted_sum(pairs)
        if exact:
            proved = _proves_bracket_exactly(solution, constraints, W, pairs, combined)
        else:
            found = constraints.bracket(solution.norm, W, combined)
            proved = solution.bracket.lower <= found.lower and found.upper <= solution.bracket.upper
        return proved and (_makes_no_claim(solution) or _describes(solution, constraints, W, pairs, combined))


def _is_well_formed(solution: MarginSolution, y: Codes) -> bool:
    """Say whether shapes, signs and names are those of a solution."""
    K, d = len(solution.classes), solution.n_features
    if not np.array_equal(solution.own_codes, y) or solution.norm not in {norm.name for norm in NORMS}:
        return False
    if not _has_a_fitting_status(solution):
        return False
    if not _is_array(solution.coef, (K, d)) or (solution.intercept is None) == solution.fit_intercept:
        return False
    if solution.intercept is not None and not _is_array(solution.intercept, (K,)):
        return False
    for given in (solution.class_margins, solution.class_scales):
        if given is not None and not (_is_array(given, (K,)) and np.all(given > 0)):
            return False
    weights = solution.dual_weights
    if not hasattr(weights, "tocsr") or weights.shape != (len(y), K):
        return False
    if not np.all(np.isfinite(weights.data)) or np.any(weights.data < 0):
        return False
    pairs = PairWeights.of(weights)
    return not np.any(pairs.rivals == y[pairs.rows])


def _has_a_fitting_status(solution: MarginSolution) -> bool:
    """Say whether the status is one that goes with the bracket."""
    lower, upper = solution.bracket
    if not 0.0 <= lower <= upper or not (math.isfinite(solution.tol) and solution.tol > 0):
        return False
    if _makes_no_claim(solution):
        return solution.status in _WITHOUT_MARGIN and not np.any(solution.coef != 0.0)
    width = solution.bracket.width
    if solution.status == "inaccurate" and width > WIDEST_GAP:
        return False
    return lower > 0.0 and solution.status in _SOLVED and (solution.status == "optimal") == (width <= solution.tol)


def _makes_no_claim(solution: MarginSolution) -> bool:
    """Say whether there is only an upper end, and no coefficients."""
    return solution.bracket.lower == 0.0 and solution.table is None and solution.kkt is None


def _is_array(values: Any, shape: tuple[int, ...]) -> bool:
    return isinstance(values, np.ndarray) and values.shape == shape and bool(np.all(np.isfinite(values)))


def _describes(
    solution: MarginSolution, constraints: MarginConstraints, W: Floats, pairs: PairWeights, combined: WeightedSum
) -> bool:
    """Say whether the scale of W, the table of pairs and the residuals are those of the data."""
    if solution.table is None or solution.kkt is None:
        return False
    margins = constraints.scaled_margins(W)
    table = pair_table(constraints, margins, pairs)
    rounding = constraints.scaled_rounding(W)
    room = _CLOSE + 4.0 * float(rounding[pairs.rows, pairs.rivals].max(initial=0.0))
    kkt = kkt_residuals(constraints, solution.norm, W, pairs, combined, solution.bracket, margins)
    return bool(
        abs(float(margins.min()) - 1.0) <= room
        and abs(combined.total / solution.norm_value**2 - 1.0) <= _CLOSE
        and _same_table(solution.table, table, _CLOSE + 4.0 * rounding.max())
        and _same_residuals(solution.kkt, kkt, room)
    )


def _same_table(stored: PairTable, found: PairTable, room: float) -> bool:
    if not np.array_equal(stored.supports, found.supports):
        return False
    if stored.margins.shape != found.margins.shape or stored.mass.shape != found.mass.shape:
        return False
    return (
        _close(stored.margins, found.margins, room)
        and _close(np.array(stored.nearest), np.array(found.nearest), room)
        and _close(stored.mass, found.mass, _CLOSE * float(found.mass.max(initial=0.0)))
    )


def _close(a: Floats, b: Floats, room: float) -> bool:
    finite = np.isfinite(b)
    if not np.array_equal(np.isposinf(a), ~finite) or np.isnan(a).any():
        return False
    return bool(np.all(np.abs(a[finite] - b[finite]) <= room + _CLOSE * np.abs(b[finite])))


def _same_residuals(stored: KktResiduals, found: KktResiduals, room: float) -> bool:
    return all(abs(a - b) <= room and a >= 0.0 for a, b in zip(stored, found, strict=True))


def _proves_bracket_exactly(
    solution: MarginSolution, constraints: MarginConstraints, W: Floats, pairs: PairWeights, combined: WeightedSum
) -> bool:
    """Hand both ends to the checker on fractions."""
    checker = FractionChecker(
        _sparse_rows(constraints.X),
        constraints.y.tolist(),
        constraints.n_classes,
        int(constraints.X.shape[1]),
        fit_intercept=constraints.fit_intercept,
        class_margins=None if constraints.class_margins is None else constraints.class_margins.tolist(),
        class_scales=None if constraints.class_scales is None else constraints.class_scales.tolist(),
    )
    norm, (lower, upper) = solution.norm, solution.bracket
    of_coef = _witness(W) if norm == "nuclear" else None
    if lower > 0.0 and not checker.proves_lower(norm, W.tolist(), lower, witness=of_coef):
        return False
    if not math.isfinite(upper):
        return True
    multipliers = list(zip(*(one.tolist() for one in pairs), strict=True))
    of_sum = _witness(combined.value) if norm == "spectral" else None
    return checker.proves_upper(norm, multipliers, upper, witness=of_sum)


def _sparse_rows(X: Any) -> list[list[tuple[int, float]]]:
    """Return the entries of every row that are not zero, with their columns."""
    if is_sparse(X):
        ends, columns, data = X.indptr.tolist(), X.indices.tolist(), X.data.tolist()
        return [list(zip(columns[a:b], data[a:b], strict=True)) for a, b in itertools.pairwise(ends)]
    return [[(j, value) for j, value in enumerate(row) if value != 0.0] for row in X.tolist()]


def _witness(A: Floats) -> list[list[float]]:
    """Return a symmetric positive definite matrix near the square root of A A', from its short side."""
    short = A if A.shape[0] <= A.shape[1] else A.T
    U, s, _ = np.linalg.svd(short, full_matrices=False)
    S = (U * (s + _RIDGE * s.max(initial=0.0))) @ U.T
    return [[float(one) for one in row] for row in (0.5 * (S + S.T))]
