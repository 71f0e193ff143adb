"""The least norm against its optimality conditions, another solver, and changes that must not matter."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from marginscope.geometry.margins import all_pairs
from marginscope.solvers import dual_system
from marginscope.solvers.frobenius import solve_frobenius
from marginscope.solvers.margin_problem import MarginProblem
from oracles.pair_features import pair_matrix


def separable(rng, n, d, K, least=0.0):
    """Rows that a random linear rule labels, none with a margin below ``least``; scaled to norms below one."""
    while True:
        W = rng.standard_normal((K, d))
        X = rng.standard_normal((20 * n, d))
        scores = np.sort(X @ W.T, axis=1)
        X = X[scores[:, -1] - scores[:, -2] > least][:n]
        y = (X @ W.T).argmax(axis=1)
        if len(np.unique(y)) >= 2:
            return scaled(X), y


def scaled(X):
    largest = np.sqrt((X * X).sum(axis=1).max())
    return X / 2.0 ** np.ceil(np.log2(largest))


def problem_of(X, y, K, **rest):
    pairs = rest.pop("pairs", None)
    return MarginProblem(X, y, K, all_pairs(y, K) if pairs is None else pairs, **rest)


def check_conditions(problem, solved, tol=1e-9):
    """Check the four conditions on pair features written out."""
    K = problem.n_classes
    dense = problem.X.toarray() if sp.issparse(problem.X) else problem.X
    pairs, A = pair_matrix(dense, problem.y, K)
    if problem.class_scales is not None:
        A = A * np.repeat(problem.class_scales, dense.shape[1])
    wanted = np.array([problem.pairs[p] for p in pairs])
    alpha, w = np.array([solved.weights[p] for p in pairs]), solved.coef.ravel()
    norm = np.linalg.norm(w)
    assert solved.status == "optimal"
    assert alpha.min() >= 0
    assert not alpha[~wanted].any()
    u = A @ w
    assert u[wanted].min() >= 1 - tol
    # weights in double precision cannot say it better than this, whoever adds them up
    rounding = np.finfo(float).eps * np.linalg.norm(np.abs(A).T @ alpha)
    assert np.linalg.norm(A.T @ alpha - w) <= tol * norm + 4 * rounding
    assert np.abs(alpha * (u - 1)).max() <= tol * alpha.max()
    assert alpha.sum() == pytest.approx(norm**2, rel=tol)
    upper = np.linalg.norm(A.T @ alpha) / alpha.sum()
    assert 1 - u[wanted].min() / norm / upper <= 1e-10


def by_cvxpy(problem):
    """Solve the problem as it is written."""
    import cvxpy as cp

    pairs, A = pair_matrix(problem.X, problem.y, problem.n_classes)
    if problem.class_scales is not None:
        A = A * np.repeat(problem.class_scales, problem.X.shape[1])
    w = cp.Variable(A.shape[1])
    constraints = [A[[problem.pairs[p] for p in pairs]] @ w >= 1]
    if problem.tied is not None:
        constraints.append(A[[problem.tied[p] for p in pairs]] @ w == 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cp.Problem(cp.Minimize(cp.sum_squares(w)), constraints).solve(
            solver="CLARABEL", tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11
        )
    return w.value.reshape(problem.shape)


def random_problem(seed):
    """Draw a problem of 10 to 400 rows, 1 to 60 columns, 2 to 12 classes, with margins and scales of classes."""
    rng = np.random.default_rng(seed)
    while True:
        n, d, K = int(10 ** rng.uniform(1, 2.6)), int(10 ** rng.uniform(0, 1.78)), int(rng.integers(2, 13))
        if n * (K - 1) * K * d < 3e6:
            break
    X, y = separable(rng, n, d, K)
    if seed % 3 == 1:
        # a class margin m divides the rows of the class
        X = scaled(X / rng.uniform(0.1, 3.0, K)[y][:, None])
    return problem_of(X, y, K, class_scales=rng.uniform(0.2, 4.0, K) if seed % 4 == 1 else None)


@pytest.mark.parametrize("seed", range(80))
def test_random_problems_meet_the_conditions(seed):
    problem = random_problem(seed)
    check_conditions(problem, solve_frobenius(problem))


@pytest.mark.parametrize("seed", range(100, 124))
def test_random_problems_agree_with_another_solver(seed):
    rng = np.random.default_rng(seed)
    K = int(rng.integers(2, 6))
    X, y = separable(rng, int(rng.integers(10, 80)), int(rng.integers(1, 8)), K)
    problem = problem_of(X, y, K, class_scales=rng.uniform(0.2, 4.0, K) if seed % 2 else None)
    expected = by_cvxpy(problem)
    assert np.linalg.norm(solve_frobenius(problem).coef - expected) <= 1e-6 * np.linalg.norm(expected)


@pytest.mark.parametrize("seed", range(6))
def test_chosen_and_tied_pairs_agree_with_another_solver(seed):
    rng = np.random.default_rng(seed)
    X, y = separable(rng, 30, 5, 4)
    tied = np.zeros((30, 4), bool)
    for i in rng.integers(0, 30, 2):
        tied[i, (y[i] + 1) % 4] = True
    # with two pairs tied few others are sure to be separable
    wanted = all_pairs(y, 4) & ~tied & (rng.random((30, 4)) < 0.15)
    problem = problem_of(X, y, 4, pairs=wanted, tied=tied, class_scales=rng.uniform(0.5, 2, 4) if seed % 2 else None)
    solved = solve_frobenius(problem)
    assert solved.status == "optimal"
    expected = by_cvxpy(problem)
    assert np.linalg.norm(solved.coef - expected) <= 1e-6 * np.linalg.norm(expected)
    assert np.abs(problem.margins(solved.coef)[tied]).max() <= 1e-11 * np.linalg.norm(expected)
    assert problem.margins(solved.coef)[wanted].min() >= 1 - 1e-9
    assert not solved.weights[~wanted].any()


def grid_of_ties(rng):
    X = np.array([[a, b, a] for a in range(-4, 5) for b in (-3.0, -2.0, 2.0, 3.0)])
    y = (X[:, 1] > 0).astype(int) + (X[:, 1] > 2.5)
    return np.column_stack([X, np.ones(len(X))]), y, 3


def copies(rng):
    X, y = separable(rng, 40, 4, 3)
    return np.vstack([X, X, X[:7]]), np.r_[y, y, y[:7]], 3


def dependent_columns(rng):
    X, y = separable(rng, 60, 4, 4)
    return np.column_stack([X, X @ rng.standard_normal((4, 5)), np.zeros(60), np.full(60, 0.5)]), y, 4


def columns_of_all_sizes(rng):
    X, y = separable(rng, 200, 6, 4)
    return X * 10.0 ** np.linspace(-4, 4, 6), y, 4


def rows_of_all_sizes(rng):
    X, y = separable(rng, 150, 6, 4)
    return X * 10.0 ** rng.uniform(-3, 0, 150)[:, None], y, 4


def nearly_equal_columns(rng):
    X, y = separable(rng, 200, 5, 3)
    return np.column_stack([X, X[:, 0] + 1e-7 * rng.standard_normal(200)]), y, 3


def margin_of_a_millionth(rng):
    # two clouds that a slit of 1e-6 parts, one row of each at its edge
    X, y = separable(rng, 300, 3, 2, least=0.05)
    y = (X[:, 0] > 0).astype(int)
    X[:, 0] = np.where(y, np.abs(X[:, 0]) + 1e-6, -np.abs(X[:, 0]) - 1e-6)
    X[np.argmax(y), 0] = 1e-6
    X[np.argmin(y), 0] = -1e-6
    return X, y, 2


def an_empty_class(rng):
    X, y = separable(rng, 50, 4, 3)
    return X, np.where(y == 2, 3, y), 5


def one_column(rng):
    return np.linspace(-1.0, 1.0, 40)[:, None], (np.arange(40) >= 20).astype(int), 2


DEGENERATE = [
    grid_of_ties,
    copies,
    dependent_columns,
    columns_of_all_sizes,
    rows_of_all_sizes,
    nearly_equal_columns,
    margin_of_a_millionth,
    an_empty_class,
    one_column,
]


@pytest.mark.parametrize("family", DEGENERATE)
@pytest.mark.parametrize("seed", range(3))
def test_degenerate_rows_meet_the_conditions(family, seed):
    X, y, K = family(np.random.default_rng(seed))
    problem = problem_of(scaled(X), y, K)
    check_conditions(problem, solve_frobenius(problem), tol=1e-7)


@pytest.mark.parametrize("shape", [(500, 12, 3), (800, 30, 6), (1500, 8, 10)])
def test_pairs_that_enter_late_count(shape):
    n, d, K = shape
    X, y = separable(np.random.default_rng(5), n, d, K, least=0.02)
    problem = problem_of(X, y, K)
    solved = solve_frobenius(problem)
    assert solved.status == "optimal"
    norm = np.linalg.norm(solved.coef)
    lower = problem.margins(solved.coef).min() / norm
    upper = np.linalg.norm(problem.adjoint(solved.weights)) / solved.weights.sum()
    assert 1 - lower / upper <= 1e-12
    assert np.linalg.norm(problem.adjoint(solved.weights) - solved.coef) <= 1e-10 * norm


def test_a_hundred_classes():
    X, y = separable(np.random.default_rng(1), 400, 8, 100)
    problem = problem_of(X, y, 100)
    solved = solve_frobenius(problem)
    assert solved.status == "optimal"
    lower = problem.margins(solved.coef).min() / np.linalg.norm(solved.coef)
    assert 1 - lower * solved.weights.sum() / np.linalg.norm(problem.adjoint(solved.weights)) <= 1e-11


@pytest.mark.parametrize(("n", "d", "K"), [(12, 60, 3), (40, 41, 5), (30, 400, 2)])
@pytest.mark.parametrize("sparse", [False, True])
def test_more_columns_than_rows(n, d, K, sparse):
    rng = np.random.default_rng(n)
    X, y = rng.standard_normal((n, d)), np.arange(n) % K
    if sparse:
        X[rng.random((n, d)) < 0.5] = 0.0
    X = scaled(X)
    problem = problem_of(sp.csr_array(X) if sparse else X, y, K, class_scales=rng.uniform(0.5, 2, K))
    check_conditions(problem, solve_frobenius(problem))


@pytest.mark.parametrize("seed", range(3))
def test_sparse_rows_give_the_same(seed):
    rng = np.random.default_rng(seed)
    X, _ = separable(rng, 300, 20, 3)
    X[np.abs(X) < 0.2] = 0.0
    y = (X @ rng.standard_normal((20, 3))).argmax(axis=1)
    X, y = X[np.abs(X).sum(axis=1) > 0], y[np.abs(X).sum(axis=1) > 0]
    dense, sparse = (solve_frobenius(problem_of(Z, y, 3)) for Z in (X, sp.csr_array(X)))
    assert np.allclose(dense.coef, sparse.coef, atol=1e-9 * np.linalg.norm(dense.coef))


def flipped(rng):
    X, y = separable(rng, 400, 6, 4)
    return X, np.r_[(y[0] + 1) % 4, y[1:]], 4


def overlapping(rng):
    return scaled(rng.standard_normal((600, 10))), rng.integers(0, 5, 600), 5


def contradiction(rng):
    X, y = separable(rng, 20, 30, 3)
    return np.vstack([X, X[:1]]), np.r_[y, (y[0] + 1) % 3], 3


def contradiction_of_tiny_rows(rng):
    X, y = separable(rng, 40, 4, 3)
    return np.vstack([X, 1e-7 * X[:1]]), np.r_[y, (y[0] + 1) % 3], 3


@pytest.mark.parametrize("family", [flipped, overlapping, contradiction, contradiction_of_tiny_rows])
@pytest.mark.parametrize("seed", range(3))
def test_num008_inseparable_rows_come_with_weights_that_cancel(family, seed):
    X, y, K = family(np.random.default_rng(seed))
    problem = problem_of(X, y, K)
    solved = solve_frobenius(problem)
    assert solved.status == "infeasible"
    assert not solved.coef.any()
    assert solved.weights.min() >= 0
    size = (solved.weights.sum(axis=1) * np.linalg.norm(X, axis=1)).sum()
    assert np.linalg.norm(problem.adjoint(solved.weights)) <= 1e-10 * size


def test_a_row_of_zeros_refutes_by_itself():
    X, y = separable(np.random.default_rng(0), 20, 3, 3)
    X[4] = 0.0
    solved = solve_frobenius(problem_of(X, y, 3))
    assert solved.status == "infeasible"
    assert np.array_equal(np.flatnonzero(solved.weights.sum(axis=1)), [4])


def test_no_columns_and_no_pairs():
    y = np.arange(6) % 3
    assert solve_frobenius(problem_of(np.zeros((6, 0)), y, 3)).status == "infeasible"
    nothing = solve_frobenius(problem_of(np.ones((6, 2)), y, 3, pairs=np.zeros((6, 3), bool)))
    assert nothing.status == "optimal"
    assert not nothing.coef.any()


def test_ties_of_everything_leave_no_direction():
    X, y = separable(np.random.default_rng(0), 40, 3, 3)
    tied = all_pairs(y, 3) & (np.arange(40) > 0)[:, None]
    solved = solve_frobenius(problem_of(X, y, 3, pairs=all_pairs(y, 3) & ~tied, tied=tied))
    assert solved.status == "infeasible"


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.01, 100.0))
def test_order_copies_scale_rotation_and_names_do_not_matter(seed, factor):
    rng = np.random.default_rng(seed)
    K, d = int(rng.integers(2, 5)), int(rng.integers(1, 6))
    X, y = separable(rng, int(rng.integers(10, 60)), d, K)
    first = solve_frobenius(problem_of(X, y, K)).coef
    close = {"atol": 1e-8 * np.linalg.norm(first)}

    order, names = rng.permutation(len(y)), rng.permutation(K)
    rotation = np.linalg.qr(rng.standard_normal((d, d)))[0]
    assert np.allclose(solve_frobenius(problem_of(X[order], y[order], K)).coef, first, **close)
    assert np.allclose(solve_frobenius(problem_of(np.vstack([X, X]), np.r_[y, y], K)).coef, first, **close)
    assert np.allclose(factor * solve_frobenius(problem_of(factor * X, y, K)).coef, first, **close)
    assert np.allclose(solve_frobenius(problem_of(X @ rotation, y, K)).coef, first @ rotation, **close)
    assert np.allclose(solve_frobenius(problem_of(X, names[y], K)).coef[names], first, **close)


def test_the_same_problem_has_the_same_answer_to_the_last_bit():
    X, y = separable(np.random.default_rng(2), 600, 12, 5)
    one, two = solve_frobenius(problem_of(X, y, 5)), solve_frobenius(problem_of(X, y, 5))
    assert np.array_equal(one.coef, two.coef)
    assert np.array_equal(one.weights, two.weights)


def test_num011_at_the_time_limit_the_best_so_far_comes_back():
    X, y = separable(np.random.default_rng(3), 2000, 20, 6, least=0.05)
    best = solve_frobenius(problem_of(X, y, 6))
    margin = problem_of(X, y, 6).margins(best.coef).min() / np.linalg.norm(best.coef)
    problem = problem_of(X, y, 6, time_limit=1e-9, start=best.coef)
    short = solve_frobenius(problem)
    # the start is no worse than the answer
    assert short.status in ("optimal", "iteration_limit")
    assert problem.margins(short.coef).min() == pytest.approx(1.0)
    assert problem.margins(short.coef).min() / np.linalg.norm(short.coef) >= margin * (1 - 1e-12)
    bare = problem_of(X, y, 6, time_limit=1e-9)
    short = solve_frobenius(bare)
    assert short.status == "iteration_limit"
    assert np.linalg.norm(bare.adjoint(short.weights)) / short.weights.sum() >= margin * (1 - 1e-12)


def test_what_does_not_fit_ends_with_a_bracket(monkeypatch):
    rng = np.random.default_rng(4)
    X, y = scaled(rng.standard_normal((100, 200))), np.arange(100) % 5
    problem = problem_of(sp.csr_array(X), y, 5)
    best = solve_frobenius(problem)
    monkeypatch.setattr(dual_system, "_MOST_PAIRS", 250)
    monkeypatch.setattr("marginscope.solvers.margin_coordinates._MOST_DENSE_ENTRIES", 0)
    ended = solve_frobenius(problem)
    assert ended.status == "iteration_limit"
    margin = problem.margins(best.coef).min() / np.linalg.norm(best.coef)
    assert problem.margins(ended.coef).min() / np.linalg.norm(ended.coef) <= margin * (1 + 1e-9)
    assert np.linalg.norm(problem.adjoint(ended.weights)) / ended.weights.sum() >= margin * (1 - 1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(1000, 200, 10), (5000, 100, 10), (20000, 100, 6)])
def test_large_problems_end_at_rounding(shape):
    n, d, K = shape
    X, y = separable(np.random.default_rng(7), n, d, K, least=0.1)
    problem = problem_of(X, y, K)
    solved = solve_frobenius(problem)
    lower = problem.margins(solved.coef).min() / np.linalg.norm(solved.coef)
    upper = np.linalg.norm(problem.adjoint(solved.weights)) / solved.weights.sum()
    assert solved.status == "optimal"
    assert 1 - lower / upper <= 1e-11
