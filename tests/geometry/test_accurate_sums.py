"""Accurate sums against exact rationals."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginscope.geometry.accurate_sums import product_parts, sum_of_products

floats = st.floats(-1e90, 1e90, allow_subnormal=True)


def exactly(a, b):
    return sum((Fraction(x) * Fraction(z) for x, z in zip(a, b, strict=True)), Fraction(0))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(floats, floats), min_size=1, max_size=20))
def test_the_bound_holds_for_any_floats(terms):
    a, b = (np.array(one) for one in zip(*terms, strict=True))
    value, bound = sum_of_products(a[:, None], b[:, None])
    assert abs(Fraction(value[0]) - exactly(a, b)) <= Fraction(bound[0])


@pytest.mark.parametrize("n", [1, 2, 3, 7, 64, 1001])
def test_cancelled_sums_keep_their_digits(n):
    rng = np.random.default_rng(n)
    a, b = rng.standard_normal((n, 5)) * 10.0 ** rng.integers(-6, 6, (n, 1)), rng.standard_normal((n, 5))
    # the last term cancels all but a billionth of the sum
    a = np.vstack([a, -(a * b).sum(axis=0) * (1 - 1e-9)])
    b = np.vstack([b, np.ones(5)])
    value, bound = sum_of_products(a, b)
    for j in range(5):
        exact = exactly(a[:, j], b[:, j])
        assert abs(Fraction(value[j]) - exact) <= Fraction(bound[j])
        assert bound[j] <= 1e-14 * abs(value[j]) + 1e-27 * np.abs(a[:, j] * b[:, j]).sum()


def test_products_come_in_two_exact_parts():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal(200) * 10.0 ** rng.integers(-90, 90, 200), rng.standard_normal(200)
    high, low = product_parts(a, b)
    for x, z, h, r in zip(a, b, high, low, strict=True):
        assert Fraction(x) * Fraction(z) == Fraction(h) + Fraction(r)


def test_no_terms_sum_to_zero_without_error():
    value, bound = sum_of_products(np.zeros((0, 3)), np.zeros((0, 3)))
    assert value.tolist() == [0, 0, 0]
    assert bound.tolist() == [0, 0, 0]


def test_overflow_shows_in_the_bound():
    with np.errstate(all="ignore"):
        _, bound = sum_of_products(np.full((2, 1), 1e200), np.array([[1e200], [-1e200]]))
    assert not np.isfinite(bound[0])
