"""The largest margin in a norm as a general programme over written-out pair features: the slow way."""

from __future__ import annotations

import warnings

import numpy as np
import scipy.optimize

from oracles.pair_features import pair_matrix


def scaled_pairs(X, y, n_classes, class_scales=None):
    """Return the pair features with the class scales in them, one row for each pair."""
    _, A = pair_matrix(X, y, n_classes)
    if class_scales is not None:
        A = A * np.repeat(np.asarray(class_scales, dtype=float), np.shape(X)[1])
    return A


def largest_margin(X, y, n_classes, norm, class_scales=None):
    """Maximise the worst margin over the unit ball: HiGHS for max and sum, Clarabel for the others."""
    A = scaled_pairs(X, y, n_classes, class_scales)
    if norm in ("max", "sum"):
        return _linear(A, norm)
    return _semidefinite(A, (n_classes, np.shape(X)[1]), norm)


def _linear(A, norm):
    m, n = A.shape
    if norm == "max":
        cost, G = np.r_[np.zeros(n), -1.0], np.column_stack([-A, np.ones(m)])
        h, bounds = np.zeros(m), [(-1, 1)] * n + [(None, None)]
    else:
        cost = np.r_[np.zeros(2 * n), -1.0]
        G = np.vstack([np.column_stack([-A, A, np.ones(m)]), np.r_[np.ones(2 * n), 0.0]])
        h, bounds = np.r_[np.zeros(m), 1.0], [(0, None)] * (2 * n) + [(None, None)]
    options = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    found = scipy.optimize.linprog(cost, A_ub=G, b_ub=h, bounds=bounds, method="highs-ds", options=options)
    assert found.status == 0, found.message
    return -float(found.fun)


def _semidefinite(A, shape, norm):
    import cvxpy as cp

    W, gamma = cp.Variable(shape), cp.Variable()
    size = cp.sigma_max(W) if norm == "spectral" else cp.normNuc(W)
    programme = cp.Problem(cp.Maximize(gamma), [A @ cp.vec(W, order="C") >= gamma, size <= 1])
    with warnings.catch_warnings():
        # asked for more than it can, so that it gives what it can
        warnings.simplefilter("ignore", UserWarning)
        programme.solve(solver="CLARABEL", tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11, max_threads=1)
    assert programme.status in ("optimal", "optimal_inaccurate")
    return float(gamma.value)
