"""Where descent on separable data goes: gradient flow in s = log t, and plain steps."""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp

FIRST = 1e-4


def separable_problem(seed, n=12, d=3, n_classes=3):
    """Return features and classes that a random linear model made, every class present and none equally large."""
    rng = np.random.default_rng(seed)
    while True:
        X, W = rng.normal(size=(n, d)), rng.normal(size=(n_classes, d))
        y = (X @ W.T).argmax(axis=1)
        counts = np.bincount(y, minlength=n_classes)
        if counts.min() > 0 and len(set(counts)) == n_classes:
            return X, y


def flow(objective, s_end, *, rtol=1e-8):
    """Integrate dW/ds = -exp(s) grad R(W) from W = 0 at time 1e-4 to log time s_end."""

    def change(s, w):
        W = w.reshape(objective.shape)
        signs = objective.template.weight_signs(objective.margins(W))
        return objective.pull_back(signs * np.exp(s + objective.log_weights(W))).ravel()

    start = np.log(FIRST)
    w = change(start, np.zeros(int(np.prod(objective.shape))))
    found = solve_ivp(change, (start, s_end), w, method="LSODA", rtol=rtol, atol=1e-10)
    assert found.success
    return found.y[:, -1].reshape(objective.shape)


def direction(W):
    """Return W of norm one, without the part that all classes share."""
    return W / np.linalg.norm(W)


def distance(A, B):
    """Return the distance of two directions."""
    return float(np.linalg.norm(direction(A) - direction(B)))
