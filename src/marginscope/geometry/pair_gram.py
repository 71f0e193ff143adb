"""The weighted second moment of all pair features, block by block.

    H = sum_ik w_ik vec(x~_ik) vec(x~_ik)'        (n_classes * n_features square)

With G_ce = sum over rows i of class c of w_ie x_i x_i' the off-diagonal block of two
classes is -(G_ce + G_ec), and the diagonal block of a class is minus the sum of its
row of blocks. So H costs about K N d^2 operations and no pair feature is written down.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["pair_gram"]

Floats = NDArray[np.float64]

_ENTRIES_AT_ONCE = 2_000_000


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
    if len(y) and np.any(y[1:] < y[:-1]):
        order = np.argsort(y, kind="stable")
        X, y, weights = X[order], y[order], weights[order]
    ends = np.searchsorted(y, np.arange(n_classes + 1))
    # a weight below the rounding error of the largest cannot change a block
    cut = 1e-18 * float(weights.max(initial=0.0))
    blocks = np.zeros((n_classes, d, n_classes, d))
    for c in range(n_classes):
        own = slice(int(ends[c]), int(ends[c + 1]))
        if own.start == own.stop:
            continue
        # many rivals share the products of the features; few have matrix products of their own
        add = _add_by_products if n_classes * 4 >= d else _add_by_roots
        add(blocks, c, X[own], weights[own], cut)
    _close(blocks)
    H: Floats = blocks.reshape(n_classes * d, n_classes * d)
    if gauge:
        mean = float(np.trace(H)) / max(1, len(H))
        shared = np.arange(d)
        blocks[:, shared, :, shared] += gauge * (mean or 1.0) / n_classes
    return H


def _add_by_roots(blocks: Floats, c: int, X: Floats, weights: Floats, cut: float) -> None:
    """Add -G_ce to the block of c and e, one rival at a time."""
    for e in range(weights.shape[1]):
        if e == c:
            continue
        weight = weights[:, e]
        kept = weight > cut
        if not kept.any():
            continue
        if 2 * np.count_nonzero(kept) < len(kept):
            root = X[kept] * np.sqrt(weight[kept])[:, None]
        else:
            root = X * np.sqrt(weight)[:, None]
        blocks[c, :, e, :] -= root.T @ root


def _add_by_products(blocks: Floats, c: int, X: Floats, weights: Floats, cut: float) -> None:
    """Add -G_ce to the blocks of c and all rivals: the weights times the products of two features."""
    n_classes, d = weights.shape[1], X.shape[1]
    upper, lower = np.triu_indices(d)
    rivals = np.flatnonzero((weights > cut).any(axis=0) & (np.arange(n_classes) != c))
    if not len(rivals):
        return
    total = np.zeros((len(rivals), len(upper)))
    size = max(1, _ENTRIES_AT_ONCE // max(1, len(upper)))
    for start in range(0, len(X), size):
        part = X[start : start + size]
        total += weights[start : start + size, rivals].T @ (part[:, upper] * part[:, lower])
    square = np.empty((len(rivals), d, d))
    square[:, upper, lower] = total
    square[:, lower, upper] = total
    blocks[c][:, rivals, :] -= square.transpose(1, 0, 2)


def _close(blocks: Floats) -> None:
    """Make G_ce symmetric in the classes, and fill the diagonal blocks."""
    n_classes = len(blocks)
    for c in range(n_classes):
        for e in range(c):
            both = blocks[c, :, e, :] + blocks[e, :, c, :]
            blocks[c, :, e, :] = both
            blocks[e, :, c, :] = both
    for c in range(n_classes):
        blocks[c, :, c, :] = -blocks[c].sum(axis=1)
