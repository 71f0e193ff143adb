"""Decide what linear scores can separate, and prove it.

A given start, or a search over the distinct rows; no step is believed: a certificate
is returned only if its own ``verify`` accepts it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from marginscope._validation import check_consistent_length, check_features, check_labels
from marginscope.certificates.balance import margin_upper_bound, relative_residual
from marginscope.certificates.float_proof import positive
from marginscope.certificates.separability import SeparabilityCertificate
from marginscope.certificates.separability_proof import proves, separable_counts
from marginscope.exceptions import DataError
from marginscope.geometry.intercept import with_ones
from marginscope.geometry.margins import all_pairs, is_sparse, relative_margins
from marginscope.geometry.orthonormal import column_exponents, unscaled_coefficients
from marginscope.solvers.distinct_rows import DistinctRows, distinct_rows
from marginscope.solvers.frobenius import HardMarginDirection, hard_margin_direction
from marginscope.solvers.separable_lp import MOST_NONZEROS
from marginscope.solvers.separable_search import Findings, SeparableSearch

__all__ = ["separability"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]

_MAX_MARGIN_SECONDS = 30.0


def separability(
    X: Any, y: Any, *, fit_intercept: bool = True, start: Any = None, time_limit: float = 120.0
) -> SeparabilityCertificate:
    """Certify complete separation, quasi-complete separation or overlap.

    Parameters
    ----------
    X : (n_samples, n_features) array, data frame or sparse matrix
    y : (n_samples,) labels of any kind
    fit_intercept : bool
        Whether the scores have intercepts. They have here, as a model has; in
        ``solve_hard_margin`` they have none unless asked for, as in the theory of margins.
    start : (n_classes, n_features) or (n_classes, n_features + 1) array, optional
        Coefficients, with the intercepts as last column, of a fitted model in
        sorted label order. If they separate, they are the certificate.
    time_limit : float
        Seconds that one linear programme may take.

    Returns
    -------
    SeparabilityCertificate
        "undecided" with a reason where no status could be proved within the limits
        on memory and time.

    Raises
    ------
    DataError
        If features are not finite, lengths differ, or there are fewer than two classes.

    References
    ----------
    Albert & Anderson, Biometrika 71 (1984); Konis, Linear programming algorithms for
    detecting separated data (2007).

    Examples
    --------
    >>> from marginscope.solvers.separability import separability
    >>> certificate = separability([[0.0], [1.0], [2.0], [3.0]], ["a", "a", "b", "b"])
    >>> certificate.status, certificate.infinite.ravel().tolist()
    ('complete', [-1, 1])
    >>> certificate.verify([[0.0], [1.0], [2.0], [3.0]], ["a", "a", "b", "b"], exact=True)
    True
    """
    X = check_features(X)
    labels = check_labels(y, min_classes=2)
    check_consistent_length(X, labels.codes)
    X = X.tocsr() if is_sparse(X) else X
    codes = labels.codes.astype(np.intp)
    K = labels.n_classes
    same = distinct_rows(X, codes)
    given = _checked_start(start, (K, X.shape[1] + fit_intercept), fit_intercept)
    if given is not None and positive(X, codes, given[0], given[1], all_pairs(codes, K)):
        everything = all_pairs(codes[same.first], K)
        findings = Findings("the given start", None, everything, None)
        return _certificate(X, codes, labels.labels, same, fit_intercept, findings, given)
    distinct, y_distinct = X[same.first], codes[same.first]
    Z, exponent = _scaled(distinct, fit_intercept)
    split = partial(_in_original_units, exponent, fit_intercept)
    pairs = all_pairs(y_distinct, K)

    def accept(theta: Floats) -> bool:
        return positive(distinct, y_distinct, *split(theta), pairs)

    found = None
    for by_programme in (False, True):
        search = SeparableSearch(
            Z,
            y_distinct,
            pairs,
            has_ones=fit_intercept,
            accept=accept,
            time_limit=time_limit,
            by_programme=by_programme,
        )
        findings = search.run()
        direction = None if findings.theta is None else split(findings.theta)
        again = _certificate(X, codes, labels.labels, same, fit_intercept, findings, direction)
        found = again if found is None or again.status != "undecided" else found
        # what rounding spoils in one way may be seen in the other, where there is room for it
        if found.status != "undecided" or findings.reason or 2 * pairs.sum() * min(Z.shape) > MOST_NONZEROS:
            break
    assert found is not None
    return found


def _checked_start(start: Any, shape: tuple[int, int], fit_intercept: bool) -> tuple[Floats, Floats | None] | None:
    if start is None:
        return None
    given = np.asarray(start, dtype=float)
    if fit_intercept and given.shape == (shape[0], shape[1] - 1):
        given = np.column_stack([given, np.zeros(shape[0])])
    if given.shape != shape:
        raise DataError(
            f"a start of shape {shape} is needed (a row for each class, the intercept as last column), "
            f"but it has shape {given.shape}; pass numpy.column_stack([coef_, intercept_])"
        )
    return (np.ascontiguousarray(given[:, :-1]), given[:, -1].copy()) if fit_intercept else (given, None)


def _scaled(X: Any, fit_intercept: bool) -> tuple[Any, NDArray[np.int64]]:
    """Scale columns by powers of two to a largest entry near 1, and append ones."""
    exponent = column_exponents(X)
    if is_sparse(X):
        Z: Any = sp.csr_array(X @ sp.diags_array(np.ldexp(1.0, -exponent)))
    else:
        Z = np.asarray(np.ldexp(X, -exponent))
    return (with_ones(Z), np.append(exponent, 0)) if fit_intercept else (Z, exponent)


def _in_original_units(exponent: NDArray[np.int64], fit_intercept: bool, theta: Floats) -> tuple[Floats, Floats | None]:
    """Turn coefficients of the scaled columns into coefficients and intercepts of X."""
    coef = unscaled_coefficients(theta, exponent)
    return (np.ascontiguousarray(coef[:, :-1]), coef[:, -1].copy()) if fit_intercept else (coef, None)


def _certificate(
    X: Any,
    codes: Codes,
    classes: NDArray[Any],
    same: DistinctRows,
    fit_intercept: bool,
    findings: Findings,
    direction: tuple[Floats, Floats | None] | None,
) -> SeparabilityCertificate:
    """Spread what was found over all rows, and keep it only if it verifies."""
    K = len(classes)
    pairs = all_pairs(codes, K)
    separable = findings.separable[same.group]
    coef, intercept = (None, None) if direction is None else direction
    status = "overlap"
    if separable.any():
        status = "complete" if np.array_equal(separable, pairs) else "quasi_complete"
    weights = None
    if findings.weights is not None and findings.weights.max(initial=0.0) > 0:
        weights = (findings.weights / same.sizes[:, None])[same.group]
        weights = weights / weights.max()
    upper = margin_upper_bound(
        X, codes, pairs.astype(float) if weights is None else weights, fit_intercept=fit_intercept
    )
    certificate = SeparabilityCertificate(
        status=status,
        classes=classes,
        n_rows=X.shape[0],
        n_features=X.shape[1],
        fit_intercept=fit_intercept,
        class_rows=np.bincount(codes, minlength=K).astype(np.int64),
        separable_counts=separable_counts(codes, separable),
        direction=coef,
        intercept_direction=intercept,
        multipliers=None if weights is None else sp.csr_array(weights),
        residual=None if weights is None else relative_residual(X, codes, weights, fit_intercept=fit_intercept),
        margin_bounds=(_normalised_margin(X, codes, coef, intercept) if status == "complete" else 0.0, upper),
        conflict=same.conflict,
        method=findings.method,
        _separable_bits=np.packbits(separable) if separable.any() else None,
        _max_margin=MaxMarginOf(X, codes, separable, coef, intercept) if separable.any() else None,
    )
    if not findings.reason and proves(certificate, X, codes, exact=False):
        return certificate
    return _undecided(certificate, findings.reason)


def _undecided(certificate: SeparabilityCertificate, reason: str) -> SeparabilityCertificate:
    lower, upper = certificate.margin_bounds
    reason = reason or (
        f"{certificate.method} ended at {certificate.status.replace('_', '-')}, but its numbers do not prove it"
    )
    return replace(
        certificate,
        status="undecided",
        separable_counts=np.zeros_like(certificate.separable_counts),
        reason=f"{reason}; the largest normalised margin is between {lower:.1e} and {upper:.1e}",
        _separable_bits=None,
        _max_margin=None,
    )


def _normalised_margin(X: Any, y: Codes, coef: Floats | None, intercept: Floats | None) -> float:
    if coef is None:
        return 0.0
    # scaled first: squares of the direction may overflow
    scale = max(float(np.abs(coef).max(initial=0.0)), 0.0 if intercept is None else float(np.abs(intercept).max()))
    if not scale > 0:
        return 0.0
    coef, intercept = coef / scale, None if intercept is None else intercept / scale
    norm = np.sqrt((coef**2).sum() + (0.0 if intercept is None else (intercept**2).sum()))
    return max(0.0, float(relative_margins(X, y, coef, intercept).min() / norm))


@dataclass(frozen=True, eq=False)
class MaxMarginOf:
    """Solves for the max-margin direction of the separable part when called; plain data, as it is saved."""

    X: Any
    y: Codes
    separable: Mask
    coef: Floats | None
    intercept: Floats | None

    def __call__(self) -> HardMarginDirection:
        start = self.coef
        if self.intercept is not None and self.coef is not None:
            start = np.column_stack([self.coef, self.intercept])
        n_classes = self.separable.shape[1]
        return hard_margin_direction(
            self.X,
            self.y,
            n_classes=n_classes,
            fit_intercept=self.intercept is not None,
            pairs=self.separable,
            tied=all_pairs(self.y, n_classes) & ~self.separable,
            start=start,
            time_limit=_MAX_MARGIN_SECONDS,
        )
