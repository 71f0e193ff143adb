"""Problems for the four norms without a Frobenius ball, and a bracket from written-out features."""

from __future__ import annotations

import numpy as np

from marginscope.geometry.margins import all_pairs
from marginscope.solvers.margin_problem import MarginProblem
from marginscope.solvers.polyhedral import solve_polyhedral
from marginscope.solvers.schatten import solve_schatten
from oracles.margin_programmes import scaled_pairs

NORMS = ("max", "sum", "spectral", "nuclear")

VALUES = {
    "max": lambda W: np.abs(W).max(),
    "sum": lambda W: np.abs(W).sum(),
    "spectral": lambda W: np.linalg.norm(W, 2),
    "nuclear": lambda W: np.linalg.norm(W, "nuc"),
}
DUALS = {"max": "sum", "sum": "max", "spectral": "nuclear", "nuclear": "spectral"}


def separable(seed, n=None, d=None, k=None, gap=0.05):
    """Labels of a random linear model, rows near a boundary left out; norms of rows below one."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(10, 151)) if n is None else n
    d = int(rng.integers(1, 21)) if d is None else d
    k = int(rng.integers(2, 7)) if k is None else k
    X = rng.standard_normal((12 * n + 50, d))
    scores = X @ rng.standard_normal((d, k)) + (rng.standard_normal(k) if d == 1 else 0.0)
    if d == 1:
        X = np.column_stack([X, np.ones(len(X))])
    best = np.sort(scores, axis=1)
    kept = np.flatnonzero(best[:, -1] - best[:, -2] > gap)[:n]
    X, y = X[kept], scores[kept].argmax(axis=1)
    return 0.99 * X / np.linalg.norm(X, axis=1).max(), y, k


def problem(X, y, k, **settings):
    y = np.asarray(y, dtype=np.intp)
    return MarginProblem(X, y, k, all_pairs(y, k), **settings)


def solve(norm, given):
    return (solve_polyhedral if norm in ("max", "sum") else solve_schatten)(given, norm)


def measured_bracket(norm, given, solved):
    """Return both ends of the margin from the pair features themselves."""
    X = given.X.toarray() if hasattr(given.X, "toarray") else given.X
    A = scaled_pairs(X, given.y, given.n_classes, given.class_scales)
    alpha = np.array([solved.weights[i, k] for i in range(len(X)) for k in range(given.n_classes) if k != given.y[i]])
    assert np.all(alpha >= 0)
    assert alpha.sum() > 0
    assert np.all(solved.weights[np.arange(len(X)), given.y] == 0)
    G = (A.T @ alpha).reshape(given.shape)
    upper = VALUES[DUALS[norm]](G) / alpha.sum()
    worst = (A @ solved.coef.ravel()).min()
    if not np.any(solved.coef):
        return 0.0, upper
    assert abs(worst - 1.0) < 1e-9
    return worst / VALUES[norm](solved.coef), upper


def assert_solved(norm, given, tol=1e-8):
    solved = solve(norm, given)
    lower, upper = measured_bracket(norm, given, solved)
    assert solved.status == "optimal", (norm, given.shape, solved)
    assert 0 < lower <= upper * (1 + 1e-13)
    assert upper - lower <= 1.01 * tol * upper
    return solved, lower, upper
