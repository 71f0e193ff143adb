"""Checks in floating point whose rounding errors are bounded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.certificates.balance import BalanceSystem, relative_residual
from marginscope.certificates.exact_proof import exact_positive
from marginscope.geometry.class_components import class_components, rows_of_component
from marginscope.geometry.margins import all_pairs, pair_sum, relative_margins, rounding_bound
from marginscope.geometry.orthonormal import orthonormal_features

__all__ = ["LARGEST_RESIDUAL", "LARGEST_SLACK", "balanced", "positive", "tied"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]

LARGEST_RESIDUAL = 1e-9
LARGEST_SLACK = 0.5
_TIE_IN_ROUNDINGS = 64.0
_CORRECTION_FACTOR = 16.0
_LARGEST_SYSTEM = 9000


def positive(X: Any, y: Codes, coef: Floats, intercept: Floats | None, pairs: Mask) -> bool:
    """Decide whether all margins on the pairs are > 0.

    A margin within its rounding error is decided in integers, so the answer is exact.
    """
    with np.errstate(all="ignore"):
        margins = relative_margins(X, y, coef, intercept)
        bound = rounding_bound(X, y, coef, intercept)
    if np.any(pairs & (margins <= -bound)):
        return False
    # a comparison with an overflowed entry is false, so such a pair is doubtful too
    doubtful = pairs & ~(margins > bound)
    return not doubtful.any() or exact_positive(X, y, coef, intercept, doubtful)


def tied(X: Any, y: Codes, coef: Floats, intercept: Floats | None, pairs: Mask) -> bool:
    """Say whether margins are zero up to rounding.

    One rounding is that of the largest effect |w_kj| max_i |x_ij| of any
    coefficient, in proportion to the row: a direction found in floating point has
    that error even in the coefficients that ought to be zero.
    """
    column = np.asarray(abs(X).max(axis=0).toarray() if hasattr(X, "tocsr") else abs(X).max(axis=0)).ravel()
    with np.errstate(all="ignore"):
        margins = relative_margins(X, y, coef, intercept)
        largest = float((np.abs(coef) * column).max(initial=0.0))
        row = np.asarray(abs(X) @ np.divide(1.0, column, out=np.zeros_like(column), where=column > 0))
    if intercept is not None:
        largest, row = max(largest, float(np.abs(intercept).max())), row + 1.0
    rounding = (np.finfo(float).eps * largest * np.sqrt(len(column) + 8.0) * row)[:, None]
    return bool(np.all(np.abs(margins) <= _TIE_IN_ROUNDINGS * rounding, where=pairs))


def balanced(
    X: Any,
    y: Codes,
    weights: Floats,
    tied: Mask,
    *,
    fit_intercept: bool,
    direction: tuple[Floats, Floats | None] | None = None,
) -> bool:
    """Say whether weights, positive on the tied pairs only, can be corrected to sum to zero.

    With a direction, also say whether it can be corrected to tie these pairs exactly and
    still have positive margins on all others. Classes that tied pairs connect need a dense
    system of n_classes * n_features unknowns. Beyond 9000 of them the residual must be below
    a millionth of the smallest weight instead, and the direction is left as it is.
    """
    if not (np.all(weights[tied] > 0) and np.all(weights[~tied] == 0) and np.all(np.isfinite(weights))):
        return False
    residual = relative_residual(X, y, weights, fit_intercept=fit_intercept)
    if residual > LARGEST_RESIDUAL:
        return False
    fall = np.zeros((weights.shape[1], X.shape[1] + fit_intercept))
    for classes in class_components(y, tied):
        rows, codes = rows_of_component(y, tied, classes)
        part = weights[np.ix_(rows, classes)]
        if len(classes) * min(X.shape[1] + fit_intercept, len(rows)) > _LARGEST_SYSTEM:
            if residual * part.sum() > 1e-6 * part[part > 0].min():
                return False
            continue
        features = orthonormal_features(X[rows], fit_intercept=fit_intercept)
        scaled = part / features.row_scale[:, None]
        system = BalanceSystem(features.Q, codes, scaled / scaled.max())
        slack, _ = system.correction(system.weights)
        if not slack <= LARGEST_SLACK:
            return False
        if direction is not None:
            coef, intercept = direction
            ties = relative_margins(X[rows], codes, coef[classes], None if intercept is None else intercept[classes])
            ties = np.where(part > 0, ties, 0.0) * features.row_scale[:, None]
            fall[classes] = features.to_columns(system.solve(pair_sum(features.Q, codes, system.weights * ties)))
    return direction is None or _stays_positive(X, y, direction, fall, all_pairs(y, len(fall)) & ~tied)


def _stays_positive(X: Any, y: Codes, direction: tuple[Floats, Floats | None], fall: Floats, pairs: Mask) -> bool:
    """Say whether margins exceed what a correction takes from them, and their rounding twice."""
    coef, intercept = direction
    change = (fall, None) if intercept is None else (fall[:, :-1], fall[:, -1])
    with np.errstate(all="ignore"):
        margins = relative_margins(X, y, coef, intercept)
        bound = rounding_bound(X, y, coef, intercept) + rounding_bound(X, y, np.abs(change[0]), change[1])
        left = margins - _CORRECTION_FACTOR * np.abs(relative_margins(X, y, *change))
    return bool(np.all(left > 2.0 * bound, where=pairs))
