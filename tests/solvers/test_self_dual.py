"""The interior point against the exact programme, and its parts."""

from __future__ import annotations

import numpy as np
import pytest

from marginscope.certificates.balance import BalanceSystem
from marginscope.geometry.margins import all_pairs, pair_sum, relative_margins
from marginscope.geometry.orthonormal import orthonormal_features
from marginscope.solvers.null_programme import solve_in_null_space
from marginscope.solvers.pair_loss import PairLoss
from marginscope.solvers.self_dual import follow_self_dual_path
from marginscope.solvers.tied_space import TiedSpace
from oracles import exact_separability
from oracles.integer_problems import integer_problems


def model_of(X, y, k, fit_intercept=True):
    order = np.argsort(y, kind="stable")
    features = orthonormal_features(X[order], fit_intercept=fit_intercept)
    return PairLoss(features.Q, y[order], all_pairs(y[order], k)), order


def test_its_partition_is_that_of_the_exact_programme():
    for X, y, k, fit_intercept, pairs in integer_problems(240)[:120]:
        model, order = model_of(X, y, k, fit_intercept)
        if model.Q.shape[1] == 0:
            continue
        found = follow_self_dual_path(model)
        separable = np.zeros_like(model.pairs)
        for theta, new in found.directions:
            u = relative_margins(model.Q, model.y, theta)
            assert u[new].min() > 0
            rest = model.pairs & ~separable & ~new
            assert np.abs(u[rest]).max(initial=0.0) <= 1e-9 * np.abs(theta).max()
            separable |= new
        assert {(int(order[i]), int(c)) for i, c in np.argwhere(separable)} == pairs
        rest = model.pairs & ~separable
        if rest.any():
            assert found.weights[rest].min() > 0
            assert not found.weights[~rest].any()
            assert np.abs(pair_sum(model.Q, model.y, found.weights)).max() <= 1e-9 * found.weights.sum()


@pytest.mark.parametrize("seed", range(5))
def test_directions_on_several_levels_are_found(seed):
    # a class far off, a rare row that only a tiny step reaches, and two classes that overlap
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.standard_normal(80), np.zeros(80), np.zeros(80)])
    X[60:, 1] = 1.0 + rng.random(20)
    X[3, 2], X[61, 2] = 1e-4, 1.0
    y = np.concatenate([np.arange(60) % 2, np.full(20, 2)])
    model, _ = model_of(X, y, 3)
    found = follow_self_dual_path(model)
    separable = np.any([one for _, one in found.directions], axis=0)
    exact = exact_separability_by_columns(X, y)
    assert {(int(i), int(c)) for i, c in np.argwhere(separable[np.argsort(np.argsort(y, kind="stable"))])} == exact
    slack, _ = BalanceSystem(model.Q, model.y, found.weights).correction(found.weights)
    assert slack < 0.1


def exact_separability_by_columns(X, y):
    """All pairs of the third class, and those of the row that alone of its class has the third column."""
    pairs = {(i, 2) for i in range(60)} | {(i, k) for i in range(60, 80) for k in (0, 1)}
    return pairs | {(3, 1 - int(y[3]))}


def test_the_projection_ties_and_leaves_tied_directions_alone():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.standard_normal((50, 2)), np.repeat([0.0, 1.0], [40, 10])])
    y = np.concatenate([np.arange(40) % 2, np.full(10, 2)])
    model, _ = model_of(X, y, 3)
    tied = model.pairs & ((model.y < 2)[:, None] & np.array([True, True, False]))
    space = TiedSpace(model.Q, model.y, tied)
    theta = rng.standard_normal(model.shape)
    once = space.project(theta)
    assert np.abs(relative_margins(model.Q, model.y, once)[tied]).max() < 1e-13
    assert np.allclose(space.project(once), once, atol=1e-12)
    # least squares: what was taken off is orthogonal to what is left, up to rounding over the shift
    off = theta - theta.mean(axis=0) - once
    assert abs((off * once).sum()) < 1e-4 * np.linalg.norm(off) * np.linalg.norm(once)


def test_the_programme_over_the_null_space_is_the_exact_one():
    for X, y, k, fit_intercept, pairs in integer_problems(240)[:80]:
        if not pairs or len(pairs) == len(y) * (k - 1):
            continue
        model, order = model_of(X, y, k, fit_intercept)
        tied = np.array([[(int(order[i]), c) not in pairs for c in range(k)] for i in range(len(y))]) & model.pairs
        theta, separable = solve_in_null_space(model, tied)
        assert np.array_equal(separable, model.pairs & ~tied)
        assert relative_margins(model.Q, model.y, theta)[separable].min() > 0
        # fewer tied pairs leave no more to separate, and nothing wrong
        guess = tied & ~(np.cumsum(tied).reshape(tied.shape) == tied.sum())
        found = solve_in_null_space(model, guess)
        assert found is None or not np.any(found[1] & tied)


def test_there_is_nothing_in_the_null_space_of_all_pairs():
    rng = np.random.default_rng(1)
    model, _ = model_of(rng.standard_normal((30, 2)), np.arange(30) % 3, 3)
    assert solve_in_null_space(model, model.pairs) is None


def test_the_oracle_agrees_on_the_levels_with_integers():
    X = [[0, 0], [1, 0], [0, 0], [1, 0], [0, 1], [1, 2]]
    assert exact_separability.status(X, [0, 1, 1, 0, 2, 2], 3, True) == "quasi_complete"
