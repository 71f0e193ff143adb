"""The shortest separator against a convex programme, and rows that nothing separates."""

import cvxpy as cp
import numpy as np
import pytest

from marginscope.experiments.least_distance import shortest_separator


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_shortest(seed):
    rng = np.random.default_rng(seed)
    true = rng.standard_normal(4)
    X = rng.standard_normal((30, 4))
    rows = X * np.sign(X @ true)[:, None]
    found = shortest_separator(rows)
    w = cp.Variable(4)
    cp.Problem(cp.Minimize(cp.sum_squares(w)), [rows @ w >= 1.0]).solve(solver="CLARABEL")
    np.testing.assert_allclose(found, w.value, rtol=1e-5, atol=1e-6)
    assert (rows @ found).min() == pytest.approx(1.0, abs=1e-10)


def test_rows_that_cannot_be_separated():
    assert shortest_separator(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])) is None
    assert shortest_separator(np.random.default_rng(0).standard_normal((50, 3))) is None
