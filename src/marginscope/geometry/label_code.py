"""The matrix label code: how one vector of score differences serves every class.

    R = [-I | 1],   (R v)_j = v_K - v_j            (the last class is the reference)
    code(y) = identity with column y replaced by -1;   code(K) = identity

code(y) R v lists the relative margins v_y - v_j in the order of the classes, with
the slot of y holding the last class; for y = K it is R v itself. A code is its own
inverse. Sources disagree about the sign of R and about the reference class, so both
are fixed here and nowhere else. No matrix is formed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["margins_of_scores", "scores_of_weights"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


def margins_of_scores(scores: Floats, y: Codes) -> Floats:
    """Compute the relative margins code(y_i) R v_i of every row.

    Parameters
    ----------
    scores : (n_samples, n_classes)
    y : (n_samples,) class codes

    Returns
    -------
    (n_samples, n_classes - 1) array
        Slot j holds v_y - v_j, and slot y holds v_y - v_K.
    """
    at_own = scores[np.arange(len(y)), y]
    margins: Floats = at_own[:, None] - scores[:, :-1]
    rows, own = _rows_with_a_column(y, margins.shape[1])
    margins[rows, own] = at_own[rows] - scores[rows, -1]
    return margins


def scores_of_weights(weights: Floats, y: Codes) -> Floats:
    """Apply the adjoint R' code(y_i)' of ``margins_of_scores`` to every row.

    Parameters
    ----------
    weights : (n_samples, n_classes - 1)
    y : (n_samples,) class codes

    Returns
    -------
    (n_samples, n_classes) array
        sum_k q_ik (e_y - e_k): every row sums to zero, and its own entry is formed
        as the negative sum of the others, because 1 - p would cancel.
    """
    n_samples, last = weights.shape
    out = np.empty((n_samples, last + 1))
    np.negative(weights, out=out[:, :-1])
    out[:, -1] = 0.0
    rows, own = _rows_with_a_column(y, last)
    out[rows, -1] = out[rows, own]
    out[np.arange(n_samples), y] = weights.sum(axis=1)
    return out


def _rows_with_a_column(y: Codes, last: int) -> tuple[Codes, Codes]:
    """Return the rows whose class is not the reference, and their classes."""
    rows = np.flatnonzero(y < last)
    return rows, y[rows]
