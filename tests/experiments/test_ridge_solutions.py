"""Ridge solutions against a general minimiser, and their equations where no float holds the penalty."""

import numpy as np
import scipy.optimize
import scipy.special

from marginscope.experiments.data import linear_classes
from marginscope.experiments.pair_features import pair_features
from marginscope.experiments.ridge_solutions import ridge_solutions

X, y = linear_classes(12, 3, 4, np.random.default_rng(1))
PAIRS = pair_features(X, y, 4)


def test_a_general_minimiser_finds_the_same():
    places = [0.5, 3.0, 6.0]
    for L, found in zip(places, ridge_solutions(PAIRS, (4, 3), places), strict=True):
        ridge = np.exp(-L) / L

        def risk(w, ridge=ridge):
            log_p = scipy.special.log_softmax(X @ w.reshape(4, 3).T, axis=1)
            gradient = (np.exp(log_p) - np.eye(4)[y]).T @ X
            return 0.5 * ridge * w @ w - log_p[np.arange(12), y].sum(), ridge * w + gradient.ravel()

        other = scipy.optimize.minimize(risk, np.zeros(12), jac=True, method="BFGS", options={"gtol": 1e-11})
        np.testing.assert_allclose(found.ravel(), other.x, rtol=1e-6, atol=1e-6)


def test_the_equations_hold_for_a_penalty_far_below_floats():
    L = 2000.0
    (W,) = ridge_solutions(PAIRS, (4, 3), [L])
    u = (PAIRS @ W.ravel()).reshape(12, 3)
    assert u.min() > 1000.0
    # q / lambda with lambda = exp(-L) / L, and q = exp(-u) to rounding
    force = PAIRS.T @ (L * np.exp(L - u.ravel()))
    np.testing.assert_allclose(force, W.ravel(), rtol=1e-9, atol=1e-9 * np.abs(W).max())


def test_one_solution_does_not_depend_on_those_before_it():
    alone = ridge_solutions(PAIRS, (4, 3), [30.0])[0]
    np.testing.assert_allclose(ridge_solutions(PAIRS, (4, 3), [0.1, 2.0, 30.0])[-1], alone, rtol=1e-10)
