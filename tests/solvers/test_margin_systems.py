"""Every system of equations against the matrix written out, and the active set on it."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from marginscope.geometry.margins import all_pairs
from marginscope.geometry.orthonormal import orthonormal_features
from marginscope.solvers.active_set import solve_active
from marginscope.solvers.basis_system import least_columns, plain_basis_system, tied_basis_system
from marginscope.solvers.block_system import BlockSystem
from marginscope.solvers.dual_system import DualSystem
from marginscope.solvers.frobenius import solve_frobenius
from marginscope.solvers.margin_coordinates import suitable_systems
from marginscope.solvers.margin_problem import MarginProblem
from marginscope.solvers.margin_system import NotPositiveError, cholesky
from oracles.pair_features import pair_matrix


def orthonormal_blocks(problem):
    features = orthonormal_features(problem.X, fit_intercept=False)
    return BlockSystem(problem, features.Q / features.row_scale[:, None], least_columns(features))


def sparse_dual(problem):
    return DualSystem(problem_of(sp.csr_array(problem.X), problem.y, problem.n_classes, problem.class_scales))


def sparse_blocks(problem):
    return BlockSystem(problem_of(sp.csr_array(problem.X), problem.y, problem.n_classes, problem.class_scales))


SYSTEMS = [BlockSystem, plain_basis_system, DualSystem, orthonormal_blocks, sparse_dual, sparse_blocks]


def problem_of(X, y, K, scales=None, **rest):
    return MarginProblem(X, y, K, all_pairs(y, K), class_scales=scales, **rest)


def random_problem(seed, scaled):
    rng = np.random.default_rng(seed)
    n, d, K = 30, 4, 5
    X = rng.standard_normal((n, d))
    y = np.r_[np.arange(K), rng.integers(0, K, n - K)]
    return problem_of(X, y, K, rng.uniform(0.3, 3.0, K) if scaled else None)


def scaled_pairs(problem):
    """Pair features for W itself: D_y x' at the own class, -D_k x' at the rival."""
    pairs, A = pair_matrix(problem.X, problem.y, problem.n_classes)
    if problem.class_scales is not None:
        A = A * np.repeat(problem.class_scales, problem.X.shape[1])
    return np.array([i * problem.n_classes + k for i, k in pairs]), A


@pytest.mark.parametrize("system_of", SYSTEMS)
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_a_system_is_the_matrix_written_out(system_of, scaled, seed):
    problem = random_problem(seed, scaled)
    numbers, A = scaled_pairs(problem)
    rng = np.random.default_rng(seed + 100)
    chosen = rng.permutation(numbers)[:70]
    system = system_of(problem)
    order = system.select(chosen)
    assert np.array_equal(system.pairs, chosen[order])
    A = A[np.searchsorted(numbers, system.pairs)]
    weights = rng.uniform(0.0, 3.0, 70) * (rng.random(70) < 0.8)
    W = system.from_columns(rng.standard_normal(problem.shape))
    columns = system.to_columns(W)
    assert np.allclose(system.margins(W), A @ columns.ravel())
    assert np.allclose(system.all_margins(W).ravel()[system.pairs], A @ columns.ravel())
    assert np.isclose(np.vdot(W, system.metric(W)), (columns**2).sum())
    assert np.allclose(system.inverse_metric(system.metric(W)), W)
    assert np.isclose(np.vdot(system.adjoint(weights), W), weights @ A @ columns.ravel())
    # (1 + A' w A) V = A' alpha in the columns
    alpha = rng.uniform(0.0, 1.0, 70)
    expected = np.linalg.solve(np.eye(A.shape[1]) + A.T @ (weights[:, None] * A), A.T @ alpha)
    system.factor(weights)
    found = system.to_columns(system.solve(system.adjoint(alpha)))
    assert np.allclose(found.ravel(), expected, atol=1e-10)


@pytest.mark.parametrize("system_of", SYSTEMS)
@pytest.mark.parametrize("stiffness", [1.0, 1e4, 1e8])
def test_a_rough_factor_gives_two_digits_of_a_step(system_of, stiffness):
    problem = random_problem(1, scaled=True)
    numbers, A = scaled_pairs(problem)
    system = system_of(problem)
    system.select(numbers)
    A = A[np.searchsorted(numbers, system.pairs)]
    rng = np.random.default_rng(5)
    weights = stiffness * rng.uniform(0.0, 1.0, len(numbers)) ** 4
    alpha = rng.uniform(0.0, 1.0, len(numbers))
    expected = np.linalg.solve(np.eye(A.shape[1]) + A.T @ (weights[:, None] * A), A.T @ alpha)
    system.factor(weights, roughly=True)
    found = system.to_columns(system.solve(system.adjoint(alpha))).ravel()
    assert np.linalg.norm(found - expected) <= 1e-2 * np.linalg.norm(expected)


@pytest.mark.parametrize("seed", range(4))
def test_tied_pairs_leave_a_basis_of_what_they_allow(seed):
    rng = np.random.default_rng(seed)
    problem = random_problem(seed, seed % 2 == 1)
    tied = np.zeros_like(problem.pairs)
    rows = rng.integers(0, 30, 3)
    for i in rows:
        tied[i, (problem.y[i] + 1) % 5] = True
    system = tied_basis_system(problem, tied)
    numbers, A = scaled_pairs(problem)
    null = A[np.isin(numbers, np.flatnonzero(tied))]
    # the classes together may move by one vector
    assert system.n_unknowns == 4 * 4 - np.linalg.matrix_rank(null)
    W = system.to_columns(rng.standard_normal(system.n_unknowns))
    assert np.abs(null @ W.ravel()).max() < 1e-12
    given = rng.standard_normal(problem.shape)
    closest = system.to_columns(system.from_columns(given))
    # what is left is orthogonal to everything allowed
    for one in np.eye(system.n_unknowns):
        assert abs(((given - closest) * system.to_columns(one)).sum()) < 1e-10


@pytest.mark.parametrize("system_of", [BlockSystem, plain_basis_system, DualSystem])
def test_the_active_set_settles_from_a_wrong_guess(system_of):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((60, 4))
    y = (X @ rng.standard_normal((4, 3))).argmax(axis=1)
    problem = problem_of(X, y, 3)
    solved = solve_frobenius(problem)
    system = system_of(problem)
    system.select(np.flatnonzero(problem.pairs))
    alpha = solved.weights.ravel()[system.pairs]
    margins = system.margins(system.from_columns(solved.coef))
    # one that binds is left out, one that does not is taken in
    guess = alpha > 0
    guess[np.argmin(np.where(alpha > 0, alpha, np.inf))] = False
    guess[np.argmin(np.where(alpha > 0, np.inf, margins))] = True
    found = solve_active(system, system.first_guess(), np.ones(len(alpha)), guess)
    assert found is not None
    assert found.n_factored > 1
    u = system.margins(found.W)
    assert u.min() >= 1 - 1e-12
    assert found.alpha.min() >= 0
    assert np.abs(found.alpha * (u - 1)).max() <= 1e-10 * found.alpha.max()
    rest = system.metric(found.W) - system.adjoint(found.alpha)
    assert np.abs(rest).max() <= 1e-11 * np.abs(found.W).max()


def test_active_pairs_may_depend_on_each_other():
    # the same pair five times, with five different starts of the weight
    X = np.array([[2.0, 0.0]] * 5 + [[-2.0, 0.0]])
    y = np.array([0, 0, 0, 0, 0, 1])
    problem = problem_of(X, y, 2)
    system = BlockSystem(problem)
    system.select(np.flatnonzero(problem.pairs))
    found = solve_active(system, system.first_guess(), np.arange(1.0, 7.0), np.ones(6, bool))
    assert found is not None
    assert np.allclose(found.W, [[0.25, 0.0], [-0.25, 0.0]])
    assert np.isclose(found.alpha.sum(), 0.125)


def test_pairs_that_contradict_each_other_are_no_solution():
    problem = random_problem(0, False)
    system = BlockSystem(problem)
    system.select(np.flatnonzero(problem.pairs))
    # random labels: the margins cannot all be 1
    assert solve_active(system, system.first_guess(), np.ones(120), np.ones(120, bool)) is None


def test_the_system_suits_the_problem():
    rng = np.random.default_rng(0)

    def first(X, K=3):
        return next(iter(suitable_systems(problem_of(X, np.arange(len(X)) % K, K))))

    assert isinstance(first(rng.standard_normal((10, 30))), DualSystem)
    assert isinstance(first(rng.standard_normal((3000, 30))), BlockSystem)
    assert first(rng.standard_normal((3000, 30))).root is None
    X = rng.standard_normal((3000, 30))
    assert first(X * 10.0 ** rng.uniform(-8, 8, 30)).root is None
    assert first(np.column_stack([X, np.zeros(3000)])).root is None
    # a column that nearly repeats another is told apart in orthonormal features only
    twins = np.column_stack([X, X[:, 0] + 1e-7 * X[:, 1] + 1e-7 * rng.standard_normal(3000)])
    assert first(twins).root is not None
    assert first(np.column_stack([X, X[:, :3]])).n_unknowns == 60


def test_a_matrix_that_is_not_positive_is_said():
    with pytest.raises(NotPositiveError, match="order 2"):
        cholesky(np.array([[1.0, 2.0], [2.0, 1.0]]))
