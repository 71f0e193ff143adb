"""Rank, the way back to the table, and what collinear tables determine."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

import marginscope as ms
from marginscope.exceptions import UsageError
from marginscope.inference.design import make_design

rng = np.random.default_rng(0)
N = 120
Z = np.array([5.0, 0.0, -2.0]) + rng.standard_normal((N, 3))
y = np.append(rng.integers(0, 3, N - 3), [0, 1, 2])


def mnlogit(X):
    return sm.MNLogit(y, np.column_stack([X, np.ones(N)])).fit(method="newton", disp=0, maxiter=100, tol=1e-11)


@given(st.integers(0, 10**6), st.booleans())
@settings(max_examples=30)
def test_scores_and_tables_are_one(seed, intercept):
    draw = np.random.default_rng(seed)
    d, rank = draw.integers(1, 6), draw.integers(1, 5)
    X = draw.integers(-3, 4, (30, rank)) @ draw.integers(-2, 3, (rank, d)) * 10.0 ** draw.integers(-3, 4, d)
    if not X.any():
        return
    design = make_design(X, draw.integers(1, 4, 30).astype(float), fit_intercept=bool(intercept))
    centred = X - design.centre
    np.testing.assert_allclose(design.Q @ design.span, centred, atol=1e-9 * np.abs(X).max())
    assert design.rank == np.linalg.matrix_rank(centred / np.where(design.size > 0, design.size, 1.0), tol=1e-8)
    W = draw.standard_normal((2, design.rank + intercept))
    table = W @ design.back
    scores = (np.column_stack([design.Q, np.ones(30)]) if intercept else design.Q) @ W.T
    np.testing.assert_allclose(X @ table[:, :-1].T + table[:, -1], scores, rtol=1e-7, atol=1e-7)
    # a functional is determined if and only if it is a combination of the rows of the table
    rows = np.column_stack([X / np.where(design.size > 0, design.size, 1.0), np.ones(30) * intercept])
    unit = np.eye(d + 1)
    known = np.array(
        [np.linalg.matrix_rank(np.vstack([rows, e]), 1e-7) == np.linalg.matrix_rank(rows, 1e-7) for e in unit]
    )
    np.testing.assert_array_equal(design.determines(unit), known)


def test_a_copy_in_other_units_leaves_its_sum_determined():
    X = pd.DataFrame({"length": Z[:, 0], "width": Z[:, 1], "inches": 2.0 * Z[:, 0]})
    found, single = ms.class_tests(X, y, gauge=0), mnlogit(Z[:, :2])
    assert found.not_determined == ("length", "inches")
    assert np.isnan(found.coef[:, [0, 2]]).all()
    assert np.isnan(found.std_err[:, [0, 2]]).all()
    np.testing.assert_allclose(found.coef[1:, 1], single.params[1], rtol=1e-7)
    np.testing.assert_allclose(found.std_err[1:, 1], single.bse[1], rtol=1e-7)
    np.testing.assert_allclose(found.intercept[1:], single.params[2], rtol=1e-7)
    assert found.log_likelihood == pytest.approx(single.llf, abs=1e-9)
    # a step of one length is a step of two inches
    together = found.contrast({1: 1, 0: -1}, {"length": 1, "inches": 2})
    assert (together.estimate, together.std_err) == pytest.approx((single.params[0, 0], single.bse[0, 0]), rel=1e-7)
    with pytest.raises(UsageError, match="the table determines is needed"):
        found.contrast({1: 1, 0: -1}, "length")
    assert "Not determined, because columns are constant or depend on each other: length, inches." in str(found)


@pytest.mark.parametrize(("offset", "scale"), [(0.0, 1.0), (1e3, 1.0), (1e4, 1e-3), (-1e6, 10.0)])
def test_a_copy_is_seen_through_its_rounding(offset, scale):
    # three times a number is rounded, and far from zero the rounding is much of its spread
    x = offset + scale * Z[:, 0]
    found = ms.class_tests(np.column_stack([x, 3.0 * x, Z[:, 1]]), y)
    assert found.not_determined == ("x0", "x1")
    assert found.class_rows["0"].df == 2
    assert found.log_likelihood == pytest.approx(mnlogit(Z[:, :2]).llf, abs=1e-6)


def test_what_others_replace_has_no_degree_of_freedom():
    X = np.column_stack([Z[:, :2], Z[:, 0] - Z[:, 1], Z[:, 2]])
    found = ms.class_tests(X, y)
    assert [found.features[f"x{j}"].df for j in range(4)] == [0, 0, 0, 2]
    assert found.features["x0"].p_value is None
    assert found.class_rows["0"].df == 3
    full, without = mnlogit(Z), mnlogit(Z[:, :2])
    assert found.features["x3"].ratio == pytest.approx(2 * (full.llf - without.llf), abs=1e-7)


def test_a_full_set_of_dummies_gives_their_differences():
    group = np.arange(N) % 3
    dummies = np.eye(3)[group]
    found, treated = ms.class_tests(dummies, y, gauge=0), mnlogit(dummies[:, 1:])
    assert found.not_determined == ("x0", "x1", "x2", "(intercept)")
    one = found.contrast({2: 1, 0: -1}, {"x1": 1, "x0": -1})
    assert (one.estimate, one.std_err) == pytest.approx((treated.params[0, 1], treated.bse[0, 1]), rel=1e-7)
    mean = found.contrast({1: 1, 0: -1}, {"x2": 1, "(intercept)": 1})
    expected = treated.params[[1, 2], 0].sum()
    assert mean.estimate == pytest.approx(expected, rel=1e-7)
    # without an intercept the dummies are determined
    plain = ms.class_tests(dummies, y, gauge=0, fit_intercept=False)
    assert plain.not_determined == ()
    assert plain.coef[1, 2] == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e8])
def test_a_constant_column(value):
    X = np.column_stack([Z, np.full(N, value)])
    found, expected = ms.class_tests(X, y, gauge=0), mnlogit(Z)
    assert found.not_determined == (("x3", "(intercept)") if value else ("x3",))
    np.testing.assert_allclose(found.coef[1:, :3], expected.params[:3].T, rtol=1e-7)
    np.testing.assert_allclose(found.std_err[1:, :3], expected.bse[:3].T, rtol=1e-7)
    assert np.isnan(found.covariance[3]).all()
    assert not np.isnan(found.covariance[0, 5])


def test_nearly_collinear_columns_are_determined_but_unsure():
    noise, size = rng.standard_normal(N), 1e-5
    found = ms.class_tests(np.column_stack([Z[:, 0], Z[:, 0] + size * noise, Z[:, 1]]), y, gauge=0)
    assert found.not_determined == ()
    # the same model in columns that are far from collinear: a + b on the first, size * b on the noise
    expected = mnlogit(np.column_stack([Z[:, 0], noise, Z[:, 1]]))
    np.testing.assert_allclose(found.coef[1:, 1], expected.params[1] / size, rtol=1e-6)
    np.testing.assert_allclose(found.coef[1:, 0], expected.params[0] - expected.params[1] / size, rtol=1e-6)
    np.testing.assert_allclose(found.std_err[1:, 1], expected.bse[1] / size, rtol=1e-6)
    assert found.std_err[1, 0] > 1000 * found.std_err[1, 2]
    together = found.contrast({1: 1, 0: -1}, {"x0": 1, "x1": 1})
    assert (together.estimate, together.std_err) == pytest.approx((expected.params[0, 0], expected.bse[0, 0]), rel=1e-4)
