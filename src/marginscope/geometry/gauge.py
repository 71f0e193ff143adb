"""Gauges: which of the coefficients that give the same margins are shown.

Adding one vector to the row of every class changes no relative margin and no softmax
probability, so a convention has to choose:

    sum to zero        W - (1/K) 1 1' W        a row is a contrast with the average class
    reference class r  W - 1 (e_r' W)          a row is a contrast with class r; its own is zero

Both are G W with G 1 = 0, and G_a G_b = G_a: each can be taken from any other gauge.
The first axis of every array is that of the classes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import UsageError

__all__ = [
    "basis_across",
    "change_covariance",
    "change_gauge",
    "contrast_basis",
    "gauge_matrix",
    "one_row",
    "two_rows",
]

Floats = NDArray[np.float64]


def gauge_matrix(n_classes: int, reference: int | None = None) -> Floats:
    """Return G (n_classes, n_classes) of a reference class, or of the sum to zero.

    Raises
    ------
    UsageError
        If ``reference`` is no code of a class.
    """
    G = np.eye(n_classes)
    if reference is None:
        return G - 1.0 / n_classes
    G[:, _checked(reference, n_classes)] -= 1.0
    return G


def change_gauge(W: Floats, reference: int | None = None) -> Floats:
    """Return coefficients or intercepts in another gauge.

    Parameters
    ----------
    W : (n_classes, ...) array
        In any gauge.
    reference : int, optional
        Code of the reference class; without it the classes sum to zero.
    """
    W = np.asarray(W, dtype=float)
    if reference is None:
        return np.asarray(W - W.mean(axis=0))
    return np.asarray(W - W[_checked(reference, len(W))])


def change_covariance(covariance: Floats, n_classes: int, reference: int | None = None) -> Floats:
    """Return the covariance of coefficients in another gauge: (G x I) C (G x I)'.

    Parameters
    ----------
    covariance : (n_classes * p, n_classes * p) array
        Of the rows of W one after another, in any gauge.
    n_classes : int
    reference : int, optional

    Raises
    ------
    UsageError
        If the matrix is not square, or no multiple of the classes.
    """
    C = np.asarray(covariance, dtype=float)
    if C.ndim != 2 or C.shape[0] != C.shape[1] or C.shape[0] % n_classes:
        raise UsageError(
            f"a square covariance with a multiple of {n_classes} rows is needed, but got shape {C.shape}; "
            "give the rows of W one after another"
        )
    p = C.shape[0] // n_classes
    G = gauge_matrix(n_classes, reference)
    half = np.tensordot(G, C.reshape(n_classes, p, -1), axes=1).reshape(C.shape)
    return np.ascontiguousarray(np.tensordot(G, half.T.reshape(n_classes, p, -1), axes=1).reshape(C.shape).T)


def contrast_basis(n_classes: int) -> Floats:
    """Return (n_classes, n_classes - 1) orthonormal contrasts (Helmert)."""
    H = np.zeros((n_classes, n_classes - 1))
    for k in range(1, n_classes):
        H[:k, k - 1], H[k, k - 1] = 1.0, -k
        H[:, k - 1] /= np.sqrt(k * (k + 1.0))
    return H


def basis_across(shared: Floats) -> Floats:
    """Return (n_classes, n_classes - 1) orthonormal class vectors orthogonal to one; its last entry is not zero."""
    return np.asarray(np.linalg.qr(np.column_stack([shared, np.eye(len(shared))[:, :-1]]))[0][:, 1:])


def two_rows(w: Floats) -> Floats:
    """Turn the one row of a model of two classes into rows -w/2 and w/2.

    Their difference is w to the last bit, so margins and probabilities stay the same.
    """
    half = np.asarray(w, dtype=float).reshape(1, -1) / 2.0
    return np.vstack([-half, half])


def one_row(W: Floats) -> Floats:
    """Turn the rows of two classes into the row w_2 - w_1 of scikit-learn.

    Raises
    ------
    UsageError
        If there are not two classes.
    """
    W = np.asarray(W, dtype=float)
    if len(W) != 2:
        raise UsageError(f"rows of two classes are needed, but got {len(W)}; with more there is no single row")
    return np.asarray(W[1:] - W[:1])


def _checked(reference: int, n_classes: int) -> int:
    if not 0 <= reference < n_classes:
        raise UsageError(f"a class code of 0 to {n_classes - 1} is needed, but got {reference!r}; count from 0")
    return reference
