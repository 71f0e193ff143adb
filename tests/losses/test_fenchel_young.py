"""Sparse losses near the end of their support, where the loss itself is nearly zero."""

import mpmath as mp
import numpy as np
import pytest

from marginscope import losses
from oracles import templates as oracle

ALPHAS = [1.05, 1.2, 1.5, 1.9, 2.0]


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("gap", [1e-1, 1e-3, 1e-5])
def test_the_logarithm_of_a_loss_near_zero_is_exact(alpha, gap):
    one = losses.get("entmax", alpha=alpha)
    u = one.tail_form_from - gap * np.array([[1.0, 0.5, 0.7], [1.0, -3.0, 1.0]])
    with mp.workdps(400):
        expected = [float(mp.log(oracle.psi("entmax", row, alpha=alpha))) for row in u]
    # the loss is a power of the gap, and the gap of two numbers near 1 / (alpha - 1) carries their rounding
    tolerance = 1e-14 * one.tail_form_from / gap / (alpha - 1.0)
    np.testing.assert_allclose(one.log_value(u), expected, rtol=tolerance, atol=tolerance)


def test_entmax_at_two_is_sparsemax():
    u = np.random.default_rng(0).normal(size=(50, 4))
    np.testing.assert_allclose(
        losses.get("entmax", alpha=2.0).weights(u), losses.get("sparsemax").weights(u), atol=1e-15
    )


def test_entmax_goes_to_cross_entropy_at_one():
    u = np.random.default_rng(0).normal(size=(50, 4))
    cross_entropy = losses.get("cross_entropy").weights(u)
    near, nearer = (
        np.abs(losses.get("entmax", alpha=1.0 + step).weights(u) - cross_entropy).max() for step in (1e-3, 1e-4)
    )
    assert near < 2e-3
    assert near / nearer == pytest.approx(10.0, rel=0.01)


@pytest.mark.parametrize("n_rivals", [1, 2, 30, 1000])
def test_probabilities_sum_to_one_for_many_classes(n_rivals):
    u = 3.0 * np.random.default_rng(1).normal(size=(20, n_rivals))
    for one in (losses.get("sparsemax"), losses.get("entmax", alpha=1.3)):
        q = one.weights(u)
        # the true class takes the rest: zero only if some rival is ahead
        rest = 1.0 - q.sum(axis=1)
        assert np.all(rest >= -1e-13)
        assert np.all(rest[u.min(axis=1) > 0] > 0.0)
        ahead = np.take_along_axis(q, u.argmin(axis=1)[:, None], axis=1)[:, 0]
        assert np.all((ahead >= rest - 1e-12) == (u.min(axis=1) <= 0))
