"""Least total violation, then least norm: against cvxpy, by hand, and against the hard margin."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from marginscope.exceptions import NotSolvedError
from marginscope.geometry.norms import NORMS
from marginscope.solvers.hard_margin import solve_hard_margin
from marginscope.solvers.soft_margin import solve_soft_margin
from oracles.soft_margin_by_cvxpy import least_violation, total_violation

NAMES = [norm.name for norm in NORMS]


def _overlapping(case: str):
    """Return rows, codes, number of classes and weights."""
    rng = np.random.default_rng(sum(map(ord, case)))
    n, d, K = {"grid": (16, 2, 3), "normal": (24, 3, 2), "blobs": (40, 2, 4)}[case]
    y = np.r_[np.arange(K), rng.integers(0, K, n - K)]
    if case == "blobs":
        X = rng.standard_normal((n, d)) + 1.5 * rng.standard_normal((K, d))[y]
    else:
        X = rng.integers(-3, 4, (n, d)).astype(float) if case == "grid" else rng.standard_normal((n, d))
    return X, y, K, rng.integers(1, 4, n).astype(float)


@pytest.mark.parametrize("norm", NAMES)
@pytest.mark.parametrize("case", ["grid", "normal", "blobs"])
def test_violation_and_norm_are_those_of_cvxpy(case, norm):
    X, y, K, omega = _overlapping(case)
    soft = solve_soft_margin(X, y, K, norm=norm, fit_intercept=True, sample_weight=omega)
    least, size = least_violation(X, y, K, norm, omega, fit_intercept=True)
    assert soft.status == "optimal"
    assert soft.violation.upper == pytest.approx(least, rel=1e-8)
    assert soft.violation.lower <= least * (1 + 1e-9)
    assert soft.violation.lower >= least * (1 - 1e-7)
    assert soft.norm_value == pytest.approx(size, rel=1e-6, abs=1e-7)
    assert total_violation(X, y, soft.full_coef, omega) == pytest.approx(soft.violation.upper, rel=1e-9)


def test_one_feature_by_hand():
    # w (x - b) with five points of which -1.5 is on the wrong side: V = 1 + 1.5 w + (1 - w)_+ + ... is least at w = 1
    X, y = np.array([[-2.0], [-1.0], [1.0], [2.0], [-1.5]]), np.array([0, 0, 1, 1, 1])
    soft = solve_soft_margin(X, y, 2)
    assert soft.coef == pytest.approx(np.array([[-0.5], [0.5]]), abs=1e-9)
    assert soft.violation.upper == pytest.approx(2.5, abs=1e-9)


def test_labels_that_say_nothing_give_zero():
    X, y = np.array([[1.0], [1.0], [-1.0], [-1.0]]), np.array([0, 1, 0, 1])
    soft = solve_soft_margin(X, y, 2)
    assert np.all(soft.coef == 0.0)
    assert soft.violation == pytest.approx((4.0, 4.0), rel=1e-9)


@pytest.mark.parametrize("norm", NAMES)
def test_separable_data_give_the_hard_margin(norm):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((30, 4))
    y = (X @ rng.standard_normal((4, 3))).argmax(axis=1)
    soft = solve_soft_margin(X, y, 3, norm=norm)
    hard = solve_hard_margin(X, y, norm=norm)
    assert soft.violation.upper <= 1e-7
    assert soft.norm_value == pytest.approx(hard.norm_value, rel=1e-7)


def test_a_weight_is_so_many_copies():
    X, y, K, omega = _overlapping("blobs")
    copies = np.repeat(np.arange(len(y)), omega.astype(int))
    weighted = solve_soft_margin(X, y, K, sample_weight=omega)
    repeated = solve_soft_margin(X[copies], y[copies], K)
    assert weighted.coef == pytest.approx(repeated.coef, abs=1e-10)
    assert weighted.violation.upper == pytest.approx(repeated.violation.upper, rel=1e-12)


def test_sparse_rows_are_the_same_problem():
    X, y, K, omega = _overlapping("blobs")
    dense = solve_soft_margin(X, y, K, sample_weight=omega, fit_intercept=True)
    sparse = solve_soft_margin(sp.csr_array(X), y, K, sample_weight=omega, fit_intercept=True)
    assert sparse.full_coef == pytest.approx(dense.full_coef, abs=1e-8)


def test_nothing_within_the_radius_is_below_the_lower_end():
    X, y, K, omega = _overlapping("blobs")
    soft = solve_soft_margin(X, y, K, sample_weight=omega)
    rng = np.random.default_rng(0)
    for scale in (1e-3, 0.1, 1.0, 10.0):
        for _ in range(20):
            W = soft.coef + scale * rng.standard_normal(soft.coef.shape)
            assert np.linalg.norm(W) <= soft.radius
            assert total_violation(X, y, W, omega) >= soft.violation.lower


def test_the_multipliers_balance():
    X, y, K, omega = _overlapping("blobs")
    weights = solve_soft_margin(X, y, K, sample_weight=omega).dual_weights.toarray()
    assert weights.min() >= 0.0
    assert np.all(weights.sum(axis=1) <= omega)
    signed = -weights
    signed[np.arange(len(y)), y] = weights.sum(axis=1)
    assert np.abs(signed.T @ X).max() <= 1e-10


def test_the_scale_of_the_features_scales_the_coefficients():
    X, y, K, omega = _overlapping("blobs")
    plain = solve_soft_margin(X, y, K, sample_weight=omega)
    for factor in (1e-6, 1e6):
        scaled = solve_soft_margin(factor * X, y, K, sample_weight=omega)
        assert factor * scaled.coef == pytest.approx(plain.coef, abs=1e-7)


def test_pairs_that_were_left_out_at_first_enter():
    rng = np.random.default_rng(5)
    X = rng.standard_normal((300, 6))
    y = (X @ rng.standard_normal((6, 5)) + 2.0 * rng.standard_normal((300, 5))).argmax(axis=1)
    soft = solve_soft_margin(X, y, 5, fit_intercept=True)
    least, size = least_violation(X, y, 5, "frobenius", np.ones(300), fit_intercept=True)
    assert soft.n_rounds > 1
    assert soft.violation.upper == pytest.approx(least, rel=1e-8)
    assert soft.norm_value == pytest.approx(size, rel=1e-5)


def test_a_programme_that_is_too_large_is_refused(monkeypatch):
    X, y, K, _ = _overlapping("blobs")
    monkeypatch.setattr("marginscope.solvers.violation_programme.MOST_NONZEROS", 10)
    with pytest.raises(NotSolvedError, match="nonzeros"):
        solve_soft_margin(X, y, K)


@pytest.mark.parametrize("seed", [0, 1, 2, 4, 5, 7, 8, 10, 11, 13])
def test_small_integer_problems_with_many_ties(seed):
    rng = np.random.default_rng(seed)
    K, d, n = int(rng.integers(2, 5)), int(rng.integers(1, 4)), int(rng.integers(8, 20))
    X = rng.integers(-2, 3, (n, d)).astype(float)
    y = np.r_[np.arange(K), rng.integers(0, K, n - K)]
    omega = rng.integers(1, 4, n).astype(float)
    norm = NAMES[seed % 5]
    soft = solve_soft_margin(X, y, K, norm=norm, fit_intercept=True, sample_weight=omega)
    least, size = least_violation(X, y, K, norm, omega, fit_intercept=True)
    assert soft.violation.upper == pytest.approx(least, rel=1e-7, abs=1e-7)
    assert soft.norm_value <= size * (1 + 1e-5) + 1e-6


def test_margins_far_beyond_one_need_no_pair_at_first():
    X, y = np.array([[-1e3], [1e3]]), np.array([0, 1])
    soft = solve_soft_margin(X, y, 2)
    assert soft.coef == pytest.approx(np.array([[-0.5e-3], [0.5e-3]]), rel=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_badly_scaled_columns_have_the_least_violation_all_the_same(seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((30, 3)) * np.array([1e-3, 1.0, 1e3])
    y = rng.integers(0, 3, 30)
    soft = solve_soft_margin(X, y, 3, norm=NAMES[seed % 5], fit_intercept=True)
    least, _ = least_violation(X, y, 3, "frobenius", np.ones(30), fit_intercept=True)
    assert soft.violation.upper == pytest.approx(least, rel=1e-5)


def test_very_many_coefficients_are_not_searched_for_the_least_norm(monkeypatch):
    X, y, K, omega = _overlapping("blobs")
    plain = solve_soft_margin(X, y, K, sample_weight=omega)
    monkeypatch.setattr("marginscope.solvers.optimal_face._MOST_UNKNOWNS", 4)
    soft = solve_soft_margin(X, y, K, sample_weight=omega)
    assert soft.status == "inaccurate"
    assert "least norm" in soft.reason
    assert soft.violation.upper == pytest.approx(plain.violation.upper, rel=1e-9)
