"""Pair features written out, one row for each pair: the slow way."""

from __future__ import annotations

import numpy as np


def pair_matrix(X, y, n_classes):
    """Return the pairs and their features, (n_pairs, n_classes * n_features)."""
    X = np.asarray(X, dtype=float)
    pairs = [(i, k) for i in range(len(X)) for k in range(n_classes) if k != y[i]]
    A = np.zeros((len(pairs), n_classes, X.shape[1]))
    for m, (i, k) in enumerate(pairs):
        A[m, y[i]] += X[i]
        A[m, k] -= X[i]
    return pairs, A.reshape(len(pairs), -1)
