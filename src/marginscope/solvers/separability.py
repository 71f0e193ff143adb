"""Decide what linear scores can separate, and prove it.

Cheap steps first: a given start, a short descent, Newton's method; what they
leave open goes to one linear programme over the pairs that matter. No step is
believed: a certificate is returned only if its own ``verify`` accepts it.
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
from marginscope.geometry.margins import all_pairs, is_sparse, relative_margins
from marginscope.geometry.orthonormal import OrthonormalFeatures, orthonormal_features
from marginscope.solvers.distinct_rows import DistinctRows, distinct_rows
from marginscope.solvers.frobenius import HardMarginDirection, hard_margin_direction
from marginscope.solvers.pair_loss import PairLoss, descend_until
from marginscope.solvers.recession import balance, project_direction, search
from marginscope.solvers.separable_lp import solve_separable_pairs

__all__ = ["separability"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]

_MOST_DENSE_ENTRIES = 50_000_000
_MOST_UNPACKED_ENTRIES = 20_000_000
_LARGEST_HESSIAN = 3000
_DESCENT_STEPS = 60
_LONG_DESCENT_STEPS = 1000
_MAX_MARGIN_SECONDS = 30.0
_CLEAR = 1e-9


@dataclass(frozen=True)
class _Findings:
    """What a search over distinct rows found, in the features it was made with."""

    method: str
    theta: Floats | None
    separable: Mask
    weights: Floats | None
    reason: str = ""


def separability(
    X: Any, y: Any, *, fit_intercept: bool = True, start: Any = None, time_limit: float = 120.0
) -> SeparabilityCertificate:
    """Certify complete separation, quasi-complete separation or overlap.

    Parameters
    ----------
    X : (n_samples, n_features) array, data frame or sparse matrix
    y : (n_samples,) labels of any kind
    fit_intercept : bool
        Whether the scores have intercepts.
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
        findings = _Findings("the given start", None, everything, None)
        return _certificate(X, codes, labels.labels, same, fit_intercept, findings, given)
    distinct, distinct_codes = X[same.first], codes[same.first]
    features = _features(distinct, fit_intercept)
    if features is None:
        findings, direction = _search_sparse(distinct, distinct_codes, K, fit_intercept, time_limit)
    else:
        accept = partial(_separates, features, distinct, distinct_codes)
        findings = _search_dense(features, distinct_codes, K, accept, time_limit)
        direction = None if findings.theta is None else features.to_original(findings.theta)
        if findings.weights is not None:
            findings = replace(findings, weights=findings.weights * features.row_scale[:, None])
    return _certificate(X, codes, labels.labels, same, fit_intercept, findings, direction)


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


def _features(X: Any, fit_intercept: bool) -> OrthonormalFeatures | None:
    """Return orthonormal features, or None where they would not fit in memory."""
    n, p = X.shape[0], X.shape[1] + fit_intercept
    if (
        n * p > (_MOST_UNPACKED_ENTRIES if is_sparse(X) else _MOST_DENSE_ENTRIES)
        or min(n, p) ** 2 > _MOST_DENSE_ENTRIES
    ):
        return None
    return orthonormal_features(X, fit_intercept=fit_intercept)


def _separates(features: OrthonormalFeatures, X: Any, y: Codes, theta: Floats) -> bool:
    coef, intercept = features.to_original(theta)
    return positive(X, y, coef, intercept, all_pairs(y, len(coef)))


def _search_dense(features: OrthonormalFeatures, y: Codes, n_classes: int, accept: Any, time_limit: float) -> _Findings:
    """Descend, then take Newton steps, setting separated pairs aside, then solve the programme."""
    Q = features.Q
    tied = all_pairs(y, n_classes)
    separable = np.zeros_like(tied)
    theta = np.zeros((n_classes, Q.shape[1]))
    small = n_classes * Q.shape[1] <= _LARGEST_HESSIAN
    model = PairLoss(Q, y, tied)
    theta, found = descend_until(model, theta, accept, max_steps=_DESCENT_STEPS if small else _LONG_DESCENT_STEPS)
    if found:
        return _Findings("descent", theta, tied, None)
    directions: list[Floats] = []
    level = accept
    while small:
        outcome = search(model, theta, level)
        if outcome.kind in ("balanced", "open"):
            theta = outcome.theta
            break
        directions.append(outcome.theta)
        separable |= outcome.separable
        tied = tied & ~outcome.separable
        if not tied.any():
            return _Findings("Newton's method", _combined(Q, y, directions, separable, tied), separable, None)
        model = PairLoss(Q, y, tied)
        level = partial(_clearly_separates, model)
        # from the start again: the iterate has run off, and its curvature is lost in rounding
        theta = np.zeros_like(theta)
    if small and outcome.kind == "balanced":
        total = _combined(Q, y, directions, separable, tied) if directions else None
        return _Findings("Newton's method", total, separable, outcome.weights)
    return _programme(Q, y, model, theta, directions, separable, time_limit, small)


def _clearly_separates(model: PairLoss, theta: Floats) -> bool:
    """Say whether all margins are positive by more than rounding, where no exact check can be made."""
    u = model.margins(theta)[model.pairs]
    return bool(u.min() > _CLEAR * np.abs(u).max())


def _programme(
    Q: Floats,
    y: Codes,
    model: PairLoss,
    theta: Floats,
    directions: list[Floats],
    separable: Mask,
    time_limit: float,
    small: bool,
) -> _Findings:
    tied = model.pairs
    _, weights = model.value_and_weights(model.margins(theta))
    answer = solve_separable_pairs(Q, y, tied, tied & (weights > 1e-6), time_limit=time_limit)
    if answer.reason:
        return _Findings("linear programme", None, separable, np.where(tied, weights, 0.0), answer.reason)
    rest = tied & ~answer.separable
    separable = separable | answer.separable
    if answer.separable.any():
        directions = [*directions, answer.theta]
    total: Floats | None = directions[-1] if directions else None
    if directions and small:
        total = _combined(Q, y, directions, separable, rest)
    if not rest.any():
        return _Findings("linear programme", total, separable, None)
    left = PairLoss(Q, y, rest)
    dual = np.where(rest, answer.weights, 0.0)
    if small:
        balanced = search(left, np.zeros_like(theta), partial(_clearly_separates, left))
        exact = balanced.weights if balanced.kind == "balanced" else balance(left, dual)
        dual = dual if exact is None else exact
    return _Findings("linear programme", total, separable, dual)


def _combined(Q: Floats, y: Codes, directions: list[Floats], separable: Mask, tied: Mask) -> Floats:
    """Add directions so that all separable pairs stay positive, and project off the tied pairs."""
    total = directions[0] / max(1e-300, float(np.abs(directions[0]).max()))
    for one in directions[1:]:
        now = np.where(separable, relative_margins(Q, y, total), 0.0)
        gain = np.where(separable, relative_margins(Q, y, one), 0.0)
        falling = (gain < 0) & (now > 0)
        share = 0.5 * float(np.min(now[falling] / -gain[falling])) if falling.any() else np.inf
        scale = float(np.abs(one).max())
        total = total + min(share, 1.0 / scale if scale > 0 else 0.0) * one
    return project_direction(Q, y, tied, total) if tied.any() else total


def _search_sparse(
    X: Any, y: Codes, n_classes: int, fit_intercept: bool, time_limit: float
) -> tuple[_Findings, tuple[Floats, Floats | None] | None]:
    """Descend in the columns themselves, then solve the programme."""
    Z: Any = sp.csr_array(sp.hstack([X, sp.csr_array(np.ones((X.shape[0], 1)))]) if fit_intercept else X)
    size = abs(Z).max(axis=0).toarray().ravel()
    size[size == 0] = 1.0
    Z = sp.csr_array(Z @ sp.diags_array(1.0 / size))
    pairs = all_pairs(y, n_classes)

    def split(theta: Floats) -> tuple[Floats, Floats | None]:
        full = theta / size
        return (np.ascontiguousarray(full[:, :-1]), full[:, -1].copy()) if fit_intercept else (full, None)

    def accept(theta: Floats) -> bool:
        return positive(X, y, *split(theta), pairs)

    model = PairLoss(Z, y, pairs)
    theta = np.zeros((n_classes, Z.shape[1]))
    theta, found = descend_until(model, theta, accept, max_steps=_LONG_DESCENT_STEPS)
    if found:
        return _Findings("descent", theta, pairs, None), split(theta)
    findings = _programme(Z, y, model, theta, [], np.zeros_like(pairs), time_limit, False)
    return findings, None if findings.theta is None else split(findings.theta)


def _certificate(
    X: Any,
    codes: Codes,
    classes: NDArray[Any],
    same: DistinctRows,
    fit_intercept: bool,
    findings: _Findings,
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
        _max_margin=partial(_max_margin, X, codes, separable, coef, intercept) if separable.any() else None,
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


def _max_margin(
    X: Any, y: Codes, separable: Mask, coef: Floats | None, intercept: Floats | None
) -> HardMarginDirection:
    """Solve for the max-margin direction of the separable part (a module function: it is pickled)."""
    start = coef if intercept is None or coef is None else np.column_stack([coef, intercept])
    n_classes = separable.shape[1]
    return hard_margin_direction(
        X,
        y,
        n_classes=n_classes,
        fit_intercept=intercept is not None,
        pairs=separable,
        tied=all_pairs(y, n_classes) & ~separable,
        start=start,
        time_limit=_MAX_MARGIN_SECONDS,
    )
