"""What stays finite on separable data: the maximum over the pairs that tie.

The likelihood tends to its supremum as the separable pairs go to infinity. A functional
of the coefficients in the span of the features of the tied pairs tends to a finite value
all the same: that of the maximum of the likelihood in which every row competes with its
tied classes only. The information tends to that of this likelihood.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from marginscope.exceptions import NotSolvedError
from marginscope.geometry.margins import pair_sum
from marginscope.geometry.pair_gram import pair_gram
from marginscope.geometry.softmax_information import softmax_information
from marginscope.limits.restricted_risk import tied_losses

__all__ = ["FinitePart", "finite_part"]

Floats = NDArray[np.float64]

_NULL_EIGENVALUE = 1e-11
_MOST_STEPS = 50
_CONVERGED = 1e-12


@dataclass(frozen=True, eq=False)
class FinitePart:
    """The finite part of the estimates, in coordinates of ``space``.

    ``basis`` (n_coordinates, n_finite) has orthonormal columns that span the functionals
    with a finite value; ``covariance`` is theirs, and zero across it.
    """

    W: Floats
    log_likelihood: float
    basis: Floats
    covariance: Floats


def finite_part(
    Z: Floats, y: NDArray[np.intp], weights: Floats, tied: NDArray[np.bool_], space: Floats, start: Floats
) -> FinitePart:
    """Maximise the likelihood of the tied pairs in the span of their features.

    Parameters
    ----------
    Z : (n_samples, n_columns) array
    y : (n_samples,) class codes
    weights : (n_samples,)
    tied : (n_samples, n_classes) mask
    space : (n_classes * n_columns, n_coordinates) array
        Orthonormal columns: all W that sum to zero over the classes.
    start : (n_classes, n_columns) array
        Near the supremum.

    Raises
    ------
    NotSolvedError
        If rounding leaves no maximum.
    """
    H = space.T @ pair_gram(Z, y, tied.astype(float)) @ space
    values, vectors = scipy.linalg.eigh(0.5 * (H + H.T), check_finite=False)
    U = vectors[:, values > _NULL_EIGENVALUE * max(values[-1], 0.0)] if values[-1] > 0.0 else vectors[:, :0]
    A = space @ U
    W = (A @ (A.T @ start.ravel())).reshape(start.shape)
    for _ in range(_MOST_STEPS):
        losses, p, F = _at(Z, y, weights, tied, W, A)
        if not U.shape[1]:
            return FinitePart(W, 0.0 - losses, U, np.zeros((len(U), len(U))))
        step = scipy.linalg.solve(F, A.T @ pair_sum(Z, y, p * weights[:, None]).ravel(), assume_a="pos")
        W = W + (A @ step).reshape(W.shape)
        if float(step @ F @ step) <= _CONVERGED:
            losses, _, F = _at(Z, y, weights, tied, W, A)
            inverse = scipy.linalg.inv(F, check_finite=False)
            return FinitePart(W, 0.0 - losses, U, U @ (0.5 * (inverse + inverse.T)) @ U.T)
    raise NotSolvedError(
        "a maximum over the tied pairs is needed, but Newton's method did not settle; bring the columns to similar "
        "scales"
    )


def _at(
    Z: Floats, y: NDArray[np.intp], weights: Floats, tied: NDArray[np.bool_], W: Floats, A: Floats
) -> tuple[float, Floats, Floats]:
    """Return the weighted losses, the probabilities of the tied pairs and the information."""
    own, p = tied_losses(Z, y, W, tied)
    full = p.copy()
    full[np.arange(len(y)), y] = np.exp(-own)
    F = A.T @ softmax_information(Z, full, weights) @ A
    return float(weights @ own), p, 0.5 * (F + F.T)
