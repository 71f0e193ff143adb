"""Gradient descent step by step in compiled loops: what a jump over many steps has to equal.

W <- W - eta grad R on the sum risk, from W = 0, samples along the fast axis. The sums of
the coefficients carry their rounding along (Kahan), so that 1e7 steps keep 13 digits.
"""

from __future__ import annotations

import math

import numba
import numpy as np


@numba.njit(cache=True, fastmath={"contract", "reassoc"})
def _gradient(XT, own, W, pairwise, scores, at_own, total, gradient):
    d, n = XT.shape
    K = W.shape[0]
    for i in range(n):
        total[i] = 0.0 if pairwise else 1.0
    for k in range(K):
        row = scores[k]
        for i in range(n):
            row[i] = 0.0
        for j in range(d):
            w, x = W[k, j], XT[j]
            for i in range(n):
                row[i] += w * x[i]
    for i in range(n):
        at_own[i] = scores[own[i], i]
    for k in range(K):
        row = scores[k]
        for i in range(n):
            row[i] = math.exp(row[i] - at_own[i])
    if pairwise:
        for k in range(K):
            row = scores[k]
            for i in range(n):
                row[i] = row[i] / (1.0 + row[i])
    for i in range(n):
        scores[own[i], i] = 0.0
    for k in range(K):
        row = scores[k]
        for i in range(n):
            total[i] += row[i]
    for i in range(n):
        if pairwise:
            scores[own[i], i] = -total[i]
        else:
            scores[own[i], i] = 1.0 - total[i]
    for k in range(K):
        row = scores[k]
        if not pairwise:
            for i in range(n):
                row[i] /= total[i]
        for j in range(d):
            x, s = XT[j], 0.0
            for i in range(n):
                s += x[i] * row[i]
            gradient[k, j] = s


@numba.njit(cache=True)
def _descend(XT, own, eta, marks, pairwise, W):
    K, (d, n) = W.shape[0], XT.shape
    scores, at_own, total, gradient = np.empty((K, n)), np.empty(n), np.empty(n), np.empty((K, d))
    lost = np.zeros((K, d))
    out = np.empty((len(marks), K, d))
    step = 0
    for m in range(len(marks)):
        while step < marks[m]:
            _gradient(XT, own, W, pairwise, scores, at_own, total, gradient)
            for k in range(K):
                for j in range(d):
                    change = -eta * gradient[k, j] - lost[k, j]
                    new = W[k, j] + change
                    lost[k, j] = (new - W[k, j]) - change
                    W[k, j] = new
            step += 1
        out[m] = W
    return out


def true_steps(X, y, n_classes, loss, step_size, marks):
    """Return W after each number of steps in ``marks``, (n_marks, n_classes, n_features)."""
    XT = np.ascontiguousarray(np.asarray(X, dtype=float).T)
    W = np.zeros((n_classes, XT.shape[0]))
    pairwise = {"cross_entropy": False, "pair_logistic": True}[loss]
    return _descend(XT, np.asarray(y, dtype=np.int64), float(step_size), np.asarray(marks, dtype=np.int64), pairwise, W)


def linear_labels(seed, n, d, n_classes=3):
    """Return normal features and the classes that a normal linear model gives them, every class present."""
    rng = np.random.default_rng(seed)
    while True:
        W, X = rng.standard_normal((d, n_classes)), rng.standard_normal((n, d))
        y = (X @ W).argmax(axis=1)
        if len(np.unique(y)) == n_classes:
            return X, y


def theory_step(X, loss, n_classes):
    """Return 1 / (beta_v sigma_max(X)^2)."""
    return 1.0 / ({"cross_entropy": 0.5, "pair_logistic": n_classes / 4.0}[loss] * np.linalg.norm(X, 2) ** 2)
