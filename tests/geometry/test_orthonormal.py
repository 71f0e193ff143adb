"""Orthonormal features have the margins of the original ones."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from marginscope.geometry.margins import all_pairs, relative_margins
from marginscope.geometry.orthonormal import column_exponents, orthonormal_features


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("shape", [(30, 4), (5, 20), (6, 6)])
def test_margins_agree_up_to_the_row_scale(shape, fit_intercept):
    rng = np.random.default_rng(0)
    X = rng.standard_normal(shape) * 10.0 ** rng.integers(-8, 9, shape[1])
    y = rng.integers(0, 3, shape[0])
    features = orthonormal_features(X, fit_intercept=fit_intercept)
    theta = rng.standard_normal((3, features.Q.shape[1]))
    Z = np.column_stack([X, np.ones(len(X))]) if fit_intercept else X
    pairs = all_pairs(y, 3)
    own = relative_margins(Z, y, features.to_columns(theta)) * features.row_scale[:, None]
    assert np.allclose(own[pairs], relative_margins(features.Q, y, theta)[pairs], atol=1e-8)


def test_columns_are_orthogonal_and_dependent_ones_dropped():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((50, 3))
    X = np.column_stack([X, X[:, 0] + X[:, 1], np.zeros(50), np.full(50, 7.0)])
    Q = orthonormal_features(X, fit_intercept=True).Q
    assert Q.shape[1] == 4
    assert np.allclose(Q.T @ Q, 50 * np.eye(4), atol=1e-10)


def test_scales_are_powers_of_two():
    X = np.array([[3.0, 0.0, 1e-300], [4.0, 0.0, 5e-301]])
    assert column_exponents(X).tolist() == [3, 0, -996]
    assert column_exponents(sp.csr_array(X)).tolist() == [3, 0, -996]
    scale = orthonormal_features(np.array([[3.0], [300.0]]), fit_intercept=False).row_scale
    assert np.all(np.log2(scale) == np.round(np.log2(scale)))


def test_features_of_zeros_have_rank_zero():
    features = orthonormal_features(np.zeros((4, 2)), fit_intercept=False)
    assert features.Q.shape == (4, 0)
    assert features.to_columns(np.zeros((3, 0))).tolist() == [[0.0, 0.0]] * 3


def test_factors_on_rows_and_columns_leave_the_span_of_the_scaled_features():
    # small integers, one row of which shows two columns; powers of two change nothing but exponents
    rng = np.random.default_rng(2)
    X = rng.integers(-2, 3, (40, 4)).astype(float) * (rng.random((40, 4)) < 0.6)
    moved = np.ldexp(X, rng.integers(-30, 31, (40, 1)) + rng.integers(-40, 41, 4))
    plain = orthonormal_features(X, fit_intercept=False)
    features = orthonormal_features(moved, fit_intercept=False)
    assert features.Q.shape == plain.Q.shape == (40, 4)
    # no row is small beside the others, and no column is lost in the largest entries of its rows
    size = np.sqrt((features.Q**2).sum(axis=1))[X.any(axis=1)]
    assert size.max() < 300 * size.min()
    theta = rng.standard_normal((3, 4))
    u = relative_margins(features.Q, np.arange(40) % 3, theta)
    own = relative_margins(moved, np.arange(40) % 3, features.to_columns(theta)) * features.row_scale[:, None]
    shown = np.isfinite(u) & X.any(axis=1)[:, None]
    assert np.allclose(own[shown] / np.abs(own[shown]).max(), u[shown] / np.abs(own[shown]).max(), atol=1e-9)
