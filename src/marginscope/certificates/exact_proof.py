"""Proofs in rational arithmetic, from the arrays alone.

A direction is checked as it is: floats are rationals. Pair weights that came
from floats do not sum to zero exactly; here they are replaced by weights that do.
All but a basis of the pair features keep their weight, and the basis solves one
exact linear system; the claim holds if its solution is positive. Where that system is
too large to eliminate, rounding is bounded instead (``tied_systems``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from marginscope.certificates.integers import (
    Echelon,
    Integers,
    echelon_form,
    integer_coefficients,
    integer_columns,
    integer_weights,
)
from marginscope.certificates.tied_systems import bounded_tied_part
from marginscope.exceptions import CertificateError

__all__ = ["exact_positive", "exact_tied_part"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]
_ROWS_AT_ONCE = 4096
_SPARSE_ROWS_AT_ONCE = 64
_MOST_UNKNOWNS = 120
_SMALLEST_PIVOT = 1e-11
_MOST_ENTRIES = 5_000_000
_FEW_ENTRIES = 20_000


def exact_positive(X: Any, y: Codes, coef: Floats, intercept: Floats | None, pairs: Mask) -> bool:
    """Decide whether all margins of a direction on the pairs are > 0, without rounding."""
    rows = np.flatnonzero(pairs.any(axis=1))
    full = coef if intercept is None else np.column_stack([coef, intercept])
    sparse = hasattr(X, "tocsr")
    size = _SPARSE_ROWS_AT_ONCE if sparse else _ROWS_AT_ONCE
    for start in range(0, len(rows), size):
        block = rows[start : start + size]
        chosen, used = X[block], full
        if sparse:
            columns = np.unique(chosen.indices)
            chosen = chosen[:, columns]
            used = full[:, columns if intercept is None else np.append(columns, full.shape[1] - 1)]
        Z, exponent = integer_columns(_dense(chosen, intercept is not None))
        if not _all_positive(Z, y[block], integer_coefficients(used, exponent), pairs[block]):
            return False
    return True


def exact_tied_part(
    X: Any,
    y: Codes,
    tied: Mask,
    weights: Floats,
    *,
    direction: Floats | None = None,
    fit_intercept: bool,
    separable: Mask | None = None,
) -> bool:
    """Prove that the tied pairs have positive weights that sum to zero.

    With a direction (coefficients, the intercept as last column) also prove that
    some direction has margin 0 on all tied pairs and > 0 on all separable ones.

    Raises
    ------
    CertificateError
        If the proof would be too large, or a dependence of columns is not seen to be exact.
    """
    dense = _dense(X, fit_intercept)
    n_pairs, unknowns = int(tied.sum()), (tied.shape[1] - 1) * dense.shape[1]
    is_small = min(n_pairs, unknowns) <= _MOST_UNKNOWNS and n_pairs * unknowns <= _MOST_ENTRIES
    if n_pairs * unknowns > _FEW_ENTRIES:
        try:
            if bounded_tied_part(dense, y, tied, weights, direction, separable):
                return True
        except CertificateError:
            if not is_small:
                raise
    if not is_small:
        return False
    Z, exponent = integer_columns(dense)
    A = _pair_rows(Z, y, tied)
    flat = weights[tied]
    chosen = _heavy_rows(A, flat)
    if direction is None and _has_positive_balance(A, chosen, list(range(A.shape[1])), flat):
        # as many independent rows as unknowns: they span everything
        return True
    form, basis = _basis(A, chosen, flat)
    if not _has_positive_balance(A, basis, form.pivots, flat):
        return False
    if direction is None or separable is None:
        return True
    # the float direction, moved onto the exact null space of the tied pairs
    W = integer_coefficients(direction, exponent)
    contrasts = (W[:-1] - W[-1]).ravel()
    sign = 1 if form.denominator > 0 else -1
    exact = contrasts * abs(form.denominator)
    if form.pivots:
        exact[form.pivots] = -sign * (form.rows[:, form.free] @ contrasts[form.free]) if form.free else 0
    exact = np.vstack([exact.reshape(len(W) - 1, -1), np.zeros((1, W.shape[1]), dtype=object)])
    return _all_positive(Z, y, exact, separable)


def _heavy_rows(A: Integers, weights: Floats) -> list[int]:
    """Choose pair features that look independent, heavy weights first."""
    floats = np.array([[float(v) for v in row] for row in A / _column_size(A)])
    R, order = scipy.linalg.qr((floats * weights[:, None]).T, mode="r", pivoting=True, check_finite=False)
    size = np.abs(np.diag(R))
    # rows that add nothing to the heavier ones would take their place in the elimination
    return [int(m) for m in order[: int((size > _SMALLEST_PIVOT * size[0]).sum())]]


def _basis(A: Integers, chosen: list[int], weights: Floats) -> tuple[Echelon, list[int]]:
    """Return rows that span all pair features exactly."""
    while True:
        form = echelon_form(A[chosen])
        chosen = [chosen[i] for i in form.kept]
        missing = np.flatnonzero(~form.spans(A))
        if not len(missing):
            return form, chosen
        chosen = [*chosen, int(missing[np.argmax(weights[missing])])]


def _has_positive_balance(A: Integers, basis: list[int], columns: list[int], weights: Floats) -> bool:
    """Solve for the weights of the basis rows, the others kept, and look at the signs.

    False too where the basis rows are dependent in these columns.
    """
    if not (weights > 0).all() or len(basis) != len(columns):
        return False
    if not basis:
        return True
    kept = integer_weights(weights)
    rest = np.setdiff1d(np.arange(len(A)), basis)
    target = -(kept[rest] @ A[rest][:, columns]) if len(rest) else np.zeros(len(columns), dtype=object)
    solved = echelon_form(np.column_stack([A[basis][:, columns].T, target]), len(columns))
    if len(solved.pivots) < len(columns):
        return False
    sign = 1 if solved.denominator > 0 else -1
    return all(sign * int(v) > 0 for v in solved.rows[:, -1])


def _pair_rows(Z: Integers, y: Codes, pairs: Mask) -> Integers:
    """Write out the pair features in contrasts to the last class."""
    n_classes, p = pairs.shape[1], Z.shape[1]
    rows, rivals = np.nonzero(pairs)
    A = np.zeros((len(rows), n_classes, p), dtype=object)
    index = np.arange(len(rows))
    A[index, y[rows]] = Z[rows]
    A[index, rivals] = -Z[rows]
    return A[:, :-1].reshape(len(rows), -1)


def _all_positive(Z: Integers, y: Codes, W: Integers, pairs: Mask) -> bool:
    scores = Z @ W.T
    own = scores[np.arange(len(y)), y]
    return bool(np.all((own[:, None] > scores)[pairs]))


def _column_size(A: Integers) -> Integers:
    return np.array([max((abs(int(v)) for v in column), default=0) or 1 for column in A.T], dtype=object)


def _dense(X: Any, with_ones: bool) -> Floats:
    Z = X.toarray() if hasattr(X, "toarray") else np.asarray(X, dtype=float)
    return np.column_stack([Z, np.ones(len(Z))]) if with_ones else Z
