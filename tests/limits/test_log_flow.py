"""The flow in log time against objectives, differences, true steps and the hard margin."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse as sp

import marginscope as ms
from marginscope import losses
from marginscope.exceptions import SizeError, UsageError
from marginscope.limits.flow_coordinates import flow_coordinates
from marginscope.limits.flow_path import follow_flow
from marginscope.limits.log_flow import LogFlow
from marginscope.losses.adjust import Adjustment
from marginscope.objectives import LinearObjective
from oracles.true_steps import linear_labels, theory_step, true_steps


def adjusted_problem(*, sparse=False, wide=False, loss="cross_entropy"):
    """Four classes with everything that an adjustment can hold, an intercept, and a row of weight zero."""
    X, y = linear_labels(3, 25, 40 if wide else 3, 4)
    weights = np.linspace(0.5, 2.0, 25)
    weights[7] = 0.0
    adjustment = Adjustment(
        margins=[1.0, 2.0, 0.5, 1.5],
        scales=[1.0, 0.7, 1.3, 0.9],
        shifts=[0.1, -0.2, 0.3, 0.0],
        own_shifts=[0.2, 0.0, 0.1, 0.4],
        class_weights=[1.0, 3.0, 0.3, 2.0],
        sample_weights=weights,
    )
    return LinearObjective(
        losses.get(loss), sp.csr_array(X) if sparse else X, y, 4, adjustment=adjustment, fit_intercept=True
    )


SHAPES = [{}, {"sparse": True}, {"wide": True}, {"loss": "focal"}, {"loss": "pair_logistic"}]


@pytest.mark.parametrize("kind", SHAPES, ids=str)
def test_coordinates_give_the_margins_and_gradients_of_the_objective(kind):
    objective = adjusted_problem(**kind)
    at = flow_coordinates(objective)
    rng = np.random.default_rng(0)
    theta = 0.3 * rng.normal(size=at.shape)
    W = at.coefficients_of(theta)
    assert at.theta_of(W) == pytest.approx(theta)
    assert at.margins(theta) == pytest.approx(objective.margins(W)[at.order], abs=1e-12)
    flow = LogFlow(objective.template, at, 0.0, order=1)
    force = flow.velocity(1.5, theta.ravel()).reshape(at.shape)
    # gradients have no other part: neither the gauge nor rows outside the span
    assert at.coefficients_of(force) == pytest.approx(-math.exp(1.5) * objective.gradient(W), abs=1e-10)


@pytest.mark.parametrize("kind", SHAPES, ids=str)
def test_the_jacobian_is_the_derivative_of_the_velocity(kind):
    objective = adjusted_problem(**kind)
    at = flow_coordinates(objective)
    flow = LogFlow(objective.template, at, 0.0, order=1)
    rng = np.random.default_rng(1)
    flat = 0.3 * rng.normal(size=at.shape).ravel()
    direction = rng.normal(size=flat.size)
    h = 1e-6
    wanted = (flow.velocity(2.0, flat + h * direction) - flow.velocity(2.0, flat - h * direction)) / (2.0 * h)
    assert flow.jacobian(2.0, flat) @ direction == pytest.approx(wanted, rel=1e-5, abs=1e-6)


def test_the_second_term_is_half_the_step_times_the_hessian_times_the_force():
    objective = adjusted_problem()
    at, eta, s = flow_coordinates(objective), 0.02, 1.0
    flat = 0.2 * np.random.default_rng(2).normal(size=at.shape).ravel()
    W = at.coefficients_of(flat.reshape(at.shape))
    force = -math.exp(s) * objective.gradient(W)
    wanted = force + 0.5 * eta * objective.hessian_product(W, force)
    found = LogFlow(objective.template, at, eta, order=2).velocity(s, flat)
    assert at.coefficients_of(found.reshape(at.shape)) == pytest.approx(wanted, abs=1e-10)


@pytest.mark.parametrize("loss", ["cross_entropy", "pair_logistic", "focal"])
def test_each_term_gains_one_order_in_the_step_size(loss):
    X, y = linear_labels(1, 10, 2)
    objective = LinearObjective(losses.get(loss), X, y, 3)
    eta = theory_step(X, "cross_entropy", 3)
    errors = np.empty((3, 2))
    for h in range(2):
        size, n_0, n = eta / 2**h, 40 * 2**h, 800 * 2**h
        W, start = np.zeros((3, 2)), None
        for step in range(n):
            start = W.copy() if step == n_0 else start
            W -= size * objective.gradient(W)
        for order in (1, 2, 3):
            path = follow_flow(objective, start, n_0, size, [math.log(n)], order=order, rtol=1e-12)
            errors[order - 1, h] = np.linalg.norm(path.coef[-1] - W)
    assert errors[:, 0] / errors[:, 1] == pytest.approx([2.0, 4.0, 8.0], rel=0.15)


@pytest.mark.parametrize("loss", ["cross_entropy", "pair_logistic"])
@pytest.mark.parametrize(("n", "d", "seed"), [(10, 2, 0), (10, 2, 3), (10, 2, 8), (100, 10, 0), (100, 10, 1)])
def test_a_hundred_thousand_steps_are_met_to_nine_digits(n, d, seed, loss):
    X, y = linear_labels(seed, n, d)
    eta = theory_step(X, loss, 3)
    marks = [1000, 10_000, 100_000]
    true = true_steps(X, y, 3, loss, eta, marks)
    path = follow_flow(LinearObjective(losses.get(loss), X, y, 3), true[0], 1000, eta, np.log(marks[1:]))
    errors = np.linalg.norm(path.coef - true[1:], axis=(1, 2)) / np.linalg.norm(true[1:], axis=(1, 2))
    assert path.status == "completed"
    assert errors.max() < 1e-9
    # and what is said of the error is no less than it is
    assert np.all(errors <= path.errors)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["cross_entropy", "pair_logistic"])
@pytest.mark.parametrize(("n", "d", "seed"), [*((10, 2, seed) for seed in range(10)), (100, 10, 2)])
def test_ten_million_steps_are_met_to_nine_digits(n, d, seed, loss):
    X, y = linear_labels(seed, n, d)
    eta = theory_step(X, loss, 3)
    marks = [1000, 10**5, 10**6, 10**7]
    true = true_steps(X, y, 3, loss, eta, marks)
    path = follow_flow(LinearObjective(losses.get(loss), X, y, 3), true[0], 1000, eta, np.log(marks[1:]))
    errors = np.linalg.norm(path.coef - true[1:], axis=(1, 2)) / np.linalg.norm(true[1:], axis=(1, 2))
    assert errors.max() < 1e-9
    assert np.all(errors <= path.errors)


@pytest.mark.parametrize("kind", SHAPES, ids=str)
def test_adjusted_losses_are_met_too(kind):
    objective = adjusted_problem(**kind)
    eta = 0.5 / np.linalg.norm(sp.csr_array(objective.X).toarray(), 2) ** 2
    W, early = np.zeros(objective.shape), None
    for step in range(4000):
        early = W.copy() if step == 400 else early
        W -= eta * objective.gradient(W)
    path = follow_flow(objective, early, 400, eta, [math.log(4000)])
    assert np.linalg.norm(path.coef[-1] - W) <= 2e-9 * np.linalg.norm(W)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("loss", ["cross_entropy", "pair_logistic"])
def test_the_dual_read_out_is_the_hard_margins_multipliers(seed, loss):
    X, y = linear_labels(seed, 10, 2)
    eta = theory_step(X, loss, 3)
    start = true_steps(X, y, 3, loss, eta, [1000])[0]
    log_steps = np.log(10.0) * np.array([30.0, 100.0, 1000.0])
    path = follow_flow(LinearObjective(losses.get(loss), X, y, 3), start, 1000, eta, log_steps)
    law = ms.solve_hard_margin(X, y, tol=1e-12, raise_on_failure=False)
    multipliers = law.dual_weights.toarray()
    pairs = law.support_pairs
    features = np.zeros((len(pairs), 6))
    for r, (i, k) in enumerate(pairs):
        feature = np.zeros((3, 2))
        feature[y[i]], feature[k] = X[i], -X[i]
        features[r] = feature.ravel()
    A = (features.T * multipliers[pairs[:, 0], pairs[:, 1]]) @ features
    values = np.linalg.eigvalsh(A)
    exponent = min(values[values > 1e-9 * values[-1]][0], law.nearest_margin - 1.0)
    for record, log_step in enumerate(log_steps):
        error = np.abs(path.dual_weights(record) - multipliers).max() / multipliers.max()
        assert error <= max(1e-6, 10.0 * math.exp(-exponent * log_step))
    W = sum(path.dual_weights(-1)[i, k] * features[r].reshape(3, 2) for r, (i, k) in enumerate(pairs))
    assert law.coef == pytest.approx(W, rel=1e-4)


def test_far_beyond_floats_the_flow_goes_on():
    X, y = linear_labels(0, 10, 2)
    eta = theory_step(X, "cross_entropy", 3)
    start = true_steps(X, y, 3, "cross_entropy", eta, [1000])[0]
    logs = np.array([1e3, 1e4, 1e5])
    path = follow_flow(LinearObjective(losses.get("cross_entropy"), X, y, 3), start, 1000, eta, logs)
    best = ms.solve_hard_margin(X, y, tol=1e-12, raise_on_failure=False)
    growth = np.diff(path.coef, axis=0) / np.diff(logs)[:, None, None]
    assert path.status == "completed"
    assert growth[1] == pytest.approx(best.coef, rel=1e-9)


def test_a_part_of_the_start_that_nothing_moves_stays():
    objective = adjusted_problem(wide=True)
    rng = np.random.default_rng(4)
    W = 0.1 * rng.normal(size=objective.shape)
    for _ in range(50):
        W = W - 0.002 * objective.gradient(W)
    path = follow_flow(objective, W, 50, 0.002, [math.log(1e6)])
    rows = np.column_stack([objective.X, np.ones(25)])
    outside = np.eye(41) - np.linalg.pinv(rows) @ rows
    assert path.coef[-1] @ outside == pytest.approx(W @ outside, abs=1e-10)
    gauge = (1.0 / np.asarray(objective.adjustment.scales)) @ (path.coef[-1] - W)
    assert gauge == pytest.approx(np.zeros(41), abs=1e-9)


def test_what_cannot_be_followed_is_refused():
    X, y = linear_labels(0, 10, 2)
    objective = LinearObjective(losses.get("cross_entropy"), X, y, 3)
    with pytest.raises(UsageError, match="sort them"):
        follow_flow(objective, np.zeros((3, 2)), 10, 0.1, [5.0, 4.0])
    with pytest.raises(UsageError, match="ridge"):
        follow_flow(LinearObjective(losses.get("cross_entropy"), X, y, 3, ridge=1.0), np.zeros((3, 2)), 10, 0.1, [5.0])
    wide = np.random.default_rng(0).normal(size=(700, 900))
    codes = np.arange(700) % 4
    with pytest.raises(SizeError, match="2000 unknowns"):
        flow_coordinates(LinearObjective(losses.get("cross_entropy"), wide, codes, 4))
