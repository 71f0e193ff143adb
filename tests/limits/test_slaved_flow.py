"""Paths on data with ties against true steps, the mixed limit and maximum likelihood."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from test_mixed import block_data, softmax_data, span_projector, tied_mask

from marginscope import losses
from marginscope.limits.fast_forward import fast_forward
from marginscope.limits.flow_path import follow_flow
from marginscope.limits.mixed import mixed_limit
from marginscope.losses.adjust import Adjustment
from marginscope.objectives import LinearObjective
from marginscope.solvers.separability import separability
from oracles.true_steps import theory_step, true_steps

DATA = {"block": block_data, "softmax": softmax_data}


def without_gauge(W):
    # nothing restores what rounding adds to all classes alike
    return W - W.mean(axis=-2, keepdims=True)


@pytest.mark.parametrize("loss", ["cross_entropy", "pair_logistic"])
@pytest.mark.parametrize("data", DATA)
def test_true_steps_are_met_before_and_after_the_ties_settle(data, loss):
    X, y = DATA[data]()
    k = int(y.max()) + 1
    eta = theory_step(X, loss, k)
    marks = [1000, 10_000, 100_000]
    true = true_steps(X, y, k, loss, eta, marks)
    mask = separability(X, y, fit_intercept=False).separable_mask
    objective = LinearObjective(losses.get(loss), X, y, k)
    path = follow_flow(objective, true[0], 1000, eta, np.log(marks[1:]), separable=mask)
    found, wanted = without_gauge(path.coef), without_gauge(true[1:])
    errors = np.linalg.norm(found - wanted, axis=(1, 2)) / np.linalg.norm(wanted, axis=(1, 2))
    assert path.status == "completed"
    assert errors.max() < 1e-9
    assert np.all(errors <= path.errors)
    assert np.isnan(path.dual_weights()).sum() == path.tied.sum()


@pytest.mark.parametrize("data", DATA)
def test_at_step_1e10000_the_two_parts_are_those_of_the_mixed_limit(data):
    X, y = DATA[data]()
    k = int(y.max()) + 1
    limit = mixed_limit(X, y)
    path = fast_forward(X, y, n_steps="1e10000", record=["1e9000"])
    onto = span_projector(X, y, tied_mask(limit, y), k)
    early, late = path.coef[-2:]
    assert path.status == "completed"
    assert onto @ late.ravel() == pytest.approx(limit.finite.ravel(), abs=1e-9)
    growth = (late - early) / (1000.0 * math.log(10.0))
    assert np.linalg.norm(growth - limit.growing) <= 1e-7 * np.linalg.norm(limit.growing)
    assert path.log_loss[-1] == pytest.approx(math.log(limit.risk), rel=1e-9)


def test_weights_and_shifts_move_the_part_that_ties():
    X, y = block_data()
    rng = np.random.default_rng(5)
    adjustment = Adjustment(
        shifts=[0.5, 0.0, -0.3], class_weights=[1.0, 3.0, 0.5], sample_weights=rng.uniform(0.5, 2.0, 25)
    )
    objective = LinearObjective(losses.get("cross_entropy"), X, y, 3, adjustment=adjustment)
    eta = 0.3 / np.linalg.norm(X, 2) ** 2
    W, start = np.zeros((3, 3)), None
    for step in range(5_000):
        start = W.copy() if step == 1000 else start
        W -= eta * objective.gradient(W)
    mask = separability(X, y, fit_intercept=False).separable_mask
    path = follow_flow(objective, start, 1000, eta, [math.log(5_000), 230.0], separable=mask)
    assert np.linalg.norm(path.coef[0] - W) <= 2e-9 * np.linalg.norm(W)
    # at the end the tied pairs balance: minus their gradient on the span of their features is zero
    onto = span_projector(X, y, path.tied, 3)
    assert np.abs(onto @ objective.gradient(path.coef[-1]).ravel()).max() < 1e-12


@pytest.mark.parametrize("fit_intercept", [False, True])
def test_under_overlap_the_path_ends_at_maximum_likelihood(fit_intercept):
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((120, 3)), rng.integers(0, 3, 120)
    path = fast_forward(X, y, fit_intercept=fit_intercept)
    fit = LogisticRegression(C=np.inf, tol=1e-12, max_iter=1000, fit_intercept=fit_intercept).fit(X, y)
    assert path.status == "completed"
    assert path.coef[-1] == pytest.approx(fit.coef_ - fit.coef_.mean(axis=0), abs=1e-5)
    if fit_intercept:
        assert path.intercept[-1] == pytest.approx(fit.intercept_ - fit.intercept_.mean(), abs=1e-5)


def test_rows_of_zeros_tie_and_move_nothing():
    X, y = np.array([[1.0], [2.0], [-1.0], [0.0]]), [0, 0, 1, 1]
    with_zero, without = fast_forward(X, y), fast_forward(X[:3], y[:3])
    assert with_zero.coef[-1] == pytest.approx(without.coef[-1], rel=1e-9)
    nothing = fast_forward(np.zeros((4, 2)), [0, 0, 1, 1])
    assert nothing.status == "completed"
    assert not nothing.coef[-1].any()
