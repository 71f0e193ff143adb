"""Margins, their adjoint and their rounding, against pair features written out."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from marginscope.geometry.margins import (
    all_pairs,
    pair_sum,
    relative_margins,
    rounding_bound,
    signed_weights,
    worst_margin,
)
from marginscope.geometry.pair_gram import pair_gram
from oracles.pair_features import pair_matrix


def problem(seed, n=7, d=3, k=4):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.integers(0, k, n), rng.standard_normal((k, d)), rng


@given(st.integers(0, 10**6))
def test_margins_are_products_with_pair_features(seed):
    X, y, W, _ = problem(seed)
    pairs, A = pair_matrix(X, y, 4)
    u = relative_margins(X, y, W)
    for (i, k), value in zip(pairs, A @ W.ravel(), strict=True):
        assert u[i, k] == pytest.approx(value, abs=1e-12)
    assert np.all(np.isposinf(u[np.arange(len(y)), y]))


@given(st.integers(0, 10**6))
def test_the_adjoint_is_the_adjoint(seed):
    X, y, W, rng = problem(seed)
    weights = rng.random((len(y), 4)) * all_pairs(y, 4)
    u = np.where(all_pairs(y, 4), relative_margins(X, y, W), 0.0)
    assert (u * weights).sum() == pytest.approx((pair_sum(X, y, weights) * W).sum(), rel=1e-11)


def test_sparse_features_give_the_same():
    X, y, W, rng = problem(3, n=40, d=6)
    X[X < 0.5] = 0.0
    b = rng.standard_normal(4)
    weights = rng.random((40, 4)) * all_pairs(y, 4)
    S = sp.csr_array(X)
    assert np.allclose(relative_margins(S, y, W, b)[all_pairs(y, 4)], relative_margins(X, y, W, b)[all_pairs(y, 4)])
    assert np.allclose(pair_sum(S, y, weights), pair_sum(X, y, weights))
    assert np.allclose(rounding_bound(S, y, W, b), rounding_bound(X, y, W, b))


def test_the_intercept_is_a_column_of_ones():
    X, y, W, rng = problem(5)
    b = rng.standard_normal(4)
    joined = relative_margins(np.column_stack([X, np.ones(len(X))]), y, np.column_stack([W, b]))
    assert np.allclose(relative_margins(X, y, W, b)[all_pairs(y, 4)], joined[all_pairs(y, 4)])


def test_signed_weights_ignore_the_own_class_and_sum_to_zero():
    y = np.array([0, 2])
    signed = signed_weights(y, np.array([[9.0, 1.0, 2.0], [3.0, 4.0, 9.0]]))
    assert signed.tolist() == [[3.0, -1.0, -2.0], [-3.0, -4.0, 7.0]]


def test_a_tiny_weight_survives_beside_the_own_class():
    # 1 - p would have lost it
    signed = signed_weights(np.array([0]), np.array([[0.0, 1e-30]]))
    assert signed[0, 0] == 1e-30


def test_the_worst_margin_may_be_restricted():
    u = np.array([[np.inf, 2.0], [-1.0, np.inf]])
    assert worst_margin(u) == -1.0
    assert worst_margin(u, np.array([[False, True], [False, False]])) == 2.0


@given(st.integers(0, 10**6), st.integers(-60, 60))
def test_the_rounding_bound_holds_against_rationals(seed, exponent):
    X, y, W, rng = problem(seed, n=3, d=5)
    X = X * 2.0 ** rng.integers(-exponent if exponent > 0 else exponent, abs(exponent) + 1, X.shape)
    u, bound = relative_margins(X, y, W), rounding_bound(X, y, W)
    for i in range(3):
        for k in range(4):
            if k != y[i]:
                exact = sum(
                    (Fraction(a) * (Fraction(b) - Fraction(c)) for a, b, c in zip(X[i], W[y[i]], W[k], strict=True)),
                    Fraction(0),
                )
                assert abs(Fraction(u[i, k]) - exact) <= Fraction(bound[i, k])


@pytest.mark.parametrize("k", [2, 3, 5])
def test_the_gram_is_that_of_written_out_features(k):
    X, y, _, rng = problem(11, n=30, d=4, k=k)
    weights = rng.random((30, k)) ** 8
    pairs, A = pair_matrix(X, y, k)
    flat = np.array([weights[i, c] for i, c in pairs])
    assert np.allclose(pair_gram(X, y, weights), A.T @ (flat[:, None] * A), atol=1e-12)


def test_the_gauge_makes_the_gram_definite():
    X, y, _, rng = problem(12, n=60, d=4, k=3)
    weights = rng.random((60, 3))
    plain, fixed = pair_gram(X, y, weights), pair_gram(X, y, weights, gauge=1.0)
    assert np.linalg.eigvalsh(plain)[3] < 1e-10 < np.linalg.eigvalsh(fixed)[0]
    contrast = np.kron([1.0, -1.0, 0.0], rng.standard_normal(4))
    assert np.allclose(plain @ contrast, fixed @ contrast)
