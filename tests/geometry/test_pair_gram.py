"""The second moment of the pair features against its definition."""

from __future__ import annotations

import numpy as np
import pytest

from marginscope.geometry.pair_gram import pair_gram


def written_out(X, y, weights):
    n, k = weights.shape
    H = np.zeros((k * X.shape[1],) * 2)
    for i in range(n):
        for c in range(k):
            if c != y[i]:
                row = np.zeros((k, X.shape[1]))
                row[y[i]], row[c] = X[i], -X[i]
                H += weights[i, c] * np.outer(row, row)
    return H


# few classes take matrix products by rival, many the products of two features
@pytest.mark.parametrize(("n", "d", "k"), [(30, 20, 3), (30, 3, 6), (7, 5, 2), (3, 2, 5), (0, 2, 3), (4, 1, 3)])
@pytest.mark.parametrize("is_sorted", [True, False])
def test_it_is_the_sum_over_pairs(n, d, k, is_sorted):
    rng = np.random.default_rng(n + d)
    X, y = rng.standard_normal((n, d)), rng.integers(0, k, n)
    y = np.sort(y) if is_sorted else y
    weights = rng.random((n, k)) * (rng.random((n, k)) < 0.6)
    weights[np.arange(n), y] = 7.0  # not read
    expected = written_out(X, y, weights)
    found = pair_gram(X, y, weights)
    assert np.allclose(found, expected, atol=1e-12)
    assert np.array_equal(found, found.T)


def test_the_gauge_stiffens_what_all_classes_share_and_nothing_else():
    rng = np.random.default_rng(1)
    X, y, weights = rng.standard_normal((40, 3)), rng.integers(0, 4, 40), rng.random((40, 4))
    plain, stiff = pair_gram(X, y, weights), pair_gram(X, y, weights, gauge=1.0)
    shared = np.tile(rng.standard_normal(3), 4)
    other = rng.standard_normal((4, 3))
    other = (other - other.mean(axis=0)).ravel()
    assert np.allclose(plain @ shared, 0.0, atol=1e-12)
    assert np.allclose(stiff @ shared, np.trace(plain) / 12 * shared)
    assert np.allclose(stiff @ other, plain @ other)
