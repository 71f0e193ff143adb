"""The public face: steps of any size, records, statuses and refusals."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from marginscope.exceptions import DataError, NotSeparableError, UsageError
from marginscope.limits.descend import descend
from marginscope.limits.fast_forward import fast_forward
from marginscope.limits.log_steps import log_of_steps
from marginscope.limits.mixed import mixed_limit
from oracles.true_steps import linear_labels, true_steps


@pytest.mark.parametrize("given", [10**1000, "1e1000", "1E+1000 ", Decimal("1e1000")])
def test_a_number_of_steps_may_be_beyond_floats(given):
    assert log_of_steps("n_steps", given) == pytest.approx(1000.0 * math.log(10.0), rel=1e-14)


@pytest.mark.parametrize(
    ("given", "log"), [(1, 0.0), (1e5, math.log(1e5)), (np.int64(7), math.log(7)), ("7.5e2", math.log(750))]
)
def test_a_number_of_steps_may_be_ordinary(given, log):
    assert log_of_steps("n_steps", given) == pytest.approx(log, abs=1e-14)


@pytest.mark.parametrize("given", [0, -1, 0.5, math.nan, math.inf, "many", "nan", "-3", True, None, [5], "1e1000000"])
def test_what_is_no_number_of_steps_is_refused(given):
    with pytest.raises(UsageError, match="n_steps needs"):
        log_of_steps("n_steps", given)


@pytest.mark.parametrize(
    "options", [{}, {"fit_intercept": True}, {"class_margins": [1.0, 2.0, 0.5]}, {"loss": "pair_logistic"}]
)
def test_the_records_are_those_of_descend(options):
    X, y = linear_labels(3, 12, 3)
    marks = [100, 1000, 3000, 10_000]
    fast = fast_forward(X, y, n_steps=10_000, exact_steps=500, record=marks, **options)
    slow = descend(X, y, n_steps=10_000, record=marks, **options)
    assert fast.steps.tolist() == [0, 100, 500, 1000, 3000, 10_000]
    shown = [0, 1, 3, 4, 5]
    for ours, theirs in ((fast.coef, slow.coef), (fast.intercept, slow.intercept)):
        if ours is not None:
            assert ours[shown] == pytest.approx(theirs, rel=1e-7, abs=1e-8)
    assert fast.log_loss[shown] == pytest.approx(slow.log_loss, rel=1e-8)
    assert fast.direction_error[shown] == pytest.approx(slow.direction_error, abs=1e-8, nan_ok=True)
    assert fast.error[:3].tolist() == [0.0, 0.0, 0.0]
    assert np.all(fast.error[3:] > 0.0)
    assert fast.verify(X, y)


@settings(max_examples=8, deadline=None)
@given(data=st.data(), loss=st.sampled_from(["cross_entropy", "pair_logistic"]), fit_intercept=st.booleans())
def test_on_any_small_table_true_steps_are_met_and_the_end_is_the_mixed_limit(data, loss, fit_intercept):
    n, d = data.draw(st.integers(3, 10)), data.draw(st.integers(1, 3))
    X = np.array(
        data.draw(st.lists(st.lists(st.integers(-2, 2), min_size=d, max_size=d), min_size=n, max_size=n)), float
    )
    y = np.array(data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n).filter(lambda one: len(set(one)) > 1)))
    y = np.unique(y, return_inverse=True)[1]
    path = fast_forward(X, y, loss=loss, fit_intercept=fit_intercept, n_steps="1e2000", record=[5000, "1e1000"])
    rows = np.column_stack([X, np.ones(n)]) if fit_intercept else X
    true = true_steps(rows, y, int(y.max()) + 1, loss, path.step_size.scale, [5000])[0]
    W = path.runs[0].W
    scale = max(float(np.linalg.norm(true)), 1e-3)
    assert path.status == "completed"
    assert np.linalg.norm(W[-3] - true) <= 1e-8 * scale
    assert np.linalg.norm(W[-3] - true) <= (path.error[-3] + 1e-12) * scale
    # the growing part knows no loss; slow transients of nearly active pairs are left out by the tolerance
    limit = mixed_limit(X, y, fit_intercept=fit_intercept)
    growing = (
        limit.growing if limit.growing_intercept is None else np.column_stack([limit.growing, limit.growing_intercept])
    )
    growth = (W[-1] - W[-2]) / np.diff(path.log_steps)[-1]
    assert np.linalg.norm(growth - growing) <= 0.01 * max(float(np.linalg.norm(growing)), 1e-6)


def test_coefficients_that_are_zero_by_symmetry_have_no_relative_error():
    path = fast_forward([[1.0], [-1.0], [1.0], [-1.0], [2.0], [2.0]], [0, 1, 1, 0, 0, 1])
    assert path.status == "completed"
    assert np.abs(path.coef[-1]).max() < 1e-12


def test_many_exact_steps_are_compiled_and_end_alike():
    X, y = linear_labels(1, 10, 2)
    few, many = (fast_forward(X, y, n_steps=1e6, exact_steps=one, record=[1e6]) for one in (1000, 50_000))
    assert many.coef[-1] == pytest.approx(few.coef[-1], rel=1e-9)


def test_the_direction_nears_the_largest_margin_like_one_over_the_logarithm():
    X, y = linear_labels(0, 10, 2)
    path = fast_forward(X, y, n_steps="1e1000", record=[1e10, 1e100])
    # its product with the norm tends to the constant part of W orthogonal to the limit
    constant = path.direction_error[-3:] * path.norm_ratio[-3:]
    assert constant == pytest.approx(constant[-1] * np.ones(3), rel=0.005)
    assert path.norm_ratio[-1] > 2000.0
    assert path.steps[-1] == math.inf
    assert path.log_steps[-1] == pytest.approx(1000.0 * math.log(10.0))
    assert path.bracket.lower[-1] <= path.limit.margin * (1 + 1e-9)
    assert path.bracket.upper[-1] >= path.limit.bracket.lower


def test_logarithmic_records_are_few_and_end_at_the_last_step():
    X, y = linear_labels(0, 10, 2)
    near, far = fast_forward(X, y, n_steps=1e5), fast_forward(X, y, n_steps=1e300)
    assert near.steps[-1] == pytest.approx(1e5)
    assert len(near.steps) < 70
    assert len(far.steps) < 350
    assert far.steps[-1] == pytest.approx(1e300, rel=1e-9)
    assert np.all(np.diff(far.log_steps) > 0)


def test_few_steps_are_all_taken():
    X, y = linear_labels(0, 10, 2)
    path = fast_forward(X, y, n_steps=30)
    assert path.coef[-1].tolist() == descend(X, y, n_steps=30).coef[-1].tolist()
    assert path.steps[-1] == 30


def test_other_scales_sparse_rows_and_two_classes():
    X, y = linear_labels(2, 30, 4, 2)
    plain = fast_forward(X, y, record=[1e100])
    assert fast_forward(sp.csr_array(X), y, record=[1e100]).coef[-1] == pytest.approx(plain.coef[-1], rel=1e-8)
    for factor in (1e6, 1e-6):  # units change the step size by the square, and W by the inverse
        assert fast_forward(factor * X, y, record=[1e100]).coef[-1] * factor == pytest.approx(plain.coef[-1], rel=1e-7)


def test_losses_with_other_tails_go_their_own_way():
    X, y = linear_labels(0, 10, 2)
    focal = fast_forward(X, y, loss="focal", n_steps="1e1000", record=["1e500"])
    assert np.diff(focal.norm_ratio[-2:])[0] / (500 * math.log(10.0)) == pytest.approx(1.0 / 3.0, rel=1e-3)
    heavy = fast_forward(X, y, loss="polynomial", n_steps=1e40, record=[1e30])
    # norms grow as t^(1 / (a + 2)) (Ji, Dudik, Schapire and Telgarsky 2020)
    assert np.diff(np.log(heavy.norm_value[-2:]))[0] / math.log(1e10) == pytest.approx(1.0 / 3.0, rel=1e-3)


@pytest.mark.parametrize(
    ("loss", "why"),
    [
        ("label_smoothing", "finite margins"),
        ("squared_margin", "finite margins"),
        ("sparsemax", "gradient of sparsemax is zero"),
        ("entmax", "gradient of entmax is zero"),
        ("smooth_weston_watkins", "gradient of smooth_weston_watkins is zero"),
        ("squared_weston_watkins", "gradient of squared_weston_watkins is zero"),
        ("weston_watkins", "kinks"),
        ("crammer_singer", "kinks"),
    ],
)
def test_losses_without_a_limit_at_infinity_are_refused(loss, why):
    with pytest.raises(UsageError, match=why):
        fast_forward([[0.0], [1.0]], [0, 1], loss=loss)


def test_ties_are_refused_with_proof_where_the_limit_is_not_known():
    X, y = np.random.default_rng(0).standard_normal((60, 2)), np.arange(60) % 3
    with pytest.raises(NotSeparableError) as caught:
        fast_forward(X, y, loss="focal")
    assert caught.value.certificate.status == "overlap"
    assert caught.value.certificate.verify(X, y)


def test_misuse_is_refused():
    X, y = linear_labels(0, 10, 2)
    for options, word in (
        ({"exact_steps": 0}, "exact_steps"),
        ({"exact_steps": 2.5}, "exact_steps"),
        ({"init": "normal"}, "init needs finite numbers"),
        ({"record": 5}, "record"),
        ({"record": [1e200]}, "n_steps"),
        ({"step_size": (0.1, 0.5)}, "constant step"),
        ({"init": np.zeros((3, 3))}, "init"),
    ):
        with pytest.raises(UsageError, match=word):
            fast_forward(X, y, **options)
    with pytest.raises(DataError, match="every class"):
        fast_forward(X, y, sample_weight=(y != y[0]).astype(float))


def test_the_same_call_gives_the_same_bits():
    X, y = linear_labels(1, 20, 3)
    assert fast_forward(X, y).coef.tobytes() == fast_forward(X, y).coef.tobytes()
