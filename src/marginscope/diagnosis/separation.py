"""The separability certificate of a linear model's data, shared by two checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.diagnosis.case import Case
from marginscope.exceptions import CheckNotApplicable

__all__ = ["Separation", "separation_of"]

_MOST_SECONDS = 120.0
# Dense, as the certificate needs them: 800 MB.
_MOST_CELLS = 100_000_000


@dataclass(frozen=True)
class Separation:
    """A certificate, and the standardised features and labels it is about."""

    certificate: Any
    X: NDArray[np.float64]
    y: NDArray[np.int64]
    names: tuple[str, ...]
    classes: tuple[str, ...]
    has_intercept: bool


def separation_of(case: Case) -> Separation:
    """Certify whether the training rows of an unpenalised logistic model are separable.

    The certificate is remembered on the case.

    Raises
    ------
    CheckNotApplicable
        If the model is not linear, its loss has no exponential tail, its penalty determines
        the norm, or the features are too many to hold as a dense matrix.
    """
    if "separation" in case.notebook:
        found: Separation = case.notebook["separation"]
        return found
    part = case.linear_part
    if part is None:
        raise CheckNotApplicable("the model has no linear coefficients")
    if not part.is_softmax_or_ovr_logistic:
        raise CheckNotApplicable("the model's loss is not logistic, so its parameters stay finite on separable data")
    if not case.view.penalty_is_absent(case.fitted, case.training_input):
        raise CheckNotApplicable("the model's penalty determines its parameters")
    if not part.is_joint:
        raise CheckNotApplicable("the model is one-vs-rest; the certificate is about the joint (multinomial) fit")
    from marginscope.solvers.separability import separability

    n_rows, n_columns = part.features.shape
    if n_rows * n_columns > _MOST_CELLS:
        raise CheckNotApplicable(f"{n_rows:,} x {n_columns:,} features are too many to certify their separability")
    X = np.asarray(part.features.todense() if hasattr(part.features, "todense") else part.features, dtype=float)
    scale = X.std(axis=0)
    # Scaling never changes the verdict, centring does not where there is an intercept; both help the numbers.
    X = (X - (X.mean(axis=0) if part.has_intercept else 0.0)) / np.where(scale > 0, scale, 1.0)
    codes = case.subject.codes[: case.n_train]
    present, y = np.unique(codes, return_inverse=True)
    case.lab.check_time("the separability certificate")
    limit = case.lab.seconds_left(_MOST_SECONDS)
    certificate = separability(X, y, fit_intercept=part.has_intercept, time_limit=limit)
    found = Separation(certificate, X, y, part.names, tuple(case.names[k] for k in present), part.has_intercept)
    case.notebook["separation"] = found
    return found
