"""The optimum against brute force, scikit-learn and cvxpy, for every solver and every smooth template."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from marginscope import losses
from marginscope.exceptions import DataError, UsageError
from marginscope.fitting import SOLVERS
from marginscope.fitting.fit import fit
from marginscope.losses.adjust import Adjustment
from marginscope.objectives import LinearObjective

N, D, K = 120, 5, 4
NAMES = [one.name for one in SOLVERS]
SMOOTH = [one for one in losses.TEMPLATES if one.facts.smoothness]
every_solver = pytest.mark.parametrize("solver", ["auto", *NAMES])
# those with one optimum: mae has several stationary points where classes are scaled
CONVEX = [one for one in SMOOTH if one.facts.convex or one.name in ("focal", "gamma_phi")]
every_smooth = pytest.mark.parametrize("template", SMOOTH, ids=[one.name for one in SMOOTH])


def clouds(seed, n=N, d=D, k=K, spread=0.7):
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(k), rng.integers(0, k, n - k)])
    return spread * rng.normal(size=(k, d))[y] + rng.normal(size=(n, d)), y, rng


def adjustment_of(rng, n=N, k=K):
    return Adjustment(
        margins=rng.uniform(0.5, 2, k),
        scales=rng.uniform(0.5, 2, k),
        shifts=rng.normal(size=k),
        own_shifts=rng.normal(size=k),
        class_weights=rng.uniform(0.5, 3, k),
        sample_weights=rng.uniform(0, 2, n) * (rng.random(n) < 0.8),
    )


def brute_force(template, X, y, adjustment, ridge):
    """Minimise a loss that is written out pair by pair, with differences for its gradient."""
    n, d = X.shape
    m, D_, i, c = (getattr(adjustment, name) for name in ("margins", "scales", "shifts", "own_shifts"))
    omega = adjustment.class_weights[y] * adjustment.sample_weights
    rivals = np.array([[k for k in range(K) if k != own] for own in y])

    def risk(w):
        W = w.reshape(K, d + 1)
        scores = D_ * (X @ W[:, :d].T + W[:, d]) + i
        own = scores[np.arange(n), y] - c[y]
        u = (own[:, None] - np.take_along_axis(scores, rivals, axis=1)) / m[y][:, None]
        return float(omega @ template.value(u)) + 0.5 * ridge * float((W[:, :d] ** 2).sum())

    def gradient(w):
        step = 1e-5
        basis = step * np.eye(len(w))
        return np.array([(risk(w + e) - risk(w - e)) / (2 * step) for e in basis])

    found = minimize(risk, np.zeros(K * (d + 1)), jac=gradient, method="BFGS", options={"gtol": 1e-7, "maxiter": 2000})
    return found.fun


every_convex = pytest.mark.parametrize("template", CONVEX, ids=[one.name for one in CONVEX])


@every_convex
def test_no_lower_value_by_brute_force(template):
    X, y, rng = clouds(1)
    adjustment = adjustment_of(rng)
    objective = LinearObjective(template, X, y, K, adjustment=adjustment, ridge=0.5, fit_intercept=True)
    expected = brute_force(template, X, y, adjustment, 0.5)
    assert fit(objective).value == pytest.approx(expected, rel=1e-7)


@every_convex
def test_all_solvers_agree(template):
    X, y, rng = clouds(2)
    objective = LinearObjective(template, X, y, K, adjustment=adjustment_of(rng), ridge=0.3, fit_intercept=True)
    fits = [fit(objective, solver=name) for name in NAMES]
    for one in fits:
        assert one.status == "converged"
        np.testing.assert_allclose(one.coef, fits[0].coef, rtol=0, atol=1e-9 * np.abs(fits[0].coef).max())


@every_smooth
@every_solver
def test_the_end_is_a_stationary_point_and_no_higher_than_the_start(template, solver):
    X, y, rng = clouds(15)
    objective = LinearObjective(template, X, y, K, adjustment=adjustment_of(rng), ridge=0.3, fit_intercept=True)
    start = rng.normal(size=objective.shape)
    found = fit(objective, solver=solver, start=start)
    at, step = found.coef, 1e-5
    directions = rng.normal(size=(20, *objective.shape))
    slopes = [(objective.value(at + step * V) - objective.value(at - step * V)) / (2 * step) for V in directions]
    assert np.abs(slopes).max() <= 1e-5 * N
    assert found.value <= objective.value(start)


@every_solver
@pytest.mark.parametrize("ridge", [10.0, 1.0, 1e-3])
def test_cross_entropy_is_that_of_scikit_learn(solver, ridge):
    X, y, rng = clouds(3)
    weights = rng.uniform(0, 2, N)
    model = LogisticRegression(C=1 / ridge, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(X, y, weights)
    objective = LinearObjective(
        losses.get("cross_entropy"),
        X,
        y,
        K,
        adjustment=Adjustment(sample_weights=weights),
        ridge=ridge,
        fit_intercept=True,
    )
    found = fit(objective, solver=solver).coef
    np.testing.assert_allclose(found[:, :D], model.coef_, rtol=0, atol=1e-8 * np.abs(model.coef_).max())
    # only differences of intercepts are determined
    np.testing.assert_allclose(
        found[:, D] - found[0, D], model.intercept_ - model.intercept_[0], rtol=0, atol=1e-8 * np.abs(found).max()
    )


@pytest.mark.parametrize(
    ("name", "atom"),
    [
        ("squared_weston_watkins", lambda u: cp.sum_squares(cp.pos(1 - u))),
        ("smooth_weston_watkins", lambda u: cp.sum(cp.huber(cp.pos(1 - u), 1.0)) / 2),
        ("squared_margin", lambda u: cp.sum_squares(1 - u)),
    ],
)
def test_once_differentiable_losses_are_those_of_cvxpy(name, atom):
    X, y, _ = clouds(4, n=60)
    W, b = cp.Variable((K, D)), cp.Variable(K)
    scores = X @ W.T + np.ones((len(y), 1)) @ cp.reshape(b, (1, K), order="C")
    margins = cp.hstack([scores[i, y[i]] - scores[i, k] for i in range(len(y)) for k in range(K) if k != y[i]])
    problem = cp.Problem(cp.Minimize(atom(margins) + 0.25 * cp.sum_squares(W)))
    problem.solve(solver=cp.CLARABEL)
    found = fit(LinearObjective(losses.get(name), X, y, K, ridge=0.5, fit_intercept=True))
    assert found.value == pytest.approx(problem.value, rel=1e-7)
    np.testing.assert_allclose(found.coef[:, :D], W.value, rtol=0, atol=1e-3 * np.abs(W.value).max())


@every_solver
def test_sparse_rows_give_the_coefficients_of_dense_ones(solver):
    X, y, _ = clouds(5)
    X = np.where(np.abs(X) > 0.8, X, 0.0)
    dense, sparse = (
        fit(LinearObjective(losses.get("cross_entropy"), one, y, K, ridge=1.0, fit_intercept=True), solver=solver)
        for one in (X, sp.csr_matrix(X))
    )
    np.testing.assert_allclose(sparse.coef, dense.coef, rtol=0, atol=1e-10)


@every_solver
def test_two_classes(solver):
    X, y, _ = clouds(6, k=2)
    model = LogisticRegression(C=0.5, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(X, y)
    # two rows of coefficients w and -w cost twice the square of one, and their margin is 2 w
    found = fit(LinearObjective(losses.get("cross_entropy"), X, y, 2, ridge=4.0, fit_intercept=True), solver=solver)
    np.testing.assert_allclose(found.coef[1, :D] - found.coef[0, :D], model.coef_[0], rtol=0, atol=1e-8)


@every_solver
def test_more_columns_than_rows(solver):
    X, y, _ = clouds(7, n=30, d=80, k=3)
    model = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(X, y)
    objective = LinearObjective(losses.get("cross_entropy"), X, y, 3, ridge=1.0, fit_intercept=True)
    found = fit(objective, solver=solver, tol=1e-11)
    assert found.status == "converged"
    np.testing.assert_allclose(found.coef[:, :80], model.coef_, rtol=0, atol=1e-7 * np.abs(model.coef_).max())


@every_solver
def test_columns_of_very_different_sizes(solver):
    X, y, _ = clouds(8)
    sizes = np.logspace(-4, 6, D)
    plain = fit(LinearObjective(losses.get("cross_entropy"), X, y, K, fit_intercept=True), solver=solver)
    scaled = fit(LinearObjective(losses.get("cross_entropy"), X * sizes, y, K, fit_intercept=True), solver=solver)
    np.testing.assert_allclose(scaled.coef[:, :D] * sizes, plain.coef[:, :D], rtol=0, atol=1e-8)


@every_solver
def test_separable_rows_under_hardly_any_ridge(solver):
    X, y, _ = clouds(9, spread=8.0)
    objective = LinearObjective(losses.get("cross_entropy"), X, y, K, ridge=1e-12, fit_intercept=True)
    found = fit(objective, solver=solver, tol=1e-9)
    assert found.status == "converged"
    assert np.abs(objective.gradient(found.coef)).max() / N <= 1e-9


@every_solver
def test_classes_of_one_row_with_free_intercepts(solver):
    X, y, _ = clouds(10)
    y = np.where(np.arange(N) < N - 2, y % 2, 2 + np.arange(N) - (N - 2))
    objective = LinearObjective(losses.get("cross_entropy"), X, y, K, ridge=1.0, fit_intercept=True)
    model = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(X, y)
    np.testing.assert_allclose(fit(objective, solver=solver).coef[:, :D], model.coef_, rtol=0, atol=1e-8)


@every_solver
def test_single_precision_rows(solver):
    X, y, _ = clouds(11)
    single = X.astype(np.float32)
    fits = [
        fit(LinearObjective(losses.get("cross_entropy"), one, y, K, ridge=1.0, fit_intercept=True), solver=solver)
        for one in (single, single.astype(float))
    ]
    assert fits[0].coef.dtype == np.float64
    np.testing.assert_allclose(fits[0].coef, fits[1].coef, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", ["crammer_singer", "weston_watkins"])
def test_kinks_are_refused(name):
    X, y, _ = clouds(12)
    with pytest.raises(UsageError, match="use smooth_weston_watkins or squared_weston_watkins"):
        fit(LinearObjective(losses.get(name), X, y, K, ridge=1.0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"solver": "sag"}, "lbfgs, newton-cg"),
        ({"tol": 0.0}, "positive finite tol"),
        ({"max_iter": 0}, "1 or more"),
        ({"start": np.zeros((2, 2))}, "shape"),
    ],
)
def test_arguments_that_cannot_be_meant(arguments, message):
    X, y, _ = clouds(13)
    with pytest.raises(UsageError, match=message):
        fit(LinearObjective(losses.get("cross_entropy"), X, y, K, ridge=1.0), **arguments)


def test_no_row_of_positive_weight():
    X, y, _ = clouds(14)
    nothing = Adjustment(sample_weights=np.zeros(N))
    with pytest.raises(DataError, match="positive weight"):
        fit(LinearObjective(losses.get("cross_entropy"), X, y, K, adjustment=nothing, ridge=1.0))
