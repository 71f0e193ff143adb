"""The predicted angle against gradient flow in logarithmic time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from marginscope.exceptions import DataError
from marginscope.limits.weights import weight_fade
from marginscope.solvers.frobenius import hard_margin_direction


def separable(seed, n=12, d=2, k=3):
    rng = np.random.default_rng(seed)
    while True:
        X = rng.standard_normal((n, d))
        y = (X @ rng.standard_normal((d, k))).argmax(axis=1)
        if np.bincount(y, minlength=k).min() > 0:
            return X, y


def flow(X, y, weights, log_time):
    """Follow dW/ds = e^s * (minus the gradient of weighted cross-entropy), s = log t, by brute force."""
    n, k = y.size, int(y.max()) + 1
    own = np.arange(n), y

    def velocity(s, flat):
        scores = X @ flat.reshape(X.shape[1], k)
        margins = scores[own][:, None] - scores
        others = -margins
        others[own] = -np.inf
        psi = np.logaddexp(0.0, np.logaddexp.reduce(others, axis=1))
        force = np.exp(s + np.log(weights)[:, None] + others - psi[:, None])
        force[own] = -force.sum(axis=1)
        return (-(X.T @ force)).ravel()

    span = (math.log(1e-4), log_time)
    with np.errstate(over="ignore"):
        path = solve_ivp(velocity, span, np.zeros(X.shape[1] * k), method="LSODA", rtol=1e-9, atol=1e-10)
    assert path.success
    return path.y[:, -1]


@pytest.mark.parametrize("seed", [1, 2, 5])
@pytest.mark.parametrize("log_time", [230.0, 2300.0])
def test_the_angle_is_that_of_the_flow(seed, log_time):
    X, y = separable(seed)
    weights = np.array([1.0, 5.0, 25.0])[y]
    fade = weight_fade(hard_margin_direction(X, y), weights, step_size=1.0)
    one, other = flow(X, y, np.ones(y.size), log_time), flow(X, y, weights, log_time)
    angle = math.acos(min(1.0, one @ other / np.linalg.norm(one) / np.linalg.norm(other)))
    assert fade.angle_at(log_time / math.log(10)) == pytest.approx(angle, rel=0.03)


def test_the_step_is_where_the_angle_is_reached():
    X, y = separable(1)
    fade = weight_fade(hard_margin_direction(X, y), np.array([1.0, 2.0, 9.0])[y], step_size=0.1, angle=0.01)
    assert fade.angle_at(fade.log10_step) == pytest.approx(0.01)
    assert fade.angle_at(fade.log10_step + 1) < 0.01


def test_equal_weights_turn_nothing():
    X, y = separable(1)
    solution = hard_margin_direction(X, y)
    assert weight_fade(solution, np.ones(y.size), step_size=1.0).angle_at(3.0) == 0.0


def test_larger_weights_need_longer():
    X, y = separable(2)
    solution = hard_margin_direction(X, y)
    steps = [weight_fade(solution, np.array([1.0, r, r])[y], step_size=1.0).log10_step for r in (2, 10, 100)]
    assert steps == sorted(steps)
    assert steps[0] < steps[2]


def test_bad_input_is_named():
    X, y = separable(1)
    solution = hard_margin_direction(X, y)
    with pytest.raises(DataError, match="positive"):
        weight_fade(solution, np.zeros(y.size), step_size=1.0)
    with pytest.raises(DataError, match="step size"):
        weight_fade(solution, np.ones(y.size), step_size=0.0)
