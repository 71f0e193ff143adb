"""The largest margin in any of the five norms, as it is written, through cvxpy and Clarabel."""

from __future__ import annotations

import warnings

import numpy as np

from oracles.pair_features import pair_matrix


def largest_margin(X, y, n_classes, norm, *, fit_intercept=False, class_margins=None, class_scales=None):
    """Return the margin, a W of norm at most one, and the weights (n_rows, n_classes) of the pairs.

    Maximise gamma subject to u_ik / m_i >= gamma and ||W|| <= 1; the weights sum to one.
    """
    import cvxpy as cp

    Z = np.asarray(X, dtype=float)
    if fit_intercept:
        Z = np.column_stack([Z, np.ones(len(Z))])
    pairs, A = pair_matrix(Z, y, n_classes)
    A = A.reshape(len(pairs), n_classes, -1)
    if class_scales is not None:
        A = A * np.asarray(class_scales)[None, :, None]
    if class_margins is not None:
        A = A / np.asarray(class_margins)[np.asarray(y)[[i for i, _ in pairs]]][:, None, None]
    size = np.abs(A).max()
    A = (A / size).reshape(len(pairs), -1)
    W, gamma = cp.Variable((n_classes, Z.shape[1])), cp.Variable()
    held = A @ cp.reshape(W, (A.shape[1],), order="C") >= gamma
    ball = {
        "frobenius": lambda: cp.norm(W, "fro") <= 1,
        "max": lambda: cp.max(cp.abs(W)) <= 1,
        "sum": lambda: cp.sum(cp.abs(W)) <= 1,
        "spectral": lambda: cp.sigma_max(W) <= 1,
        "nuclear": lambda: cp.normNuc(W) <= 1,
    }[norm]()
    problem = cp.Problem(cp.Maximize(gamma), [held, ball])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11)
    weights = np.zeros((len(Z), n_classes))
    for (i, k), one in zip(pairs, np.asarray(held.dual_value).ravel(), strict=True):
        weights[i, k] = max(0.0, one)
    return float(gamma.value) * size, np.asarray(W.value), weights
