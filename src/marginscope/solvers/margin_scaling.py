"""From rows as given to the scaled problem that the solvers see, and back.

The solvers get distinct rows z / (m_y s): a one appended for an intercept, divided by the
class margin m and by one power of two s just above the largest row norm. If V and alpha
solve that problem, then W = V / s and beta = alpha / m (times a constant) solve the
given one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from marginscope.certificates.margin_constraints import MarginConstraints
from marginscope.certificates.pair_weights import PairWeights
from marginscope.geometry.intercept import with_ones
from marginscope.geometry.margins import all_pairs, is_sparse
from marginscope.solvers.distinct_rows import DistinctRows
from marginscope.solvers.margin_problem import MarginProblem

__all__ = ["power_of_two_above", "scaled_problem", "shared_weights"]

Floats = NDArray[np.float64]


def scaled_problem(
    constraints: MarginConstraints, same: DistinctRows, *, start: Floats | None, tol: float, time_limit: float
) -> tuple[MarginProblem, float]:
    """Return the problem on distinct rows and the power of two by which its rows are divided.

    Parameters
    ----------
    constraints : MarginConstraints
    same : DistinctRows
    start : (n_classes, n_columns) array, optional
        Coefficients that separate all rows, the intercept as last column.
    tol, time_limit : float
        As in ``MarginProblem``.
    """
    y = constraints.y[same.first]
    Z = constraints.X[same.first]
    targets = constraints.row_margins[same.first]
    Z = with_ones(Z) if constraints.fit_intercept else Z
    Z = sp.csr_array(sp.diags_array(1.0 / targets) @ Z) if is_sparse(Z) else Z / targets[:, None]
    size = power_of_two_above(Z)
    Z = Z * (1.0 / size)
    if start is not None and constraints.class_scales is not None:
        start = start / constraints.class_scales[:, None]
    problem = MarginProblem(
        X=Z if is_sparse(Z) else np.ascontiguousarray(Z),
        y=y,
        n_classes=constraints.n_classes,
        pairs=all_pairs(y, constraints.n_classes),
        class_scales=constraints.class_scales,
        start=None if start is None else start / (np.abs(start).max() or 1.0),
        tol=tol,
        time_limit=time_limit,
    )
    return problem, size


def shared_weights(alpha: Floats, constraints: MarginConstraints, same: DistinctRows) -> PairWeights:
    """Turn weights of the scaled problem into multipliers of all rows: equal rows share theirs equally."""
    place, rivals = np.nonzero(alpha)
    beta = alpha[place, rivals] / (constraints.row_margins[same.first[place]] * same.sizes[place])
    copies = same.sizes[place]
    by_group = np.argsort(same.group, kind="stable")
    start = np.concatenate([[0], np.cumsum(same.sizes)])[place]
    within = np.arange(copies.sum()) - np.repeat(np.cumsum(copies) - copies, copies)
    rows = by_group[np.repeat(start, copies) + within]
    order = np.lexsort((np.repeat(rivals, copies), rows))
    return PairWeights(rows[order], np.repeat(rivals, copies)[order], np.repeat(beta, copies)[order])


def power_of_two_above(Z: Any) -> float:
    """Return the power of two in (r, 2 r] for the largest Euclidean row norm r; 1 if all rows are zero."""
    largest = float(abs(Z).max()) if Z.shape[0] and Z.shape[1] else 0.0
    if largest == 0.0:
        return 1.0
    # divided first: squares may overflow or vanish
    unit = Z * (1.0 / largest)
    squares = unit.multiply(unit).sum(axis=1) if is_sparse(unit) else np.einsum("ij,ij->i", unit, unit)
    return float(np.ldexp(1.0, int(np.frexp(largest * float(np.sqrt(np.max(squares))))[1])))
