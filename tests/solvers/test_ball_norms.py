"""Largest margins in the max, sum, spectral and nuclear norm against HiGHS, Clarabel and theory."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from ball_checks import NORMS, VALUES, assert_solved, measured_bracket, problem, separable, solve
from hypothesis import given, settings
from hypothesis import strategies as st

from marginscope.exceptions import UsageError
from marginscope.solvers.frobenius import hard_margin_direction
from oracles.margin_programmes import largest_margin

# what the oracles reach, relative
ORACLE_ERROR = {"max": 1e-8, "sum": 1e-8, "spectral": 1e-6, "nuclear": 1e-6}


def assert_agrees(norm, X, y, k, class_scales=None):
    """The bracket closes, and the optimum of a general solver lies in it."""
    _, lower, upper = assert_solved(norm, problem(X, y, k, class_scales=class_scales))
    oracle = largest_margin(X, y, k, norm, class_scales)
    error = ORACLE_ERROR[norm] * oracle
    assert lower - error <= oracle <= upper + error


@pytest.mark.parametrize("seed", range(14))
@pytest.mark.parametrize("norm", NORMS)
def test_random_problems(norm, seed):
    X, y, k = separable(1000 + seed)
    n = len(X) if norm in ("max", "sum") else min(len(X), 60)
    assert_agrees(norm, X[:n], y[:n], k)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("norm", NORMS)
def test_more_random_problems(norm, seed):
    assert_agrees(norm, *separable(5000 + seed, gap=[0.3, 0.05, 0.003][seed % 3]))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("norm", NORMS)
def test_class_scales(norm, seed):
    X, y, k = separable(40 + seed, n=40, d=4)
    scales = np.random.default_rng(seed).uniform(0.2, 3.0, k)
    assert_agrees(norm, X, y, k, scales)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("shape", [(8, 20, 3), (12, 30, 4), (5, 30, 2)])
def test_more_columns_than_rows(norm, shape):
    X, y, k = separable(7, *shape, gap=0.0)
    assert_agrees(norm, X, y, k)


@pytest.mark.parametrize("norm", NORMS)
def test_classes_without_rows(norm):
    X, y, k = separable(3, n=20, d=4, k=3)
    assert_agrees(norm, X, y, k + 2)


@pytest.mark.parametrize("norm", NORMS)
def test_more_classes_than_columns(norm):
    X, y, k = separable(11, n=150, d=3, k=12, gap=0.01)
    assert_solved(norm, problem(X, y, k))


@pytest.mark.parametrize("norm", NORMS)
def test_sparse_features_give_the_same(norm):
    X, y, k = separable(5, n=30, d=12, k=3)
    X = np.where(np.abs(X) < 0.1, 0.0, X)
    _, lower, upper = assert_solved(norm, problem(X, y, k))
    _, sparse_lower, sparse_upper = assert_solved(norm, problem(sp.csr_array(X), y, k))
    assert max(lower, sparse_lower) <= min(upper, sparse_upper) * (1 + 1e-12)


@pytest.mark.parametrize("norm", ["max", "sum"])
def test_wide_sparse_features_are_solved_on_the_side_of_the_pairs(norm):
    rng = np.random.default_rng(2)
    X = sp.random_array((25, 4000), density=0.01, rng=rng, format="csr")
    X = sp.csr_array(X / (1.01 * np.sqrt(X.multiply(X).sum(axis=1).max())))
    y = np.arange(25) % 3
    solved, lower, upper = assert_solved(norm, problem(X, y, 3))
    assert solved.coef.shape == (3, 4000)
    oracle = largest_margin(X.toarray(), y, 3, norm)
    assert lower * (1 - 1e-8) <= oracle <= upper * (1 + 1e-8)


@pytest.mark.parametrize("norm", NORMS)
def test_repeated_rows_and_ties_between_pairs(norm):
    X = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    X, y = 0.7 * np.vstack([X, X, 0.5 * X]), np.tile(np.arange(4), 3)
    assert_agrees(norm, X, y, 4)


@pytest.mark.parametrize(
    ("norm", "size"), [("max", 1.0), ("sum", 4.0), ("spectral", np.sqrt(2.0)), ("nuclear", np.sqrt(8.0))]
)
def test_a_cross_has_known_margins(norm, size):
    # rows r e_1, r e_2, -r e_1, -r e_2 of four classes: averaged over the symmetries of the cross,
    # a solution is t (e_1, e_2, -e_1, -e_2), with worst margin t r
    r = 0.7
    _, lower, upper = assert_solved(norm, problem(r * np.vstack([np.eye(2), -np.eye(2)]), np.arange(4), 4))
    assert lower <= r / size * (1 + 1e-13)
    assert r / size <= upper * (1 + 1e-13)


@given(st.integers(0, 10**6), st.integers(-40, 40), st.sampled_from(NORMS))
@settings(max_examples=20, deadline=None)
def test_margins_scale_with_class_scales(seed, exponent, norm):
    X, y, k = separable(seed, n=20, d=3, k=3)
    factor = 2.0**exponent
    _, lower, _ = assert_solved(norm, problem(X, y, k, class_scales=np.ones(k)))
    _, scaled, _ = assert_solved(norm, problem(X, y, k, class_scales=np.full(k, factor)))
    assert scaled / factor == pytest.approx(lower, rel=2e-8)


@given(st.integers(0, 10**6), st.sampled_from(("spectral", "nuclear")))
@settings(max_examples=15, deadline=None)
def test_schatten_margins_are_invariant_under_rotations(seed, norm):
    X, y, k = separable(seed, n=25, d=4, k=3)
    turn = np.linalg.qr(np.random.default_rng(seed).standard_normal((X.shape[1],) * 2))[0]
    _, lower, _ = assert_solved(norm, problem(X, y, k))
    _, turned, _ = assert_solved(norm, problem(np.ascontiguousarray(X @ turn), y, k))
    assert turned == pytest.approx(lower, rel=3e-8)


@pytest.mark.parametrize("seed", range(4))
def test_two_classes(seed):
    # W = (-w, w) or, for the sum, (0, w): with the binary margins g of the rows' signs
    #   spectral = nuclear = frobenius: W has rank one;  max = 2 g_max;  sum = g_sum
    X, y, _ = separable(seed, n=40, d=5, k=2)
    signed = X * np.where(y == 1, 1.0, -1.0)[:, None]
    margins = {norm: assert_solved(norm, problem(X, y, 2))[1] for norm in NORMS}
    frobenius = hard_margin_direction(X, y.astype(np.intp)).margin
    assert margins["spectral"] == pytest.approx(frobenius, rel=2e-8)
    assert margins["nuclear"] == pytest.approx(frobenius, rel=2e-8)
    assert margins["max"] == pytest.approx(2 * binary_margin(signed, "max"), rel=2e-8)
    assert margins["sum"] == pytest.approx(binary_margin(signed, "sum"), rel=2e-8)


def binary_margin(signed, norm):
    import cvxpy as cp

    w, gamma = cp.Variable(signed.shape[1]), cp.Variable()
    size = cp.norm(w, "inf") if norm == "max" else cp.norm(w, 1)
    programme = cp.Problem(cp.Maximize(gamma), [signed @ w >= gamma, size <= 1])
    programme.solve(solver="CLARABEL", tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11)
    return float(gamma.value)


@pytest.mark.parametrize("seed", range(4))
def test_margins_are_ordered_as_the_norms_are(seed):
    # max <= spectral <= frobenius <= nuclear <= sum of every matrix
    X, y, k = separable(70 + seed, n=40)
    lower, upper = {}, {}
    for norm in NORMS:
        _, lower[norm], upper[norm] = assert_solved(norm, problem(X, y, k))
    frobenius = hard_margin_direction(X, y.astype(np.intp), n_classes=k).bracket
    assert lower["sum"] <= upper["nuclear"]
    assert lower["nuclear"] <= frobenius[1]
    assert frobenius[0] <= upper["spectral"]
    assert lower["spectral"] <= upper["max"]


@pytest.mark.parametrize("norm", NORMS)
def test_the_dual_weights_have_dual_norm_one(norm):
    given_problem = problem(*separable(21, n=50, d=5, k=4))
    solved, lower, _ = assert_solved(norm, given_problem)
    # strong duality: the sum of the weights is the least norm
    assert solved.weights.sum() == pytest.approx(1.0 / lower, rel=2e-8)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("case", ["overlap", "conflict", "zero row", "quasi-complete"])
def test_inseparable_rows_are_infeasible_and_quick(norm, case):
    rng = np.random.default_rng(1)
    X, y = 0.2 * rng.standard_normal((60, 3)), rng.integers(0, 3, 60)
    if case == "conflict":
        X, y, _ = separable(1, n=30, d=3, k=3)
        X, y = np.vstack([X, X[:1]]), np.r_[y, (y[0] + 1) % 3]
    elif case == "zero row":
        X, y, _ = separable(1, n=30, d=3, k=3)
        X[4] = 0.0
    elif case == "quasi-complete":
        X = np.array([[0.5, 0.1], [0.5, -0.2], [-0.5, 0.3], [-0.5, 0.1], [0.0, 0.3], [0.0, 0.4]])
        y = np.array([0, 0, 1, 1, 0, 1])
    given_problem = problem(X, y, 3)
    solved = solve(norm, given_problem)
    assert solved.status == "infeasible"
    assert solved.n_iterations <= 20
    assert not np.any(solved.coef)
    lower, upper = measured_bracket(norm, given_problem, solved)
    assert lower == 0.0
    assert upper < 1e-9


@pytest.mark.parametrize("norm", NORMS)
def test_small_margins_are_found(norm):
    # in one column the margin is the distance of two rows at 1 +- 1e-6, next to a column of ones
    X = np.array([[0.5 - 1e-6, 0.5], [0.5 + 1e-6, 0.5], [-0.2, 0.5], [0.7, 0.5]])
    y = np.array([0, 1, 0, 1])
    assert_agrees(norm, X, y, 2) if norm in ("max", "sum") else assert_solved(norm, problem(X, y, 2), tol=1e-6)


@pytest.mark.parametrize("norm", NORMS)
def test_a_tighter_tolerance_is_met_or_admitted(norm):
    given_problem = problem(*separable(31, n=80, d=6, k=4), tol=1e-10)
    solved = solve(norm, given_problem)
    lower, upper = measured_bracket(norm, given_problem, solved)
    assert (upper - lower <= 1e-10 * upper) == (solved.status == "optimal")
    assert upper - lower <= 2e-9 * upper


@pytest.mark.parametrize("norm", NORMS)
def test_out_of_time_gives_the_start(norm):
    X, y, k = separable(9, n=60, d=5, k=3)
    start, _, _ = assert_solved(norm, problem(X, y, k))
    given_problem = problem(X, y, k, time_limit=0.0, start=start.coef)
    solved = solve(norm, given_problem)
    assert solved.status == "iteration_limit"
    lower, upper = measured_bracket(norm, given_problem, solved)
    assert 0 < lower <= upper


@pytest.mark.parametrize("norm", NORMS)
def test_only_the_wanted_pairs_need_a_margin(norm):
    X, y, k = separable(13, n=30, d=4, k=3)
    given_problem = problem(X, y, k)
    # row 0 changes its label: it is in the way of one pair
    y = y.copy()
    y[0] = (y[0] + 1) % k
    whole = problem(X, y, k)
    pairs = whole.pairs.copy()
    pairs[0] = False
    part = solve(norm, type(whole)(X, whole.y, k, pairs))
    _, lower, upper = assert_solved(norm, problem(X[1:], given_problem.y[1:], k))
    u = whole.margins(part.coef)
    found = float(np.min(u, where=pairs, initial=np.inf)) / VALUES[norm](part.coef)
    assert lower * (1 - 1e-8) <= found <= upper * (1 + 1e-8)
    assert not np.any(part.weights[0])


@pytest.mark.parametrize("norm", NORMS)
def test_tied_pairs_are_refused(norm):
    X, y, k = separable(1, n=10, d=3, k=3)
    tied = np.zeros((len(y), k), dtype=bool)
    tied[0, (y[0] + 1) % k] = True
    with pytest.raises(UsageError, match="frobenius"):
        solve(norm, problem(X, y, k, tied=tied))


@pytest.mark.parametrize("norm", NORMS)
def test_the_order_of_rows_does_not_matter_and_answers_repeat(norm):
    X, y, k = separable(17, n=40, d=4, k=4)
    mixed = np.random.default_rng(0).permutation(len(y))
    one, lower, upper = assert_solved(norm, problem(X, y, k))
    again, _, _ = assert_solved(norm, problem(X, y, k))
    assert np.array_equal(one.coef, again.coef)
    assert np.array_equal(one.weights, again.weights)
    _, other, _ = assert_solved(norm, problem(np.ascontiguousarray(X[mixed]), y[mixed], k))
    assert lower * (1 - 1e-8) <= other <= upper * (1 + 1e-8)
