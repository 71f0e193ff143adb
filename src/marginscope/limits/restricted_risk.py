"""The risk that stays finite: each row's softmax over its own class and its tied classes.

    F(W) = sum_i log(1 + sum over tied k of exp(-u_ik)),   u_ik = <w_{y_i} - w_k, x_i>

Weights lambda > 0 with sum lambda x~ = 0 over the tied pairs (Stiemke) make F strictly
convex with a minimum on the span of the tied pair features.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from marginscope.exceptions import SizeError
from marginscope.geometry.class_components import class_components, rows_of_component
from marginscope.geometry.margins import pair_sum, relative_margins
from marginscope.geometry.orthonormal import OrthonormalFeatures, orthonormal_features
from marginscope.geometry.pair_gram import pair_gram
from marginscope.geometry.softmax_information import softmax_information

__all__ = ["minimise_tied_risk", "tied_losses", "tied_probabilities"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]

_MOST_STEPS = 200
_MOST_UNKNOWNS = 6000
_CONVERGED = 1e-12
_NULL_EIGENVALUE = 1e-11


def tied_probabilities(X: Any, y: Codes, W: Floats, tied: Mask) -> tuple[float, Floats]:
    """Return F and the restricted probabilities p_ik of the tied pairs, zero elsewhere."""
    losses, p = tied_losses(X, y, W, tied)
    return float(losses.sum()), p


def tied_losses(X: Any, y: Codes, W: Floats, tied: Mask) -> tuple[Floats, Floats]:
    """Return the terms of F, one for each row, and the restricted probabilities."""
    exponent = np.where(tied, -relative_margins(X, y, W), -np.inf)
    top = np.maximum(exponent.max(axis=1, initial=-np.inf), 0.0)
    parts = np.exp(exponent - top[:, None])
    total = np.exp(-top) + parts.sum(axis=1)
    return top + np.log(total), parts / total[:, None]


def minimise_tied_risk(Z: Any, y: Codes, tied: Mask) -> Floats:
    """Return the minimiser of F in the span of the tied pair features.

    Parameters
    ----------
    Z : (n_samples, n_columns) array or CSR matrix
        Ones included where there is an intercept.
    y : (n_samples,) class codes
    tied : (n_samples, n_classes) mask

    Returns
    -------
    (n_classes, n_columns) array

    Raises
    ------
    SizeError
        If classes that pairs connect have more than 6000 unknowns.
    """
    W = np.zeros((tied.shape[1], Z.shape[1]))
    for classes in class_components(y, tied):
        rows, codes = rows_of_component(y, tied, classes)
        pairs = tied[np.ix_(rows, classes)]
        part = Z[rows]
        if len(classes) * min(part.shape) > _MOST_UNKNOWNS:
            raise SizeError(
                f"the finite part needs at most {_MOST_UNKNOWNS} unknowns, but {len(classes)} tied classes have "
                f"{len(classes) * min(part.shape)}; reduce the features"
            )
        features = orthonormal_features(part, fit_intercept=False)
        if not features.Q.shape[1]:
            continue
        theta = _newton(features.Q / features.row_scale[:, None], codes, pairs)
        W[classes] = _in_span(features, codes, pairs, theta)
    return W


def _newton(Q: Floats, y: Codes, tied: Mask) -> Floats:
    """Minimise F by Newton's method; the step is halved until F falls enough."""
    theta = np.zeros((tied.shape[1], Q.shape[1]))
    value, p = tied_probabilities(Q, y, theta, tied)
    for _ in range(_MOST_STEPS):
        gradient = -pair_sum(Q, y, p)
        H = _hessian(Q, y, p)
        step = -scipy.linalg.cho_solve(scipy.linalg.cho_factor(H, check_finite=False), gradient.ravel())
        step = step.reshape(theta.shape)
        slope = float((gradient * step).sum())
        length = 1.0
        trial, q = tied_probabilities(Q, y, theta + step, tied)
        while trial > value + 1e-4 * length * slope and length > 1e-10 and -slope > 1e-14 * (1.0 + value):
            length *= 0.5
            trial, q = tied_probabilities(Q, y, theta + length * step, tied)
        theta, value, p = theta + length * step, trial, q
        moved = np.where(tied, relative_margins(Q, y, step), 0.0)
        if float(np.abs(moved).max(initial=0.0)) <= _CONVERGED * (1.0 + float(np.abs(theta).max())):
            break
    return theta


def _hessian(Q: Floats, y: Codes, p: Floats) -> Floats:
    """Return sum_i (diag p - p p') x_i x_i' with curvature where it has none."""
    n_classes, rank = p.shape[1], Q.shape[1]
    own = p.copy()
    own[np.arange(len(y)), y] = 1.0 - p.sum(axis=1)
    H = softmax_information(Q, own)
    blocks = H.reshape(n_classes, rank, n_classes, rank)
    mean = float(np.trace(H)) / len(H)
    shared = np.arange(rank)
    blocks[:, shared, :, shared] += mean / n_classes
    H[np.diag_indices(len(H))] += 1e-13 * mean
    return np.asarray(H)


def _in_span(features: OrthonormalFeatures, y: Codes, tied: Mask, theta: Floats) -> Floats:
    """Project onto the span of the tied pair features in the columns themselves."""
    rank = features.Q.shape[1]
    # rows that span all columns need no turn, which would mix large coefficients into small ones
    V = np.eye(rank) if features.span.shape[1] == rank else np.linalg.qr(features.span.T)[0]
    turned = features.to_columns(theta - theta.mean(axis=0)) @ V
    values, vectors = scipy.linalg.eigh(pair_gram(features.Q, y, tied.astype(float), gauge=1.0), check_finite=False)
    null = vectors[:, values <= _NULL_EIGENVALUE * values[-1]].T.reshape(-1, tied.shape[1], rank)
    if len(null):
        basis = np.linalg.qr((features.to_columns(null) @ V).reshape(len(null), -1).T)[0]
        turned = turned - (basis @ (basis.T @ turned.ravel())).reshape(turned.shape)
    return np.asarray(turned @ V.T)
