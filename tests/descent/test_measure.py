import numpy as np
import pytest

from marginscope.descent.class_view import class_view
from marginscope.descent.measure import constraints_of, dual_weights, measure
from marginscope.geometry.norms import NORMS
from marginscope.solvers.hard_margin import solve_hard_margin
from oracles.descent_data import objective

NAMES = [norm.name for norm in NORMS]


@pytest.mark.parametrize("loss", ["cross_entropy", "pair_logistic", "exponential", "label_smoothing", "weston_watkins"])
@pytest.mark.parametrize("parts", [{}, {"margins": [1.0, 2.0, 0.5]}, {"scales": [1.0, 0.5, 2.0], "shifts": [0, 1, 2]}])
def test_every_bracket_holds_the_largest_margin(loss, parts):
    problem = objective(0, loss=loss, n=20, d=3, **parts)
    numbers = {"class_margins": parts.get("margins"), "class_scales": parts.get("scales")}
    rng = np.random.default_rng(0)
    best = {name: solve_hard_margin(problem.X, problem.y, norm=name, **numbers).bracket for name in NAMES}
    for size in (0.0, 0.1, 1.0, 10.0, 300.0):
        W = size * rng.standard_normal(problem.shape)
        found = measure(problem, W, NAMES)
        for name in NAMES:
            assert not found.lower[name] > best[name].upper
            assert found.upper[name] >= best[name].lower


def test_the_numbers_are_those_of_brute_force():
    problem = objective(3, n=15, d=4, fit_intercept=True)
    W = np.random.default_rng(1).standard_normal(problem.shape)
    Z = np.column_stack([problem.X, np.ones(15)])
    S = Z @ W.T
    margins = [S[i, problem.y[i]] - S[i, k] for i in range(15) for k in range(3) if k != problem.y[i]]
    loss = sum(np.log(np.exp(S[i] - S[i, problem.y[i]]).sum()) for i in range(15))
    found = measure(problem, W, ["frobenius", "max"])
    assert np.isclose(found.log_loss, np.log(loss))
    assert np.isclose(found.worst_margin, min(margins))
    assert np.isclose(found.lower["max"], min(margins) / np.abs(W).max())
    assert np.isclose(found.log_gradient_norm, np.log(np.linalg.norm(problem.gradient(W))))


def test_far_out_only_logarithms_are_left():
    problem = objective(0)
    W = 1e5 * solve_hard_margin(problem.X, problem.y).coef
    found = measure(problem, W, ["frobenius"])
    best = solve_hard_margin(problem.X, problem.y).margin
    assert found.log_loss < -9e4
    assert np.isclose(found.lower["frobenius"], best, rtol=1e-6)
    assert best <= found.upper["frobenius"] < 1.5 * best
    assert np.isfinite(found.log_gradient_norm)


def test_no_coefficients_have_no_margin():
    found = measure(objective(0), np.zeros((3, 5)), ["frobenius"])
    assert np.isnan(found.lower["frobenius"])
    assert found.upper["frobenius"] > 0


def test_dual_weights_sit_at_their_pairs():
    problem = objective(0, n=12)
    W = np.random.default_rng(0).standard_normal(problem.shape)
    S = problem.X @ W.T
    P = np.exp(S) / np.exp(S).sum(axis=1, keepdims=True)
    P[np.arange(12), problem.y] = 0.0
    matrix = dual_weights(problem, W).matrix(12, 3).toarray()
    np.testing.assert_allclose(matrix, P / P.max(), rtol=1e-12)


def test_classes_add_up():
    problem = objective(1, d=6, K=4, n=60, class_weights=[1.0, 2.0, 3.0, 0.5])
    W = 0.5 * np.random.default_rng(0).standard_normal(problem.shape)
    view = class_view(problem, W)
    assert np.isclose(np.exp(view.log_loss).sum(), problem.value(W))
    assert np.isclose(view.share.sum(), 1.0)
    np.testing.assert_allclose(np.diag(view.conflict), 1.0)
    # the Gram matrix of the parts is that of cosines and lengths
    lengths = np.exp(view.log_gradient_norm)
    gram = view.conflict * lengths * lengths[:, None]
    assert np.isclose(np.sqrt(gram.sum()), np.linalg.norm(problem.gradient(W)))


def test_shares_survive_where_gradients_underflow():
    problem = objective(1)
    limit = solve_hard_margin(problem.X, problem.y)
    view = class_view(problem, 5000.0 * limit.coef)
    assert np.all(view.log_gradient_norm < -4000)
    assert np.isclose(view.share.sum(), 1.0)


def test_a_class_without_rows_has_no_share():
    from marginscope import losses
    from marginscope.objectives import LinearObjective

    problem = LinearObjective(losses.get("cross_entropy"), np.eye(3), np.array([0, 1, 0]), 3)
    view = class_view(problem, np.zeros((3, 3)))
    assert view.share[2] == 0.0
    assert view.log_loss[2] == -np.inf
    assert not view.conflict[2].any()


def test_constraints_are_those_of_the_limit():
    problem = objective(0, margins=[1.0, 2.0, 3.0], scales=[1.0, 2.0, 0.5], shifts=[5.0, 0.0, 0.0])
    constraints = constraints_of(problem)
    W = np.random.default_rng(0).standard_normal(problem.shape)
    scores = (problem.X @ W.T) * [1.0, 2.0, 0.5]
    own = scores[np.arange(40), problem.y][:, None]
    expected = (own - scores) / np.array([1.0, 2.0, 3.0])[problem.y][:, None]
    expected[np.arange(40), problem.y] = np.inf
    np.testing.assert_allclose(constraints.scaled_margins(W), expected)
