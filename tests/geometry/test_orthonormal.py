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
    coef, intercept = features.to_original(theta)
    pairs = all_pairs(y, 3)
    own = relative_margins(X, y, coef, intercept) * features.row_scale[:, None]
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
    coef, intercept = features.to_original(np.zeros((3, 0)))
    assert coef.shape == (3, 2)
    assert intercept is None
