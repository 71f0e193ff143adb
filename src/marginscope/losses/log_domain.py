"""Sums and logistic functions that neither overflow nor vanish.

Functions that take ``xp`` run on NumPy and on torch, and torch can differentiate
them; the others work on NumPy arrays only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

__all__ = ["log_of", "log_softplus", "log_sum", "log_sum_exp", "share_and_log_sum", "sigmoid", "softplus"]

Floats = NDArray[np.float64]


def softplus(t: Any, xp: Any = np) -> Any:
    """Compute log(1 + exp(t)); minus it at -t is the log of the logistic function."""
    if xp is np:
        return np.maximum(t, 0.0) + np.log1p(np.exp(-np.abs(t)))
    # torch's own goes over to t at 20, where it still differs by 2e-9
    return xp.nn.functional.softplus(t, threshold=40.0)


def sigmoid(t: Floats) -> Floats:
    """Compute 1 / (1 + exp(-t))."""
    return np.asarray(expit(t))


def log_softplus(t: Floats) -> Floats:
    """Compute log log(1 + exp(t)), which tends to t where exp(t) underflows."""
    bounded = np.maximum(t, -40.0)
    return np.where(t < -40.0, t, np.log(softplus(bounded)))


def log_of(x: Any) -> Floats:
    """Compute log x, and minus infinity at zero without a warning."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(x))


def log_sum_exp(x: Floats) -> Floats:
    """Compute log sum_j exp(x_j) over the last axis; x may hold minus infinity."""
    largest = np.max(x, axis=-1, keepdims=True)
    shift = np.where(np.isfinite(largest), largest, 0.0)
    return np.asarray(log_of(np.exp(x - shift).sum(axis=-1)) + shift[..., 0])


def log_sum(margins: Any, xp: Any = np) -> Any:
    """Compute log S = log sum_j exp(-u_j) over the last axis."""
    if xp is not np:
        return xp.logsumexp(-margins, -1)
    largest = np.max(-margins, axis=-1)
    return largest + np.log(np.exp(-margins - largest[..., None]).sum(-1))


def share_and_log_sum(margins: Floats, *, log: bool = False) -> tuple[Floats, Floats]:
    """Return the shares exp(-u_j) / S, or their logarithms, and log S.

    The logarithms are not formed from log S: between margins near -800 the difference
    of two large numbers would carry their rounding.
    """
    largest = np.max(-margins, axis=-1, keepdims=True)
    shifted = -margins - largest
    terms = np.exp(shifted)
    total = terms.sum(axis=-1, keepdims=True)
    log_total = np.log(total)
    return (shifted - log_total if log else terms / total), (largest + log_total)[..., 0]
