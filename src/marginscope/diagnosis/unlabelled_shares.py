"""Class shares of rows whose labels are not looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["shares_by_em"]

Floats = NDArray[np.float64]

_TINY = 1e-300


def shares_by_em(proba: Floats, shares: Floats, *, max_steps: int = 500, tol: float = 1e-7) -> Floats:
    """Estimate the class shares of rows without labels from a model's probabilities.

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
        Probabilities on the rows, from a model trained under ``shares``.
    shares : ndarray of shape (n_classes,)
        Shares of the training rows.
    max_steps : int
        Of the iteration.
    tol : float
        Largest change of a share at which it ends.

    Returns
    -------
    ndarray of shape (n_classes,)

    Notes
    -----
    Saerens, Latinne and Decaestecker (2002), equation 2.9: p_ik proportional to
    p0_ik pi_k / pi0_k, pi_k = mean_i p_ik, from pi = pi0. Right where the classes look the same
    in both sets and the probabilities are calibrated.
    """
    ratio_of = proba / np.maximum(shares, _TINY)
    ratio_of[:, shares <= 0] = 0.0
    found = np.asarray(shares, dtype=np.float64)
    for _ in range(max_steps):
        joint = ratio_of * found
        after = (joint / np.maximum(joint.sum(axis=1, keepdims=True), _TINY)).mean(axis=0)
        change = float(np.abs(after - found).max())
        found = after
        if change <= tol:
            break
    return found
