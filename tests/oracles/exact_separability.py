"""Separability of tiny integer problems by an exact simplex method on integers.

Written from the definition, with nothing of the package: maximise sum z subject to
z <= A W, z <= 1, z >= 0, W free, by Bland's rule on a tableau of integers with one
common denominator.
"""

from __future__ import annotations

import numpy as np


def separable_pairs(X, y, n_classes, fit_intercept):
    """Return the set of (row, class) pairs that some recession direction separates."""
    X = [[int(v) for v in row] + ([1] if fit_intercept else []) for row in X]
    p = len(X[0])
    pairs = [(i, k) for i in range(len(X)) for k in range(n_classes) if k != y[i]]
    A = []
    for i, k in pairs:
        row = [0] * (p * n_classes)
        for j in range(p):
            row[y[i] * p + j] += X[i][j]
            row[k * p + j] -= X[i][j]
        A.append(row)
    z = maximise(A)
    assert all(value in (0, 1) for value in z)
    return {pair for pair, value in zip(pairs, z, strict=True) if value == 1}


def status(X, y, n_classes, fit_intercept):
    """Return the name of the kind of separation."""
    found = len(separable_pairs(X, y, n_classes, fit_intercept))
    if found == 0:
        return "overlap"
    return "complete" if found == len(X) * (n_classes - 1) else "quasi_complete"


def maximise(A):
    """Return the optimal z as a list of exact rationals (integers at every vertex here)."""
    m, n = len(A), len(A[0])
    # columns: W plus, W minus, z, slack of z - A W <= 0, slack of z <= 1, right-hand side
    width = 2 * n + 3 * m + 1
    T = np.zeros((2 * m + 1, width), dtype=object)
    for r in range(m):
        T[r, :n] = [-v for v in A[r]]
        T[r, n : 2 * n] = A[r]
        T[r, 2 * n + r] = T[m + r, 2 * n + r] = 1
        T[r, 2 * n + m + r] = T[m + r, 2 * n + 2 * m + r] = 1
        T[m + r, -1] = 1
        T[-1, 2 * n + r] = -1
    basis = [2 * n + m + r for r in range(m)] + [2 * n + 2 * m + r for r in range(m)]
    denominator = 1
    while True:
        entering = next((c for c in range(width - 1) if T[-1, c] < 0), None)
        if entering is None:
            break
        rows = [r for r in range(2 * m) if T[r, entering] > 0]
        assert rows, "the programme is bounded"
        leaving = rows[0]
        for r in rows[1:]:
            left, right = T[r, -1] * T[leaving, entering], T[leaving, -1] * T[r, entering]
            if left < right or (left == right and basis[r] < basis[leaving]):
                leaving = r
        pivot = T[leaving, entering]
        others = [r for r in range(2 * m + 1) if r != leaving]
        T[others] = (T[others] * pivot - np.outer(T[others, entering], T[leaving])) // denominator
        denominator = pivot
        basis[leaving] = entering
    z = [0] * m
    for r, column in enumerate(basis):
        if 2 * n <= column < 2 * n + m:
            assert T[r, -1] % denominator == 0
            z[column - 2 * n] = T[r, -1] // denominator
    return z
