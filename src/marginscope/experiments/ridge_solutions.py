"""Ridge solutions of cross-entropy for penalties far below floats.

    min_W  sum log(1 + sum_k exp(-u_ik)) / lambda + ||W||^2 / 2,    L + log L = -log lambda

All weights enter as exp(log q - log lambda), which is an ordinary number at the solution.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

__all__ = ["ridge_solutions"]

Floats = NDArray[np.float64]

_MOST_STEPS = 200
# of L between warm starts
_STRIDE = 2.0


def ridge_solutions(pairs: Floats, shape: tuple[int, ...], places: Sequence[float]) -> list[Floats]:
    """Return the ridge solutions at rising places L, one found from the other.

    Parameters
    ----------
    pairs : (n_samples (n_classes - 1), n_classes n_features) array
        Pair features, those of a row one after the other.
    shape : (n_classes, n_features)
    places : sequence of positive float
        L, which gives lambda = exp(-L) / L.

    Returns
    -------
    list of (n_classes, n_features) arrays

    References
    ----------
    Rosset, Zhu & Hastie, JMLR 5 (2004), for the limit of the path.
    """
    w, L = np.zeros(pairs.shape[1]), 0.0
    found = []
    for target in places:
        while target > L:
            following = min(target, L + _STRIDE) if L > 0.0 else min(target, 1.0)
            # the solution grows like L
            start = w * (following / L) if L > 0.0 else w
            w, L = _minimum(pairs, shape[0] - 1, -following - math.log(following), start), following
        found.append(w.reshape(shape))
    return found


def _minimum(pairs: Floats, n_rivals: int, log_ridge: float, w: Floats) -> Floats:
    """Minimise by Newton's method with halved steps."""

    def parts(v: Floats) -> tuple[float, Floats, Floats]:
        u = (pairs @ v).reshape(-1, n_rivals)
        log_sum: Floats = np.logaddexp.reduce(-u, axis=1)
        # log(1 + S) is S to rounding where S < 1e-13
        psi = np.logaddexp(0.0, np.maximum(log_sum, -30.0))
        log_psi = np.where(log_sum < -30.0, log_sum, np.log(psi))
        log_q = -u - np.logaddexp(0.0, log_sum)[:, None]
        with np.errstate(over="ignore"):
            value = float(np.exp(log_psi - log_ridge).sum() + 0.5 * v @ v)
            return value, np.exp(log_q - log_ridge).ravel(), np.exp(log_q).ravel()

    value, h, q = parts(w)
    for _ in range(_MOST_STEPS):
        gradient = w - pairs.T @ h
        by_row = np.add.reduceat(pairs * h[:, None], np.arange(0, len(h), n_rivals))
        shares = np.add.reduceat(pairs * q[:, None], np.arange(0, len(h), n_rivals))
        hessian = np.eye(len(w)) + (pairs.T * h) @ pairs - by_row.T @ shares
        step = -scipy.linalg.solve(hessian, gradient, assume_a="pos")
        decrement = -float(gradient @ step)
        length = 1.0
        while length > 1e-10:
            trial = parts(w + length * step)
            if trial[0] <= value - 0.25 * length * decrement + 1e-14 * value:
                break
            length *= 0.5
        w = w + length * step
        value, h, q = trial
        if decrement <= 1e-24 * value:
            break
    return w
