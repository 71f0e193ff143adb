"""The weighted second moment of all pair features, block by block.

    H = sum_ik w_ik vec(x~_ik) vec(x~_ik)'        (n_classes * n_features square)

A row enters the diagonal block of every class and the off-diagonal blocks of its
own class only, so the sum costs about 4 K N d^2 operations and no pair feature
is ever written down.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["pair_gram"]

Floats = NDArray[np.float64]


def pair_gram(X: Floats, y: NDArray[np.intp], weights: Floats, *, gauge: float = 0.0) -> Floats:
    """Return H for pair weights of shape (n_samples, n_classes).

    Parameters
    ----------
    X : (n_samples, n_features) dense array
    y : (n_samples,) class codes
    weights : (n_samples, n_classes), not negative; the own class is not read
    gauge : float
        Curvature put on adding one vector to every class, relative to the mean
        of the diagonal; H alone is zero there.
    """
    n_classes, d = weights.shape[1], X.shape[1]
    rows = np.arange(len(y))
    weights = weights.copy()
    weights[rows, y] = 0.0
    # a weight below the rounding error of the largest cannot change a block
    cut = 1e-18 * float(weights.max(initial=0.0))
    diagonal = weights.copy()
    diagonal[rows, y] = weights.sum(axis=1)
    blocks = np.zeros((n_classes, d, n_classes, d))
    for c in range(n_classes):
        kept = np.flatnonzero(diagonal[:, c] > cut)
        root = X[kept] * np.sqrt(diagonal[kept, c])[:, None]
        blocks[c, :, c, :] = root.T @ root
    for c in range(n_classes):
        own = np.flatnonzero(y == c)
        Xc, Wc = X[own], weights[own]
        for e in range(n_classes):
            kept = np.flatnonzero(Wc[:, e] > cut)
            if e == c or not len(kept):
                continue
            root = Xc[kept] * np.sqrt(Wc[kept, e])[:, None]
            block = root.T @ root
            blocks[c, :, e, :] -= block
            blocks[e, :, c, :] -= block
    H: Floats = blocks.reshape(n_classes * d, n_classes * d)
    if gauge:
        mean = float(np.trace(H)) / max(1, len(H))
        for c in range(n_classes):
            for e in range(n_classes):
                blocks[c, :, e, :][np.diag_indices(d)] += gauge * (mean or 1.0) / n_classes
    return H
