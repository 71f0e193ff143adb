"""Relative margins, their adjoint and their worst value.

For row i with class y_i and any other class k

    u_ik = <w_{y_i} - w_k, x_i> = <x~_ik, W>,     x~_ik = (e_{y_i} - e_k) x_i'

so the margins are a linear map A of the (n_classes, n_features) matrix W. A has
n_samples * (n_classes - 1) rows and is never formed: the map and its adjoint
cost two products with X. Everything here takes class codes 0..K-1 and arrays of
shape (n_samples, n_classes) whose entry at the row's own class carries no pair.
X is dense or CSR.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["all_pairs", "is_sparse", "pair_sum", "relative_margins", "rounding_bound", "signed_weights", "worst_margin"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]


def is_sparse(X: Any) -> bool:
    """Say whether X is a SciPy sparse matrix or array."""
    return hasattr(X, "tocsr")


def all_pairs(y: Codes, n_classes: int) -> Mask:
    """Return the (n_samples, n_classes) mask of all pairs: false at the own class."""
    mask = np.ones((len(y), n_classes), dtype=bool)
    mask[np.arange(len(y)), y] = False
    return mask


def relative_margins(X: Any, y: Codes, coef: Floats, intercept: Floats | None = None) -> Floats:
    """Compute u_ik, with plus infinity at the own class.

    Parameters
    ----------
    X : (n_samples, n_features) array or CSR matrix
    y : (n_samples,) class codes
    coef : (n_classes, n_features)
    intercept : (n_classes,), optional

    Returns
    -------
    (n_samples, n_classes) array
    """
    scores = np.asarray(X @ coef.T)
    if intercept is not None:
        scores = scores + intercept
    rows = np.arange(len(y))
    margins: Floats = scores[rows, y][:, None] - scores
    margins[rows, y] = np.inf
    return margins


def rounding_bound(X: Any, y: Codes, coef: Floats, intercept: Floats | None = None) -> Floats:
    """Bound how far ``relative_margins`` may be from the exact margins.

    The bound holds for every order of summation, with or without fused
    multiply-add, and includes underflow (Higham 2002, section 3.1).
    """
    size = np.asarray(abs(X) @ np.abs(coef).T)
    if intercept is not None:
        size = size + np.abs(intercept)
    rows = np.arange(len(y))
    terms = X.shape[1] + 8
    bound: Floats = 2.0 * terms * np.finfo(float).eps * (size[rows, y][:, None] + size)
    bound += terms * np.finfo(float).smallest_subnormal
    return bound


def signed_weights(y: Codes, weights: Floats) -> Floats:
    """Turn pair weights into class weights G, so that sum lambda_ik x~_ik = G' X."""
    rows = np.arange(len(y))
    signed: Floats = -np.asarray(weights, dtype=float)
    signed[rows, y] = 0.0
    # the own class is the negative sum of the others: 1 - p would cancel
    signed[rows, y] = -signed.sum(axis=1)
    return signed


def pair_sum(X: Any, y: Codes, weights: Floats) -> Floats:
    """Apply the adjoint: sum_ik lambda_ik x~_ik of shape (n_classes, n_features)."""
    signed = signed_weights(y, weights)
    return np.ascontiguousarray(np.asarray(X.T @ signed).T)


def worst_margin(margins: Floats, pairs: Mask | None = None) -> float:
    """Return the smallest margin, over all pairs or over those in a mask."""
    if pairs is None:
        return float(margins.min())
    return float(np.min(margins, where=pairs, initial=np.inf))
