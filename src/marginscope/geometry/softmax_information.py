"""The Fisher information of softmax scores that are linear in the features.

    F = sum_i omega_i (diag p_i - p_i p_i') x x_i x_i'        (classes first, then columns)

It is zero along a vector that is added to every class.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["softmax_information"]

Floats = NDArray[np.float64]

_ENTRIES_AT_ONCE = 200_000


def softmax_information(Z: Floats, probabilities: Floats, weights: Floats | None = None) -> Floats:
    """Return F, (n_classes * n_columns) square.

    Parameters
    ----------
    Z : (n_samples, n_columns) dense array
    probabilities : (n_samples, n_classes)
    weights : (n_samples,), optional
    """
    n_classes, p = probabilities.shape[1], Z.shape[1]
    root = probabilities if weights is None else probabilities * np.sqrt(weights)[:, None]
    # few columns share one product of a matrix with itself; many fill a product for every two classes
    products = _all_at_once(Z, root) if p <= 10 * n_classes else _pair_by_pair(Z, root)
    F = -products
    own = np.arange(n_classes)
    # the diagonal as a sum of the others: p (1 - p) would cancel
    F[own, :, own, :] = 0.0
    F[own, :, own, :] = -F.sum(axis=2)
    return np.asarray(F.reshape(n_classes * p, n_classes * p))


def _all_at_once(Z: Floats, root: Floats) -> Floats:
    n_classes, p = root.shape[1], Z.shape[1]
    products = np.zeros((n_classes * p, n_classes * p))
    step = max(64, _ENTRIES_AT_ONCE // max(1, n_classes * p))
    for start in range(0, len(Z), step):
        rows = slice(start, start + step)
        M = (root[rows, :, None] * Z[rows, None, :]).reshape(-1, n_classes * p)
        products += M.T @ M
    return products.reshape(n_classes, p, n_classes, p)


def _pair_by_pair(Z: Floats, root: Floats) -> Floats:
    n_classes, p = root.shape[1], Z.shape[1]
    products = np.zeros((n_classes, p, n_classes, p))
    for a in range(n_classes):
        for b in range(a):
            # a matrix with itself costs half of two matrices
            M = Z * np.sqrt(root[:, a] * root[:, b])[:, None]
            products[a, :, b, :] = products[b, :, a, :] = M.T @ M
    return products
