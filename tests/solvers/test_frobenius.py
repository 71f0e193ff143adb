"""The max-margin direction against a general solver, its optimality conditions and its bracket."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits, load_iris

from marginscope.geometry.margins import all_pairs, relative_margins
from marginscope.solvers.frobenius import hard_margin_direction
from marginscope.solvers.separability import separability
from oracles.integer_problems import integer_problems, kind
from oracles.pair_features import pair_matrix


def separable(seed, n=60, d=5, k=3, sigma=0.0):
    rng = np.random.default_rng(seed)
    while True:
        X = rng.standard_normal((n, d))
        y = (X @ rng.standard_normal((d, k))).argmax(axis=1)
        if np.bincount(y, minlength=k).min() > 0:
            return X + sigma, y


def by_cvxpy(X, y, k, separable_mask=None):
    """Solve the problem as it is written, through cvxpy and Clarabel."""
    import cvxpy as cp

    pairs, A = pair_matrix(X, y, k)
    wanted = np.ones(len(pairs), bool) if separable_mask is None else np.array([separable_mask[p] for p in pairs])
    w = cp.Variable(A.shape[1])
    constraints = [A[wanted] @ w >= 1]
    if not wanted.all():
        constraints.append(A[~wanted] @ w == 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cp.Problem(cp.Minimize(cp.sum_squares(w)), constraints).solve(
            solver="CLARABEL", tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11
        )
    return w.value.reshape(k, -1)


def full(solution):
    if solution.intercept is None:
        return solution.coef
    return np.column_stack([solution.coef, solution.intercept])


def check_optimality(solution, X, y, wanted=None, tol=1e-8):
    """Check the conditions on pair features written out; tied pairs project them."""
    k = len(solution.coef)
    Z = X if solution.intercept is None else np.column_stack([X, np.ones(len(X))])
    pairs, A = pair_matrix(Z, y, k)
    keep = np.ones(len(pairs), bool) if wanted is None else np.array([wanted[p] for p in pairs])
    if not keep.all():
        _, s, Vt = np.linalg.svd(A[~keep])
        L = Vt[: int((s > 1e-10 * s[0]).sum())]
        assert np.abs(L @ full(solution).ravel()).max() < 1e-7 * solution.norm
        A = A - A @ L.T @ L
    alpha = solution.dual_weights.toarray()
    flat = np.array([alpha[p] for p in pairs])
    w = full(solution).ravel()
    assert solution.status == "optimal"
    assert flat.min() >= 0
    assert np.all(flat[~keep] == 0)
    assert (A @ w)[keep].min() >= 1 - tol
    assert np.linalg.norm(A.T @ flat - w) <= tol * np.linalg.norm(w)
    assert np.abs(flat * (A @ w - 1)).max() <= tol * flat.max()
    assert flat.sum() == pytest.approx(w @ w, rel=tol)
    lower, upper = solution.bracket
    assert lower <= 1 / np.linalg.norm(w) * (1 + 1e-8)
    assert 0 <= upper - lower <= 1e-8 * upper


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_it_is_the_solution_of_a_general_solver(seed, fit_intercept):
    k = 2 + seed % 4
    X, y = separable(seed, n=40, d=2 + seed % 5, k=k)
    solution = hard_margin_direction(X, y, fit_intercept=fit_intercept)
    Z = np.column_stack([X, np.ones(len(X))]) if fit_intercept else X
    expected = by_cvxpy(Z, y, k)
    assert np.linalg.norm(full(solution) - expected) <= 1e-6 * np.linalg.norm(expected)
    check_optimality(solution, X, y)
    assert np.allclose(full(solution).sum(axis=0), 0.0, atol=1e-9 * solution.norm)


@pytest.mark.parametrize("seed", range(8))
def test_tied_pairs_are_kept_at_zero(seed):
    rng = np.random.default_rng(seed)
    X = np.column_stack(
        [rng.standard_normal(30), np.concatenate([np.zeros(24), 1 + rng.random(6)]), rng.standard_normal(30)]
    )
    y = np.concatenate([np.arange(24) % 2, np.full(6, 2)])
    certificate = separability(X, y)
    assert certificate.status == "quasi_complete"
    mask = certificate.separable_mask
    solution = certificate.max_margin
    expected = by_cvxpy(np.column_stack([X, np.ones(30)]), y, 3, mask)
    assert np.linalg.norm(full(solution) - expected) <= 1e-6 * np.linalg.norm(expected)
    check_optimality(solution, X, y, wanted=mask)


@pytest.mark.parametrize("exponent", [0, 20, 27, 60, 300, -20, -60, -300])
def test_large_and_small_features_beside_a_column_of_ones(exponent):
    found = 0
    for X, y, k, fit_intercept, pairs in integer_problems(150):
        if not fit_intercept or kind(len(y), k, pairs) != "quasi_complete":
            continue
        solution = separability(np.ldexp(X, exponent), y, fit_intercept=True).max_margin
        found += 1
        if abs(exponent) <= 27:
            assert solution.status in ("optimal", "inaccurate")
        if solution.status in ("optimal", "inaccurate"):
            every, A = pair_matrix(np.column_stack([np.ldexp(X, exponent), np.ones(len(X))]), y, k)
            u, apart = A @ full(solution).ravel(), np.array([pair in pairs for pair in every])
            assert u[apart].min() >= 1.0 - 1e-4
            assert np.abs(u[~apart]).max() <= 1e-4
    assert found > 10


def test_directions_that_rounding_makes_one_have_no_margin_but_a_status():
    X = np.array([[-2.0], [2.0], [-1.0], [2.0], [2.0], [-2.0]]) * [[2.0**-319, 0.0]]
    certificate = separability(X, [0, 1, 2, 3, 3, 0], fit_intercept=True)
    assert certificate.status == "quasi_complete"
    assert certificate.max_margin.status != "infeasible"
    assert certificate.max_margin.bracket[1] == np.inf or certificate.max_margin.status == "optimal"


def test_two_rows_end_at_rounding():
    X, y = np.array([[2.0**20, -(2.0**-7), 0.0], [2.0**21, 2.0**-6, -8.0]]), np.array([0, 1])
    check_optimality(hard_margin_direction(X, y), X, y)


def test_iris_and_digits_to_eight_digits():
    X, y = load_iris(return_X_y=True)
    certificate = separability(X, y)
    check_optimality(certificate.max_margin, X, y, wanted=certificate.separable_mask)
    X, y = load_digits(return_X_y=True)
    # 16 173 pairs of 640 numbers: few of them may enter at once
    rng = np.random.default_rng(0)
    rows = rng.permutation(len(y))[:500]
    check_optimality(hard_margin_direction(X[rows] / 16, y[rows]), X[rows] / 16, y[rows])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**5), st.floats(1e-6, 1e6))
def test_scaling_the_features_scales_the_margin(seed, scale):
    X, y = separable(seed, n=25, d=3)
    one, other = hard_margin_direction(X, y), hard_margin_direction(X * scale, y)
    assert other.margin == pytest.approx(scale * one.margin, rel=1e-7)
    assert np.allclose(other.coef * scale, one.coef, atol=1e-6 * one.norm)
    assert other.support_weights.sum() * scale**2 == pytest.approx(one.support_weights.sum(), rel=1e-6)


def test_num010_degenerate_support_gives_one_answer_in_every_order():
    rng = np.random.default_rng(2)
    # a grid with many ties, a repeated column, and rows that repeat
    X = np.array([[a, b, a] for a in range(-2, 3) for b in (-3.0, -2.0, 2.0, 3.0)], dtype=float)
    y = (X[:, 1] > 0).astype(int) + (X[:, 1] > 2.5)
    X, y = np.vstack([X, X[:5]]), np.append(y, y[:5])
    first = hard_margin_direction(X, y, fit_intercept=True)
    check_optimality(first, X, y)
    for _ in range(5):
        order = rng.permutation(len(y))
        other = hard_margin_direction(X[order], y[order], fit_intercept=True)
        assert np.allclose(full(other), full(first), atol=1e-8 * first.norm)
        check_optimality(other, X[order], y[order])


def test_a_row_of_zeros_without_intercept_is_infeasible():
    X, y = separable(3, n=20, d=3)
    X = np.vstack([X, np.zeros(3)])
    solution = hard_margin_direction(X, np.append(y, 0))
    assert solution.status == "infeasible"
    assert solution.bracket[0] == 0.0
    assert solution.bracket[1] < 1e-4


def test_num008_inseparable_pairs_come_with_the_weights_that_refute_them():
    rng = np.random.default_rng(4)
    X, y = rng.standard_normal((80, 3)), rng.integers(0, 3, 80)
    solution = hard_margin_direction(X, y, fit_intercept=True)
    assert solution.status == "infeasible"
    assert not solution.coef.any()
    weights = solution.dual_weights.toarray()
    pairs, A = pair_matrix(np.column_stack([X, np.ones(80)]), y, 3)
    flat = np.array([weights[p] for p in pairs])
    assert flat.min() >= 0
    assert np.linalg.norm(A.T @ flat) <= 1e-6 * flat.sum()
    assert solution.bracket[1] <= 1e-6


def test_cutting_planes_end_at_the_optimum_of_all_pairs():
    X, y = separable(5, n=3000, d=4, k=4)
    solution = hard_margin_direction(X, y)
    assert solution.n_iterations >= 2
    check_optimality(solution, X, y)
    assert solution.nearest_margin >= 1 - 1e-9


def test_a_start_changes_only_the_way():
    X, y = separable(6, n=400, d=4)
    certificate = separability(X, y, fit_intercept=False)
    plain = hard_margin_direction(X, y)
    started = hard_margin_direction(X, y, start=certificate.direction)
    assert np.allclose(started.coef, plain.coef, atol=1e-7 * plain.norm)


def test_sparse_features_give_the_same():
    X, y = separable(7, n=80, d=6)
    X[np.abs(X) < 0.3] = 0.0
    y = (X @ np.random.default_rng(1).standard_normal((6, 3))).argmax(axis=1)
    dense = hard_margin_direction(X, y, fit_intercept=True)
    sparse = hard_margin_direction(sp.csr_array(X), y, fit_intercept=True)
    assert np.allclose(full(sparse), full(dense), atol=1e-6 * dense.norm)
    check_optimality(sparse, X, y)


def test_equal_rows_share_one_support_pair():
    X, y = separable(8, n=20, d=2)
    once = hard_margin_direction(X, y)
    twice = hard_margin_direction(np.vstack([X, X]), np.append(y, y))
    assert np.allclose(once.coef, twice.coef, atol=1e-9 * once.norm)
    assert len(twice.support_pairs) == len(once.support_pairs)
    for (row, _), members in zip(twice.support_pairs, twice.support_members, strict=True):
        assert members.tolist() == [row, row + 20]


def test_the_gram_belongs_to_the_support():
    X, y = separable(9, n=15, d=2)
    solution = hard_margin_direction(X, y)
    pairs, A = pair_matrix(X, y, 3)
    chosen = A[[pairs.index((int(i), int(k))) for i, k in solution.support_pairs]]
    assert np.allclose(solution.support_gram, chosen @ chosen.T)
    assert np.allclose(solution.support_gram @ solution.support_weights, 1.0)


def test_signs_drop_what_is_small_beside_the_largest_effect():
    # the second column is large and has no part in the solution, the third is small and has
    X = np.array([[s * 1.0, b * 1e6, s * 1e-3] for s in (-1, 1) for b in (-1, 1)])
    y = np.array([0, 0, 1, 1])
    solution = hard_margin_direction(X, y)
    assert np.allclose(solution.coef[1], [0.5, 0.0, 5e-4], atol=1e-6)
    assert solution.signs(threshold=1e-7)[0].tolist() == [[-1, 0, -1], [1, 0, 1]]
    assert solution.signs(threshold=1e-5)[0].tolist() == [[-1, 0, 0], [1, 0, 0]]


@pytest.mark.parametrize("seed", range(6))
def test_dependent_columns_share_the_weight_of_least_norm(seed):
    rng = np.random.default_rng(seed)
    X, y = separable(seed, n=40, d=3)
    X = np.column_stack([X, 3.0 * X[:, 0] - 0.01 * X[:, 1], X[:, 2], np.ones(40)])[:, rng.permutation(6)]
    solution = hard_margin_direction(X, y, fit_intercept=True)
    expected = by_cvxpy(np.column_stack([X, np.ones(40)]), y, 3)
    assert np.linalg.norm(full(solution) - expected) <= 1e-6 * np.linalg.norm(expected)
    check_optimality(solution, X, y)


def test_more_columns_than_rows():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((12, 30)), np.arange(12) % 3
    solution = hard_margin_direction(X, y, fit_intercept=True)
    expected = by_cvxpy(np.column_stack([X, np.ones(12)]), y, 3)
    assert np.linalg.norm(full(solution) - expected) <= 1e-6 * np.linalg.norm(expected)
    check_optimality(solution, X, y)


def test_num011_an_early_end_keeps_its_bracket():
    X, y = separable(10, n=500, d=4)
    best = hard_margin_direction(X, y)
    start = separability(X, y, fit_intercept=False).direction
    refused = hard_margin_direction(X, y, start=start, time_limit=1e-9)
    assert refused.status == "iteration_limit"
    assert 0 < refused.bracket[0] <= best.margin * (1 + 1e-9)
    assert refused.bracket[1] >= best.margin * (1 - 1e-9)
    assert refused.bracket[0] >= relative_margins(X, y, start).min() / np.linalg.norm(start) * (1 - 1e-9)


def test_chosen_pairs_only():
    X, y = separable(11, n=30, d=3)
    wanted = all_pairs(y, 3) & (np.arange(3) != 2)
    solution = hard_margin_direction(X, y, pairs=wanted)
    assert solution.norm <= hard_margin_direction(X, y).norm * (1 + 1e-9)
    assert not (solution.support_pairs[:, 1] == 2).any()


def test_no_pairs_need_no_direction():
    X, y = separable(12, n=10, d=2)
    solution = hard_margin_direction(X, y, pairs=np.zeros((10, 3), bool))
    assert solution.status == "optimal"
    assert not solution.coef.any()
    assert len(solution.support_weights) == 0
