"""Gauges keep margins and probabilities, and covariances follow the Kronecker formula."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit, softmax

from marginscope.exceptions import UsageError
from marginscope.geometry.gauge import (
    change_covariance,
    change_gauge,
    contrast_basis,
    gauge_matrix,
    one_row,
    two_rows,
)
from marginscope.geometry.margins import relative_margins

# dyadic numbers: sums of a few are exact, so equal means equal
dyadic = st.integers(-(2**20), 2**20).map(lambda n: n / 2**10)
shapes = st.tuples(st.sampled_from([2, 4, 8]), st.integers(1, 5))
matrices = shapes.flatmap(lambda shape: arrays(float, shape, elements=dyadic))


@given(matrices, st.data())
def test_margins_are_the_same_to_the_last_bit(W, data):
    K, d = W.shape
    X = data.draw(arrays(float, (3, d), elements=st.integers(-8, 8).map(float)))
    y = np.array([0, K - 1, K // 2])
    for reference in (None, *range(K)):
        np.testing.assert_array_equal(relative_margins(X, y, change_gauge(W, reference)), relative_margins(X, y, W))


@given(matrices)
def test_each_gauge_has_its_mark_and_can_be_had_from_any_other(W):
    K = len(W)
    assert not change_gauge(W).sum(axis=0).any()
    for reference in range(K):
        there = change_gauge(W, reference)
        assert not there[reference].any()
        np.testing.assert_array_equal(change_gauge(there), change_gauge(W))
        np.testing.assert_array_equal(change_gauge(change_gauge(W), reference), there)
        # rational arithmetic as oracle
        for k in range(K):
            assert [Fraction(a) - Fraction(b) for a, b in zip(W[k], W[reference], strict=True)] == list(
                map(Fraction, there[k])
            )


def test_probabilities_and_intercepts_with_three_classes():
    rng = np.random.default_rng(0)
    W, b, X = rng.standard_normal((3, 4)), rng.standard_normal(3), rng.standard_normal((9, 4))
    P = softmax(X @ W.T + b, axis=1)
    for reference in (None, 0, 1, 2):
        scores = X @ change_gauge(W, reference).T + change_gauge(b, reference)
        np.testing.assert_allclose(softmax(scores, axis=1), P, rtol=1e-13)


@pytest.mark.parametrize("reference", [None, 0, 2])
def test_the_matrix_and_the_covariance(reference):
    rng = np.random.default_rng(1)
    K, p = 4, 3
    W, root = rng.standard_normal((K, p)), rng.standard_normal((K * p, K * p))
    C = root @ root.T
    G = gauge_matrix(K, reference)
    np.testing.assert_allclose(G @ W, change_gauge(W, reference), atol=1e-14)
    big = np.kron(G, np.eye(p))
    np.testing.assert_allclose(change_covariance(C, K, reference), big @ C @ big.T, rtol=1e-12, atol=1e-12)
    # any gauge on the way gives the same
    through = change_covariance(change_covariance(C, K, 1), K, reference)
    np.testing.assert_allclose(through, big @ C @ big.T, rtol=1e-12, atol=1e-12)


def test_the_covariance_is_that_of_the_gauge_changed_draws():
    rng = np.random.default_rng(2)
    root = rng.standard_normal((6, 6))
    draws = rng.standard_normal((50, 6)) @ root.T
    moved = np.array([change_gauge(one.reshape(3, 2), 1).ravel() for one in draws])
    np.testing.assert_allclose(change_covariance(np.cov(draws.T), 3, 1), np.cov(moved.T), atol=1e-12)


@given(arrays(float, (1, 4), elements=st.floats(-1e6, 1e6).filter(lambda v: v == 0 or abs(v) > 1e-300)))
def test_one_row_and_two_rows_are_inverse(w):
    W = two_rows(w)
    np.testing.assert_array_equal(one_row(W), w)
    assert not W.sum(axis=0).any()
    x = np.array([1.0, -0.5, 2.0, 0.25])
    assert softmax(W @ x)[1] == pytest.approx(expit(w[0] @ x), rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("K", [2, 3, 7])
def test_the_basis_of_contrasts_is_orthonormal_and_sums_to_zero(K):
    H = contrast_basis(K)
    np.testing.assert_allclose(H.T @ H, np.eye(K - 1), atol=1e-15)
    np.testing.assert_allclose(H @ H.T, gauge_matrix(K), atol=1e-15)


def test_misuse_is_told():
    with pytest.raises(UsageError, match="0 to 2 is needed, but got 3"):
        change_gauge(np.zeros((3, 2)), 3)
    with pytest.raises(UsageError, match="rows of two classes are needed, but got 3"):
        one_row(np.zeros((3, 2)))
    for shape in ((4, 4), (6, 5), (6,)):
        with pytest.raises(UsageError, match="square covariance"):
            change_covariance(np.zeros(shape), 3)
