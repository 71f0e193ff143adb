"""The constraint matrix that general solvers need: one row for every pair of a row and another class."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

__all__ = ["pair_matrix", "worst_margin"]

Floats = NDArray[np.float64]


def pair_matrix(X: Floats, y: NDArray[np.int64], n_classes: int) -> sp.csr_matrix:
    """Return (n (K - 1), K d) with rows x_i at the own class and -x_i at the other."""
    d = X.shape[1]
    rivals = np.array([[k for k in range(n_classes) if k != c] for c in range(n_classes)])[y].ravel()
    own = np.repeat(y, n_classes - 1)
    rows = np.repeat(X, n_classes - 1, axis=0)
    columns = np.arange(d)
    index = np.concatenate([own[:, None] * d + columns, rivals[:, None] * d + columns], axis=1)
    data = np.concatenate([rows, -rows], axis=1)
    starts = np.arange(len(own) + 1) * 2 * d
    G = sp.csr_matrix((data.ravel(), index.ravel(), starts), shape=(len(own), n_classes * d))
    G.eliminate_zeros()
    return G


def worst_margin(W: Floats, X: Floats, y: NDArray[np.int64]) -> float:
    """Return the smallest relative margin."""
    scores = X @ W.T
    rows = np.arange(len(y))
    own = scores[rows, y].copy()
    scores[rows, y] = -np.inf
    return float((own - scores.max(axis=1)).min())
