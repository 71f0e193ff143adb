"""The least total violation, and the least norm that attains it, as they are written, through cvxpy and Clarabel."""

from __future__ import annotations

import numpy as np

from oracles.pair_features import pair_matrix

EXACT = {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11}


def least_violation(X, y, n_classes, norm, omega, *, fit_intercept=False):
    """Return min V and the least norm over W with V(W) <= (1 + 1e-9) min V."""
    import cvxpy as cp

    Z = np.asarray(X, dtype=float)
    if fit_intercept:
        Z = np.column_stack([Z, np.ones(len(Z))])
    pairs, A = pair_matrix(Z, y, n_classes)
    A, rows = A.reshape(len(pairs), -1), [i for i, _ in pairs]
    W, xi = cp.Variable((n_classes, Z.shape[1])), cp.Variable(len(Z))
    held = [A @ cp.reshape(W, (A.shape[1],), order="C") + xi[rows] >= 1, xi >= 0]
    total = np.asarray(omega) @ xi
    problem = cp.Problem(cp.Minimize(total), held)
    problem.solve(solver=cp.CLARABEL, **EXACT)
    least = float(problem.value)
    size = {
        "frobenius": lambda: cp.norm(W, "fro"),
        "max": lambda: cp.max(cp.abs(W)),
        "sum": lambda: cp.sum(cp.abs(W)),
        "spectral": lambda: cp.sigma_max(W),
        "nuclear": lambda: cp.normNuc(W),
    }[norm]()
    problem = cp.Problem(cp.Minimize(size), [*held, total <= least * (1 + 1e-9) + 1e-9])
    problem.solve(solver=cp.CLARABEL)
    return least, float(problem.value)


def total_violation(X, y, W, omega):
    """Return sum omega_i max_k (1 - u_ik)_+, row by row; the last column of W is the intercept."""
    total = 0.0
    for x, own, weight in zip(np.asarray(X, dtype=float), y, omega, strict=True):
        scores = W[:, : len(x)] @ x + (W[:, -1] if W.shape[1] > len(x) else 0.0)
        total += weight * max(0.0, *(1 - scores[own] + scores[k] for k in range(len(W)) if k != own))
    return total
