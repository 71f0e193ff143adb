"""The objective of linear scores against pair features written out, mpmath, differences and torch."""

import tracemalloc

import mpmath as mp
import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from marginscope import losses
from marginscope.exceptions import DataError, UsageError
from marginscope.losses.adjust import Adjustment
from marginscope.objectives import LinearObjective, Objective

N, D, K = 15, 4, 3
SMOOTH = [one for one in losses.TEMPLATES if one.facts.smoothness]
every_smooth = pytest.mark.parametrize("template", SMOOTH, ids=[one.name for one in SMOOTH])


def problem(seed, n=N, d=D, k=K):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.integers(0, k, n), rng


def adjustment(seed):
    rng = np.random.default_rng(seed)
    return Adjustment(
        margins=rng.uniform(0.5, 2, K),
        scales=rng.uniform(0.5, 2, K),
        shifts=rng.normal(size=K),
        own_shifts=rng.normal(size=K),
        class_weights=rng.uniform(0.5, 3, K),
        sample_weights=rng.uniform(0, 2, N),
    )


def torch_risk(template, X, y, W, one, ridge, fit_intercept):
    """Compute the same risk, row by row and rival by rival."""
    Z = torch.tensor(np.column_stack([X, np.ones(len(X))]) if fit_intercept else X)
    v = Z @ W.T
    total = torch.zeros((), dtype=torch.float64)
    for i, own in enumerate(y):
        score = v[i] * torch.tensor(one.scales) + torch.tensor(one.shifts)
        u = [(score[own] - one.own_shifts[own] - score[k]) / one.margins[own] for k in range(K) if k != own]
        total = total + one.class_weights[own] * one.sample_weights[i] * template.value(torch.stack(u), torch)
    return total + 0.5 * ridge * (W[:, : X.shape[1]] ** 2).sum()


def test_the_made_up_problems_vary():
    X, y, _ = problem(0)
    assert len(np.unique(X)) == X.size
    assert set(y) == set(range(K))
    assert not np.array_equal(X, problem(1)[0])
    assert (adjustment(0).margins != adjustment(1).margins).all()


@every_smooth
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("to", [np.asarray, sp.csr_array, sp.csr_matrix])
def test_value_gradient_and_curvature_agree_with_torch(template, fit_intercept, to):
    X, y, rng = problem(2)
    X[np.abs(X) < 0.5] = 0.0
    one, ridge = adjustment(3), 0.3
    objective = LinearObjective(template, to(X), y, K, adjustment=one, ridge=ridge, fit_intercept=fit_intercept)
    W, V = 0.4 * rng.normal(size=objective.shape), rng.normal(size=objective.shape)

    def risk(at):
        return torch_risk(template, X, y, at, one, ridge, fit_intercept)

    at = torch.tensor(W, requires_grad=True)
    value = risk(at)
    (slope,) = torch.autograd.grad(value, at, create_graph=True)
    (product,) = torch.autograd.grad((slope * torch.tensor(V)).sum(), at)
    assert objective.value(W) == pytest.approx(float(value.detach()), rel=1e-12)
    np.testing.assert_allclose(objective.gradient(W), slope.detach().numpy(), rtol=1e-10, atol=1e-11)
    tolerance = 1e-7 if template.name == "gamma_phi" else 1e-10
    np.testing.assert_allclose(objective.hessian_product(W, V), product.numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("template", losses.TEMPLATES, ids=losses.names())
def test_the_forms_of_one_objective_agree(template):
    X, y, rng = problem(4)
    objective = LinearObjective(template, X, y, K, adjustment=adjustment(5), ridge=0.2, fit_intercept=True)
    W = 0.5 * rng.normal(size=objective.shape)
    value, gradient = objective.value_and_gradient(W)
    assert objective.value(W) == pytest.approx(value, rel=1e-13)
    assert objective.log_value(W) == pytest.approx(np.log(value), abs=1e-12)
    np.testing.assert_allclose(objective.gradient(W), gradient, rtol=1e-12, atol=1e-13)
    direction, log_scale = objective.scaled_gradient(W)
    np.testing.assert_allclose(direction * np.exp(log_scale), gradient, rtol=1e-10, atol=1e-11)
    weights = np.exp(objective.log_weights(W)) * template.weight_signs(objective.margins(W))
    without_ridge = LinearObjective(template, X, y, K, adjustment=adjustment(5), fit_intercept=True)
    np.testing.assert_allclose(-objective.pull_back(weights), without_ridge.gradient(W), rtol=1e-10, atol=1e-11)


@given(st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_gradients_are_slopes_and_curvature_is_symmetric(seed):
    X, y, rng = problem(seed)
    objective = LinearObjective(losses.get("focal"), X, y, K, ridge=0.1)
    W, V, U = (rng.normal(size=(K, D)) for _ in range(3))
    h = 1e-6
    slope = (objective.value(W + h * V) - objective.value(W - h * V)) / (2 * h)
    assert (objective.gradient(W) * V).sum() == pytest.approx(slope, rel=1e-6, abs=1e-6)
    left, right = (objective.hessian_product(W, V) * U).sum(), (objective.hessian_product(W, U) * V).sum()
    assert left == pytest.approx(right, rel=1e-9, abs=1e-9)


def separated(scale):
    """Return rows with margins of the size of ``scale``, all positive."""
    rng = np.random.default_rng(6)
    W = rng.normal(size=(K, D))
    X = rng.normal(size=(N, D))
    y = (X @ W.T).argmax(axis=1)
    margins = np.sort(X @ W.T, axis=1)
    X = X / (margins[:, -1:] - margins[:, -2:-1])
    return X, y, W * scale


@pytest.mark.parametrize("scale", [30.0, 800.0, 1e5])
def test_the_scaled_gradient_is_exact_where_the_loss_underflows(scale):
    X, y, W = separated(scale)
    objective = LinearObjective(losses.get("cross_entropy"), X, y, K)
    D_, log_scale = objective.scaled_gradient(W)
    with mp.workdps(60):
        margins = [
            [mp.fsum(mp.mpf(W[own, j]) * X[i, j] - mp.mpf(W[k, j]) * X[i, j] for j in range(D)) for k in range(K)]
            for i, own in enumerate(y)
        ]
        exact, total = mp.zeros(K, D), mp.mpf(0)
        for i, own in enumerate(y):
            S = mp.fsum(mp.exp(-margins[i][k]) for k in range(K) if k != own)
            total += mp.log1p(S)
            for k in range(K):
                if k != own:
                    weight = mp.exp(-margins[i][k]) / (1 + S)
                    for j in range(D):
                        exact[k, j] += weight * X[i, j]
                        exact[own, j] -= weight * X[i, j]
        expected = np.array([[float(exact[k, j] / mp.exp(mp.mpf(log_scale))) for j in range(D)] for k in range(K)])
        log_total = float(mp.log(total))
    # the margins themselves carry rounding of their size
    tolerance = 1e-15 * scale * 100
    np.testing.assert_allclose(D_, expected, rtol=tolerance, atol=tolerance)
    assert objective.log_value(W) == pytest.approx(log_total, rel=1e-14)
    if scale > 700:
        assert objective.value(W) == 0.0
        assert not objective.gradient(W).any()
    assert 0.1 < np.abs(D_).max() < 100


def test_a_ridge_far_above_the_loss_sets_the_scale():
    X, y, W = separated(800.0)
    objective = LinearObjective(losses.get("cross_entropy"), X, y, K, ridge=1e-8)
    direction, log_scale = objective.scaled_gradient(W)
    np.testing.assert_allclose(direction * np.exp(log_scale), 1e-8 * W, rtol=1e-12)
    assert objective.log_value(W) == pytest.approx(np.log(0.5e-8 * (W**2).sum()))


def test_a_ridge_far_below_the_loss_is_not_lost():
    X, y, W = separated(600.0)
    objective = LinearObjective(losses.get("cross_entropy"), X, y, K, ridge=1e-290)
    plain = LinearObjective(losses.get("cross_entropy"), X, y, K)
    direction, log_scale = objective.scaled_gradient(W)
    without, log_without = plain.scaled_gradient(W)
    expected = without * np.exp(log_without - log_scale) + np.exp(np.log(1e-290) - log_scale) * W
    np.testing.assert_allclose(direction, expected, rtol=1e-12)


def test_no_weights_at_all_give_no_gradient():
    X, y, W = separated(5.0)
    direction, log_scale = LinearObjective(losses.get("weston_watkins"), X, y, K).scaled_gradient(W)
    assert not direction.any()
    assert log_scale == 0.0


def test_duplicated_rows_are_weights():
    X, y, rng = problem(7)
    W = rng.normal(size=(K, D))
    counts = rng.integers(0, 4, N)
    weighted = LinearObjective(losses.get("pair_logistic"), X, y, K, adjustment=Adjustment(sample_weights=counts))
    repeated = LinearObjective(losses.get("pair_logistic"), np.repeat(X, counts, axis=0), np.repeat(y, counts), K)
    assert weighted.value(W) == pytest.approx(repeated.value(W))
    assert weighted.log_value(W) == pytest.approx(repeated.log_value(W))
    np.testing.assert_allclose(weighted.gradient(W), repeated.gradient(W))


def test_memory_stays_at_a_few_arrays_of_rows_by_classes():
    X, y, rng = problem(8, n=4000, d=60, k=10)
    objective = LinearObjective(losses.get("cross_entropy"), X, y, 10, fit_intercept=True)
    W = rng.normal(size=objective.shape)
    tracemalloc.start()
    objective.value_and_gradient(W)
    objective.hessian_product(W, W)
    objective.scaled_gradient(W)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    rows_by_classes = 8 * 4000 * 10
    assert peak < 12 * rows_by_classes < 0.25 * rows_by_classes * 60


def test_the_protocol_is_met():
    def shape_of(objective: Objective) -> tuple[int, int]:
        return objective.shape

    X, y, _ = problem(9)
    objective = LinearObjective(losses.get("mae"), X, y, K, fit_intercept=True)
    assert shape_of(objective) == (K, D + 1)
    needed = [name for name in vars(Objective) if not name.startswith("_")]
    assert "scaled_gradient" in needed
    assert all(hasattr(objective, name) for name in needed)


@pytest.mark.parametrize(
    ("X", "y", "n_classes"),
    [
        (np.ones((3, 2)), np.array([0, 1]), 2),
        (np.ones(3), np.array([0, 1, 1]), 2),
        (np.ones((2, 2)), np.array([0, 2]), 2),
        (np.ones((2, 2)), np.array([-1, 1]), 2),
        (np.ones((2, 2)), np.array([0.0, 1.0]), 2),
        (np.ones((2, 2)), np.array([0, 0]), 1),
    ],
)
def test_data_that_do_not_fit_are_refused(X, y, n_classes):
    with pytest.raises(DataError, match="encode the labels"):
        LinearObjective(losses.get("mae"), X, y, n_classes)


@pytest.mark.parametrize("ridge", [-1.0, np.nan, np.inf])
def test_an_impossible_ridge_is_refused(ridge):
    with pytest.raises(UsageError, match="ridge"):
        LinearObjective(losses.get("mae"), np.ones((2, 2)), np.array([0, 1]), 2, ridge=ridge)
