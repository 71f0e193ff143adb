"""Each class's part of the gradient: its length, its share, and whether classes pull against each other.

    g_c = sum_{i : y_i = c} omega_i grad psi(u_i),    share_c = ||g_c|| / sum_a ||g_a||
    conflict_ac = cos(g_a, g_c)

On separable data the shares tend to those of the dual weights, whatever the numbers of rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marginscope.batches import on_rows
from marginscope.descent.slope import Slope
from marginscope.losses.log_domain import log_sum_exp
from marginscope.objectives import LinearObjective

__all__ = ["ClassView", "class_view"]

Floats = NDArray[np.float64]


class ClassView(NamedTuple):
    """Per class and record.

    Attributes
    ----------
    log_loss : (..., n_classes) array
        Logarithm of the summed loss of the rows of the class.
    log_gradient_norm : (..., n_classes) array
    share : (..., n_classes) array
    conflict : (..., n_classes, n_classes) array
        Cosine of the gradients of two classes; 0 where one of them is zero.
    """

    log_loss: Floats
    log_gradient_norm: Floats
    share: Floats
    conflict: Floats


def class_view(objective: LinearObjective, W: Floats) -> ClassView:
    """Split loss and gradient at W by the class of the rows."""
    K = objective.n_classes
    log_loss, log_norm = np.full(K, -np.inf), np.full(K, -np.inf)
    directions = np.zeros((K, W.size))
    for c in range(K):
        rows = np.flatnonzero(objective.y == c)
        if not len(rows):
            continue
        part = on_rows(objective, rows)
        log_loss[c] = part.log_value(W)
        gradient = Slope(part, W).scaled()
        log_norm[c] = gradient.log_norm
        if log_norm[c] > -np.inf:
            directions[c] = (gradient.entries / np.linalg.norm(gradient.entries)).ravel()
    total = float(log_sum_exp(log_norm))
    share = np.exp(log_norm - total) if np.isfinite(total) else np.zeros(K)
    return ClassView(log_loss, log_norm, share, np.clip(directions @ directions.T, -1.0, 1.0))
