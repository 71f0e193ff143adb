"""Directions of a single column: what they separate, and that they never do harm."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from marginscope.geometry.margins import all_pairs, relative_margins
from marginscope.solvers.one_sided import one_sided_direction
from oracles import exact_separability


def with_ones(X):
    return np.column_stack([X, np.ones(len(X))])


def test_a_category_that_a_class_never_shows_separates_its_rows_from_that_class():
    shown = np.array([1.0, 0, 1, 0, 0, 0])
    y = np.array([0, 0, 1, 1, 2, 2])
    found = one_sided_direction(with_ones(shown[:, None]), y, all_pairs(y, 3), has_ones=True)
    assert np.argwhere(found.separable).tolist() == [[0, 2], [2, 2]]
    assert one_sided_direction(with_ones(shown[:, None]), y, all_pairs(y, 3) & ~found.separable, has_ones=True) is None


def test_a_gap_separates_the_classes_on_its_sides_completely():
    x, y = np.array([[0.0], [1.0], [5.0], [7.0]]), np.array([0, 1, 2, 2])
    found = one_sided_direction(with_ones(x), y, all_pairs(y, 3), has_ones=True)
    assert np.array_equal(found.separable, all_pairs(y, 3))
    # without a column of ones the threshold is 0, where class 0 lies
    plain = one_sided_direction(x, y, all_pairs(y, 3), has_ones=False)
    assert np.argwhere(plain.separable).tolist() == [[1, 0], [2, 0], [3, 0]]


def test_a_class_on_both_sides_stops_everything_unless_its_rows_are_won():
    x = np.array([[-1.0], [1.0], [2.0], [3.0]])
    y = np.array([0, 0, 1, 1])
    tied = all_pairs(y, 2)
    assert one_sided_direction(with_ones(x[[0, 1, 2, 0]]), y, tied, has_ones=True) is None
    tied[3] = False
    found = one_sided_direction(with_ones(x[[0, 1, 2, 0]]), y, tied, has_ones=True)
    assert found.separable.sum() == 3
    assert not found.separable[3].any()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.booleans())
def test_margins_are_never_negative_and_the_pairs_are_those_that_rise(seed, has_ones, as_sparse):
    rng = np.random.default_rng(seed)
    n, d, k = int(rng.integers(3, 20)), int(rng.integers(1, 5)), int(rng.integers(2, 5))
    X = rng.integers(-2, 3, (n, d)) * (rng.random((n, d)) < 0.5)
    Z = with_ones(X) if has_ones else X.astype(float)
    y = rng.integers(0, k, n)
    tied = all_pairs(y, k) & (rng.random((n, k)) < 0.8)
    found = one_sided_direction(sp.csr_array(Z) if as_sparse else Z, y, tied, has_ones=has_ones)
    if found is None:
        return
    u = relative_margins(Z, y, found.theta)
    assert np.min(u, where=tied, initial=0.0) >= 0.0  # halves and small integers do not round
    assert np.array_equal(found.separable, tied & (u > 0))


@pytest.mark.parametrize("seed", range(30))
def test_what_it_finds_is_separable(seed):
    rng = np.random.default_rng(seed)
    X, y = rng.integers(0, 2, (7, 2)) * rng.integers(0, 3, (7, 2)), np.array([0, 0, 1, 1, 2, 2, 2])
    found = one_sided_direction(with_ones(X), y, all_pairs(y, 3), has_ones=True)
    exact = exact_separability.separable_pairs(X.tolist(), y.tolist(), 3, True)
    if found is not None:
        assert {(int(i), int(k)) for i, k in np.argwhere(found.separable)} <= exact
