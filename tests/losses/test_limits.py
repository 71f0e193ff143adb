"""Where descent goes for each loss on separable data, against programs of their own."""

import cvxpy as cp
import numpy as np
import pytest

from marginscope import losses
from marginscope.objectives import LinearObjective
from oracles.log_time_flow import direction, distance, flow, separable_problem
from oracles.loss_cases import CASES, label
from oracles.margin_by_cvxpy import largest_margin
from oracles.pair_features import pair_matrix


def cases(limit):
    return pytest.mark.parametrize("one", [one for one in CASES if one.facts.limit == limit], ids=label)


X, Y = separable_problem(1)


def test_every_limit_is_tested():
    assert {one.facts.limit for one in CASES} == {"hard_margin", "other", "none"}
    assert all(one.facts.limit_reason for one in CASES)


@cases("hard_margin")
def test_the_distance_to_the_hard_margin_falls_as_one_over_log_time(one):
    objective = LinearObjective(one, X, Y, 3)
    _, W, _ = largest_margin(X, Y, 3, "frobenius")
    early, late = (distance(flow(objective, s), W) for s in (230.0, 2300.0))
    assert late < 1e-3
    assert 5 < early / late < 20


@pytest.mark.parametrize("gamma", [0.5, 2.0, 5.0])
def test_focal_norms_grow_more_slowly(gamma):
    objective = LinearObjective(losses.get("focal", gamma=gamma), X, Y, 3)
    margin, _, _ = largest_margin(X, Y, 3, "frobenius")
    # the norm of the hard-margin solution is one over the margin
    growth = np.linalg.norm(flow(objective, 1200.0)) - np.linalg.norm(flow(objective, 600.0))
    assert growth * margin / 600.0 == pytest.approx(1.0 / (1.0 + gamma), rel=2e-3)


@cases("other")
def test_the_polynomial_tail_goes_to_its_own_minimiser(one):
    _, A = pair_matrix(X, Y, 3)
    w = cp.Variable(A.shape[1])
    cp.Problem(cp.Minimize(cp.sum(cp.power(A @ w, -one.a))), [cp.norm(w) <= 1]).solve(solver=cp.CLARABEL)
    objective = LinearObjective(one, X, Y, 3)
    early, late = flow(objective, 46.0), flow(objective, 92.0)
    assert distance(late, w.value.reshape(3, -1)) < 1e-3
    _, W, _ = largest_margin(X, Y, 3, "frobenius")
    assert distance(late, W) > 0.02
    growth = (np.log(np.linalg.norm(late)) - np.log(np.linalg.norm(early))) / 46.0
    assert growth == pytest.approx(1.0 / (one.a + 2.0), rel=1e-3)


def descend(one, start, n_steps):
    """Take plain gradient steps and return the last coefficients and gradient norm."""
    objective = LinearObjective(one, X, Y, 3)
    beta = one.facts.beta_v(3)
    step = 1.0 / (beta * np.linalg.norm(X, 2) ** 2) if np.isfinite(beta) else 1e-2
    W = start.copy()
    for _ in range(n_steps):
        gradient = objective.gradient(W)
        if not gradient.any():
            break
        W -= step * gradient
    return W, float(np.linalg.norm(gradient))


@cases("none")
def test_descent_stays_bounded(one):
    first, _ = descend(one, np.zeros((3, 3)), 1000)
    last, slope = descend(one, first, 2000)
    assert slope < 2e-2
    # what all classes share never moves
    other, _ = descend(one, random_start(), 3000)
    margin, W, _ = largest_margin(X, Y, 3, "frobenius")
    if one.facts.tail == "zero":
        # a minimiser: all margins where the weights vanish; steps on a convex loss never go away from one
        goal = W / margin * one.tail_form_from
        assert np.linalg.norm(last - goal) <= np.linalg.norm(first - goal) + 1e-12 <= np.linalg.norm(goal)
        assert distance(other, last) > 0.05
    else:
        assert np.linalg.norm(last) < 1.01 * np.linalg.norm(first)
    if one.name == "squared_margin":
        # a least-squares problem has one answer, and it is not the margin's
        np.testing.assert_allclose(direction(other), direction(last), atol=1e-3)
        assert distance(last, W) > 0.05


def random_start():
    start = np.random.default_rng(3).normal(size=(3, 3)) * 20.0
    return start - start.mean(axis=0)


@pytest.mark.parametrize("eps", [0.1, 0.6])
def test_label_smoothing_reaches_its_finite_minimum(eps):
    objective = LinearObjective(losses.get("label_smoothing", eps=eps), X, Y, 3)
    W = np.zeros((3, 3))
    for _ in range(30):
        eye = np.eye(9).reshape(9, 3, 3)
        H = np.array([objective.hessian_product(W, V).ravel() for V in eye])
        W = W - np.linalg.lstsq(H, objective.gradient(W).ravel(), rcond=1e-10)[0].reshape(3, 3)
    assert np.abs(objective.gradient(W)).max() < 1e-10
    assert np.linalg.norm(W) < 50
    _, hard, _ = largest_margin(X, Y, 3, "frobenius")
    assert distance(W, hard) > 0.02
