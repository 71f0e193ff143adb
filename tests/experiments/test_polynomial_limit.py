"""The limit of polynomial tails against a convex programme, and what it must fulfil."""

import cvxpy as cp
import numpy as np
import pytest

from marginscope.exceptions import DataError
from marginscope.experiments.data import linear_classes
from marginscope.experiments.pair_features import pair_features
from marginscope.experiments.polynomial_limit import polynomial_limit
from marginscope.solvers.hard_margin import solve_hard_margin


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_least_sum_on_the_sphere(seed):
    X, y = linear_classes(12, 3, 3, np.random.default_rng(seed))
    pairs = pair_features(X, y, 3)
    best = solve_hard_margin(X, y).coef.ravel()
    found = polynomial_limit(pairs, 1.0, best)
    w = cp.Variable(len(best))
    cp.Problem(cp.Minimize(cp.sum(cp.inv_pos(pairs @ w))), [cp.norm(w) <= 1.0]).solve(solver="CLARABEL")
    np.testing.assert_allclose(found, w.value / np.linalg.norm(w.value), atol=1e-4)
    # the best multiple of the hard margin's direction is beaten
    assert (1.0 / (pairs @ found)).sum() < (1.0 / (pairs @ best)).sum() * np.linalg.norm(best)


@pytest.mark.parametrize("a", [0.5, 1.0, 3.0])
def test_the_gradient_on_the_sphere_is_along_the_limit(a):
    X, y = linear_classes(15, 4, 3, np.random.default_rng(5))
    pairs = pair_features(X, y, 3)
    w = polynomial_limit(pairs, a, solve_hard_margin(X, y).coef.ravel())
    force = pairs.T @ (pairs @ w) ** (-a - 1.0)
    np.testing.assert_allclose(force / np.linalg.norm(force), w, atol=1e-10)


def test_a_start_that_separates_nothing():
    with pytest.raises(DataError, match="separates all pairs"):
        polynomial_limit(np.eye(2), 1.0, np.array([1.0, -1.0]))
