"""The Fisher information of softmax scores that are linear in the features.

    F = sum_i omega_i (diag p_i - p_i p_i') x x_i x_i'        (classes first, then columns)

It is zero along a vector that is added to every class.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["softmax_information"]

Floats = NDArray[np.float64]


def softmax_information(Z: Floats, probabilities: Floats, weights: Floats | None = None) -> Floats:
    """Return F, (n_classes * n_columns) square.

    Parameters
    ----------
    Z : (n_samples, n_columns) dense array
    probabilities : (n_samples, n_classes)
    weights : (n_samples,), optional
    """
    n_classes, p = probabilities.shape[1], Z.shape[1]
    weighted = probabilities if weights is None else probabilities * weights[:, None]
    blocks = np.zeros((n_classes, p, n_classes, p))
    for a in range(n_classes):
        for b in range(a):
            block = (Z * (weighted[:, a] * probabilities[:, b])[:, None]).T @ Z
            blocks[a, :, b, :] = blocks[b, :, a, :] = -block
            # the diagonal as a sum of the others: p (1 - p) would cancel
            blocks[a, :, a, :] += block
            blocks[b, :, b, :] += block
    return np.asarray(blocks.reshape(n_classes * p, n_classes * p))
