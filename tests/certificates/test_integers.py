"""Exact integers behind floats, and elimination without fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from marginscope.certificates.integers import echelon_form, integer_coefficients, integer_columns, integer_weights

floats = st.floats(-1e100, 1e100, allow_nan=False) | st.sampled_from([0.1, 1e-310, -0.0, 5e-324, 1e300])


@given(st.lists(st.tuples(floats, floats), min_size=1, max_size=4))
def test_columns_are_integers_times_powers_of_two(rows):
    X = np.array(rows, dtype=float)
    M, exponent = integer_columns(X)
    for i in range(len(X)):
        for j in range(2):
            assert Fraction(M[i, j]) * Fraction(2) ** int(exponent[j]) == Fraction(X[i, j])


@given(st.lists(st.tuples(floats, floats), min_size=2, max_size=4))
def test_coefficients_keep_their_proportions(rows):
    W = np.array(rows, dtype=float)
    M = integer_coefficients(W, np.array([3, -700]))
    exact = [[Fraction(w) * Fraction(2) ** e for w, e in zip(row, (3, -700), strict=True)] for row in W]
    unit = next((Fraction(M[i, j]) / exact[i][j] for i in range(len(W)) for j in range(2) if exact[i][j]), None)
    for i in range(len(W)):
        for j in range(2):
            assert Fraction(M[i, j]) == (exact[i][j] * unit if unit else 0)


def test_weights_stay_positive_when_rounded():
    assert integer_weights(np.array([1.0, 1e-300])).tolist() == [2**60 + 1, 1]


@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 6), st.integers(1, 4))
def test_the_echelon_form_is_that_of_the_rationals(seed, m, n, rank):
    rng = np.random.default_rng(seed)
    M = (rng.integers(-3, 4, (m, rank)) @ rng.integers(-3, 4, (rank, n))).astype(object)
    form = echelon_form(M)
    assert len(form.pivots) == np.linalg.matrix_rank(M.astype(float))
    for i, column in enumerate(form.pivots):
        assert [form.rows[r, column] for r in range(len(form.pivots))] == [
            form.denominator if r == i else 0 for r in range(len(form.pivots))
        ]
    assert np.linalg.matrix_rank(M[form.kept].astype(float)) == len(form.pivots) if form.pivots else True
    assert form.spans(M).all()


def test_a_row_outside_the_span_is_seen():
    form = echelon_form(np.array([[1, 2, 0], [0, 0, 3]], dtype=object))
    assert form.spans(np.array([[2, 4, -5], [1, 0, 0]], dtype=object)).tolist() == [True, False]


def test_a_system_is_solved_exactly():
    rng = np.random.default_rng(4)
    A = rng.integers(-(2**53), 2**53, (8, 8)).astype(object)
    x = np.array([Fraction(int(a), int(b)) for a, b in rng.integers(1, 1000, (8, 2))], dtype=object)
    b = A @ x
    common = 1
    for value in b:
        common = common * value.denominator
    solved = echelon_form(np.column_stack([A, (b * common).astype(object)]).astype(object), 8)
    rows = [Fraction(int(v), int(solved.denominator)) / common for v in solved.rows[:, -1]]
    assert rows == list(x)
