"""Fit an unpenalised multinomial model and test the rows of its classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope._validation import (
    check_consistent_length,
    check_features,
    check_labels,
    check_sample_weight,
    feature_names,
)
from marginscope.certificates.separability import SeparabilityCertificate
from marginscope.exceptions import DataError, NotSolvedError, SizeError, UsageError
from marginscope.geometry.gauge import change_gauge
from marginscope.geometry.margins import all_pairs
from marginscope.inference.design import make_design
from marginscope.inference.estimate import Estimate, estimate
from marginscope.inference.gauge_choice import SUM_TO_ZERO, gauge_code
from marginscope.inference.likelihood import Likelihood
from marginscope.inference.result import ClassTests
from marginscope.inference.separation import refusal

__all__ = ["class_tests"]

Floats = NDArray[np.float64]

_MOST_UNKNOWNS = 3000
_ON_SEPARATION = ("raise", "ratios")


def class_tests(
    X: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    fit_intercept: bool = True,
    gauge: Any = SUM_TO_ZERO,
    level: float = 0.95,
    on_separation: str = "raise",
) -> ClassTests:
    """Estimate a multinomial model without a penalty and test its classes' rows.

    maximise  sum_i omega_i log softmax(W x_i + b)_{y_i}

    Standard errors come from the pseudo-inverse of the Fisher information at the
    maximum. Separability is decided first: on separable data no maximum exists, standard
    errors explode and Wald tests fail, however a solver ends.

    Parameters
    ----------
    X : (n_samples, n_features) array, data frame or sparse matrix
    y : (n_samples,) labels of any kind
    sample_weight : (n_samples,) array-like, optional
        Frequencies: a row of weight 2 counts as two rows, and standard errors shrink
        accordingly. Weights that only say how much a row matters give no valid errors.
    fit_intercept : bool
    gauge : "sum_to_zero" or a label
        Contrasts with the average class, or with the reference class of that label.
    level : float
        Of the intervals.
    on_separation : str
        "raise", or "ratios" for a result with likelihood ratios of suprema, and estimates
        of what stays finite.

    Returns
    -------
    ClassTests

    Raises
    ------
    SeparatedError
        If the rows are separable; its certificate proves it.
    NotSolvedError
        If separability could not be decided, or rounding leaves no maximum.
    SizeError
        If there are more than 3000 free parameters.
    DataError
        If a class has no weight, no feature varies, or the data cannot be used.
    UsageError
        If an argument is unknown or out of range.

    References
    ----------
    Albert & Anderson, Biometrika 71 (1984); Hauck & Donner, JASA 72 (1977).

    Examples
    --------
    >>> import marginscope as ms
    >>> from sklearn.datasets import load_wine
    >>> X, y = load_wine(return_X_y=True, as_frame=True)
    >>> tests = ms.class_tests(X[["ash", "hue"]], y, gauge=0)
    >>> tests.class_rows["1"].df, round(tests.log_likelihood, 3)
    (2, -110.628)
    """
    if not 0.0 < level < 1.0:
        raise UsageError(f"a level between 0 and 1 is needed, but got {level!r}; use 0.95")
    if on_separation not in _ON_SEPARATION:
        raise UsageError(f"on_separation of 'raise' or 'ratios' is needed, but got {on_separation!r}; name one of them")
    names = feature_names(X)
    X = check_features(X)
    labels = check_labels(y, min_classes=2)
    n = check_consistent_length(X, labels.codes)
    weights = check_sample_weight(sample_weight, n)
    reference = gauge_code(gauge, labels.labels)
    X, codes, weights, y = _with_weight(X, labels.codes.astype(np.intp), weights, labels.labels)
    names = tuple(f"x{j}" for j in range(X.shape[1])) if names is None else names
    likelihood = _likelihood(X, codes, weights, len(labels.labels), fit_intercept=fit_intercept)

    from marginscope.solvers.separability import separability

    certificate = separability(X, y, fit_intercept=fit_intercept)
    if certificate.status == "undecided":
        raise NotSolvedError(
            f"a proof that classes overlap is needed for standard errors, but there is none: {certificate.reason}; "
            "drop near copies of columns, or penalise the model"
        )
    if certificate.status != "overlap" and on_separation == "raise":
        raise refusal(certificate, names, reference)
    found = _estimate(likelihood, codes, certificate)
    return ClassTests(
        classes=labels.labels,
        names=names,
        gauge=SUM_TO_ZERO if reference is None else labels.labels.tolist()[reference],
        level=level,
        status=certificate.status,
        log_likelihood=found.log_likelihood,
        null_log_likelihood=_null(codes, weights, fit_intercept=fit_intercept),
        n_rows=float(weights.sum()),
        certificate=certificate,
        _estimate=found,
    )


def _with_weight(
    X: Any, codes: NDArray[np.intp], weights: Floats, labels: NDArray[Any]
) -> tuple[Any, NDArray[np.intp], Floats, NDArray[Any]]:
    """Drop rows of weight 0; refuse classes that are left without rows."""
    kept = weights > 0.0
    rows = np.bincount(codes[kept], minlength=len(labels))
    if not rows.all():
        label = labels.tolist()[int(np.argmin(rows))]
        raise DataError(
            f"a row of positive weight in every class is needed, but class {label!r} has none, and its intercept would "
            "go to minus infinity; leave its rows out"
        )
    if kept.all():
        return X, codes, weights, labels[codes]
    return X[kept], codes[kept], weights[kept], labels[codes[kept]]


def _likelihood(X: Any, codes: NDArray[np.intp], weights: Floats, K: int, *, fit_intercept: bool) -> Likelihood:
    if (K - 1) * min(X.shape) > _MOST_UNKNOWNS:
        raise SizeError(
            f"at most {_MOST_UNKNOWNS} free parameters are needed for standard errors, but {K} classes with "
            f"{min(X.shape)} independent features have more; use fewer features, or merge classes"
        )
    design = make_design(X, weights, fit_intercept=fit_intercept)
    if not design.rank:
        raise DataError("a feature that varies is needed, but every column is constant; add features")
    return Likelihood(design, codes, K, weights)


def _estimate(likelihood: Likelihood, codes: NDArray[np.intp], certificate: SeparabilityCertificate) -> Estimate:
    if certificate.status != "overlap":
        return estimate(likelihood, tied=all_pairs(codes, likelihood.n_classes) & ~certificate.separable_mask)
    from marginscope.fitting.fit import fit

    near = fit(likelihood.objective, tol=1e-9)
    return estimate(likelihood, start=change_gauge(near.coef) if near.status == "converged" else None)


def _null(codes: NDArray[np.intp], weights: Floats, *, fit_intercept: bool) -> float:
    """Return the log likelihood of intercepts alone, or of equal probabilities."""
    totals = np.bincount(codes, weights)
    if not fit_intercept:
        return float(-totals.sum() * np.log(len(totals)))
    return float((totals * np.log(totals / totals.sum())).sum())
