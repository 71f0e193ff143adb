"""The Fisher information against loops and finite differences."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from marginscope.geometry.softmax_information import softmax_information

rng = np.random.default_rng(0)
Z, W = rng.standard_normal((12, 3)), rng.standard_normal((4, 3))
omega, y = rng.integers(1, 4, 12).astype(float), rng.integers(0, 4, 12)


@pytest.mark.parametrize(("n", "K", "p"), [(12, 4, 3), (70, 2, 30), (900, 40, 6), (5, 3, 1)])
def test_it_is_the_sum_over_rows(n, K, p):
    # wide tables, and many classes whose rows are taken in parts
    Z, P, omega = rng.standard_normal((n, p)), softmax(rng.standard_normal((n, K)), axis=1), rng.integers(1, 4, n)
    F = sum(w * np.kron(np.diag(p) - np.outer(p, p), np.outer(z, z)) for w, p, z in zip(omega, P, Z, strict=True))
    np.testing.assert_allclose(softmax_information(Z, P, omega.astype(float)), F, atol=1e-11)
    ones = sum(np.kron(np.diag(p) - np.outer(p, p), np.outer(z, z)) for p, z in zip(P, Z, strict=True))
    np.testing.assert_allclose(softmax_information(Z, P), ones, atol=1e-11)


def test_sure_rows_keep_their_digits():
    # the second class has probability 1e-20, which 1 - p would lose
    P = np.array([[1.0, 1e-20]])
    np.testing.assert_allclose(
        softmax_information(np.ones((1, 1)), P), 1e-20 * np.array([[1, -1], [-1, 1]]), rtol=1e-15
    )


def test_it_is_minus_the_second_difference_of_the_log_likelihood():
    def log_likelihood(w):
        return omega @ log_softmax(Z @ w.reshape(4, 3).T, axis=1)[np.arange(12), y]

    step = 1e-4
    F = softmax_information(Z, softmax(Z @ W.T, axis=1), omega)
    for a, b in [(0, 0), (0, 5), (4, 7), (11, 11)]:
        e, f = step * np.eye(12)[a], step * np.eye(12)[b]
        w = W.ravel()
        corners = [log_likelihood(w + s * e + t * f) for s, t in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
        second = (corners[0] - corners[1] - corners[2] + corners[3]) / (4 * step**2)
        assert abs(F[a, b] + second) < 1e-5


def test_a_common_vector_has_no_information():
    F = softmax_information(Z, softmax(Z @ W.T, axis=1))
    assert np.abs(F @ np.tile(rng.standard_normal(3), 4)).max() < 1e-14
