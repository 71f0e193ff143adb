"""The verdict against an exact programme, its invariance, its limits, and what it says."""

from __future__ import annotations

import json
import pickle
import tracemalloc

import cvxpy as cp
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from sklearn.datasets import load_iris

from marginscope.exceptions import DataError
from marginscope.reports.separability_page import page
from marginscope.solvers import basis_system, separable_lp, separable_search
from marginscope.solvers.frobenius import hard_margin_direction
from marginscope.solvers.separability import separability
from oracles.integer_problems import integer_problems, kind
from oracles.pair_features import pair_matrix


def test_the_problems_are_of_all_three_kinds():
    kinds = [kind(len(y), k, pairs) for _, y, k, _, pairs in integer_problems(240)]
    assert min(kinds.count(name) for name in ("complete", "quasi_complete", "overlap")) >= 30


def check_against_oracle(problems):
    for X, y, k, fit_intercept, pairs in problems:
        certificate = separability(X, y, fit_intercept=fit_intercept)
        assert certificate.status == kind(len(y), k, pairs), (X.tolist(), y.tolist(), fit_intercept)
        assert {(int(i), int(c)) for i, c in certificate.separable_pairs} == pairs
        assert certificate.verify(X, y)
        assert certificate.verify(X, y, exact=True)


def test_status_and_pairs_are_those_of_the_exact_programme():
    check_against_oracle(integer_problems(240)[:150])


@pytest.mark.slow
def test_status_and_pairs_of_five_hundred_problems_are_those_of_the_exact_programme():
    problems = integer_problems(500)
    kinds = [kind(len(y), k, pairs) for _, y, k, _, pairs in problems]
    assert min(kinds.count(name) for name in ("complete", "quasi_complete", "overlap")) >= 80
    check_against_oracle(problems)


def test_a_separator_and_weights_that_forbid_it_are_never_found_together():
    # both programmes from the definition: A W >= 1, and lambda >= 0 with sum 1 and A' lambda = 0
    outcomes = []
    for X, y, k, fit_intercept, _ in integer_problems(240)[:60]:
        Z = np.column_stack([X, np.ones(len(X))]) if fit_intercept else X
        A = pair_matrix(Z, y, k)[1]
        free = linprog(np.zeros(A.shape[1]), A_ub=-A, b_ub=-np.ones(len(A)), bounds=(None, None))
        weights = linprog(np.zeros(len(A)), A_eq=np.vstack([A.T, np.ones(len(A))]), b_eq=np.eye(A.shape[1] + 1)[-1])
        assert (free.status == 0) != (weights.status == 0)
        status = separability(X, y, fit_intercept=fit_intercept).status
        assert (status == "complete") == (free.status == 0)
        outcomes.append(free.status == 0)
    assert 5 < sum(outcomes) < 55


def test_the_linear_programme_alone_finds_the_same(monkeypatch):
    monkeypatch.setattr(separable_search, "LARGEST_HESSIAN", -1)
    monkeypatch.setattr(separable_search, "descend_until", lambda model, start, accept, max_steps: (start, False))
    monkeypatch.setattr(separable_search, "one_sided_direction", lambda Z, y, tied, has_ones: None)
    found = [
        separability(X, y, fit_intercept=fit_intercept) for X, y, _, fit_intercept, _ in integer_problems(240)[:80]
    ]
    assert {one.method for one in found} == {"linear programme"}
    for one, (X, y, k, _, pairs) in zip(found, integer_problems(240), strict=False):
        assert one.status == kind(len(y), k, pairs)
        assert {(int(i), int(c)) for i, c in one.separable_pairs} == pairs
        assert one.verify(X, y)


def test_sparse_features_without_room_for_dense_ones_find_the_same(monkeypatch):
    monkeypatch.setattr(separable_search, "MOST_UNPACKED_ENTRIES", 0)
    for X, y, k, fit_intercept, pairs in integer_problems(240)[:60]:
        certificate = separability(sp.csr_array(X), y, fit_intercept=fit_intercept)
        assert certificate.status == kind(len(y), k, pairs)
        assert certificate.verify(X, y)
        assert certificate.verify(sp.csc_array(X), y)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 239), st.randoms(use_true_random=False))
def test_scaling_order_and_copies_leave_the_verdict(number, random):
    X, y, k, fit_intercept, pairs = integer_problems(240)[number]
    n, d = X.shape
    order = list(range(n)) + [random.randrange(n) for _ in range(3)]
    random.shuffle(order)
    columns = np.array([random.choice([-1, 1]) * 10.0 ** random.randint(-12, 12) for _ in range(d)])
    moved = (X * columns)[order]
    if not fit_intercept:
        moved = moved * np.array([10.0 ** random.randint(-8, 8) for _ in order])[:, None]
    certificate = separability(moved, y[order], fit_intercept=fit_intercept)
    assert certificate.status == kind(n, k, pairs), (moved.tolist(), y[order].tolist())
    expected = {(new, c) for new, old in enumerate(order) for c in range(k) if (old, c) in pairs}
    assert {(int(i), int(c)) for i, c in certificate.separable_pairs} == expected
    assert certificate.verify(moved, y[order])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 4))
def test_random_data_are_decided_and_proved(seed, k):
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(5, 80)), int(rng.integers(1, 8))
    X = np.round(rng.standard_normal((n, d)), int(rng.integers(0, 3)))
    y = (X @ rng.standard_normal((d, k)) + rng.choice([0.0, 0.5, 2.0]) * rng.gumbel(size=(n, k))).argmax(axis=1)
    if len(np.unique(y)) < 2:
        return
    certificate = separability(X, y)
    assert certificate.status != "undecided"
    assert certificate.verify(X, y)
    assert certificate.verify(X, y, exact=True)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_scaling_rows_and_columns_of_real_numbers_leaves_the_verdict(seed):
    rng = np.random.default_rng(seed)
    n, d, k = int(rng.integers(20, 120)), int(rng.integers(2, 7)), int(rng.integers(2, 5))
    X = rng.standard_normal((n, d)) * (rng.random((n, d)) < 0.8)
    y = (X @ rng.standard_normal((d, k)) + rng.choice([0.0, 0.3, 1.0]) * rng.gumbel(size=(n, k))).argmax(axis=1)
    if len(np.unique(y)) < 2:
        return
    plain = separability(X, y, fit_intercept=False)
    moved = X * 10.0 ** rng.uniform(-8, 8, (n, 1)) * 10.0 ** rng.uniform(-8, 8, d)
    scaled = separability(moved, y, fit_intercept=False)
    assert scaled.status == plain.status != "undecided"
    assert np.array_equal(scaled.separable_mask, plain.separable_mask)
    assert scaled.verify(moved, y)


def test_classes_of_one_row_zero_rows_and_constant_columns():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.standard_normal((40, 2)), np.full(40, 3.0), np.zeros(40)])
    X[5] = 0.0
    y = np.concatenate([np.arange(37) % 2, [2, 3, 4]])
    for fit_intercept in (True, False):
        certificate = separability(X, y, fit_intercept=fit_intercept)
        assert certificate.status in ("quasi_complete", "overlap")
        assert certificate.verify(X, y, exact=True)
        assert not certificate.infinite[:, 3].any()
    # a row of zeros without intercept has margin zero whatever the scores are
    assert not certificate.separable_mask[5].any()


@pytest.mark.filterwarnings("ignore:more than half of the rows are distinct classes")
def test_hundreds_of_classes_on_a_circle_separate():
    angle = np.repeat(np.arange(300) * 0.02, 2)
    X, y = np.column_stack([np.cos(angle), np.sin(angle)]), np.repeat(np.arange(300), 2)
    certificate = separability(X, y)
    assert certificate.status == "complete"
    assert certificate.verify(X, y)
    assert certificate.separable_counts.sum() == 600 * 299


def test_hundreds_of_classes_that_overlap():
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((2500, 4)), np.arange(2500) % 250
    certificate = separability(X, y)
    assert certificate.status == "overlap"
    assert certificate.verify(X, y)
    # one class is put apart
    X[y == 7, 0] += 100.0
    apart = separability(X, y)
    assert apart.status == "quasi_complete"
    assert apart.separable_mask[y == 7].sum() == 10 * 249
    assert apart.verify(X, y)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_sparse_features_find_what_dense_ones_find(fit_intercept):
    rng = np.random.default_rng(3)
    X = rng.poisson(0.1, (300, 30)).astype(float)
    y = rng.integers(0, 3, 300)
    X[y == 2, 5] = 0.0
    dense, sparse = (separability(one, y, fit_intercept=fit_intercept) for one in (X, sp.csr_array(X)))
    assert dense.status == sparse.status == "quasi_complete"
    assert np.array_equal(dense.separable_mask, sparse.separable_mask)
    assert np.array_equal(dense.infinite, sparse.infinite)
    assert sparse.verify(X, y, exact=True)
    assert sparse.method in ("single columns", "Newton's method")


@pytest.mark.parametrize("status", ["complete", "quasi_complete", "overlap"])
def test_infinite_signs_are_those_of_the_max_margin_direction(status):
    X, y = three_classes()
    if status == "complete":
        X, y = X[y != 0], y[y != 0]
    elif status == "overlap":
        X, y = X[y != 2], y[y != 2]
    certificate = separability(X, y)
    assert certificate.status == status
    k = len(np.unique(y))
    codes = np.unique(y, return_inverse=True)[1]
    rows = pair_matrix(np.column_stack([X, np.ones(len(X))]), codes, k)[1]
    separable = certificate.separable_mask[np.arange(k) != codes[:, None]]
    w = cp.Variable(rows.shape[1])
    limits = [rows[separable] @ w >= 1, rows[~separable] @ w == 0]
    cp.Problem(cp.Minimize(cp.sum_squares(w)), limits).solve(solver="CLARABEL")
    W = w.value.reshape(k, -1) * (np.abs(w.value) > 1e-6).reshape(k, -1)
    assert np.array_equal(certificate.infinite, np.sign(W[:, :-1]))
    assert np.array_equal(certificate.infinite_intercept, np.sign(W[:, -1]))


def three_classes(seed=0):
    """Two classes that overlap in the first column, and a third far off in the second."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.standard_normal(45), np.concatenate([np.zeros(40), 1.0 + np.abs(rng.standard_normal(5))])])
    return X, np.concatenate([rng.integers(0, 2, 40), np.full(5, 2)])


def test_a_separated_class_leaves_the_contrast_of_the_others_finite():
    X, y = three_classes()
    certificate = separability(X, y)
    assert certificate.status == "quasi_complete"
    # pairs of the third class and no other
    assert certificate.separable_counts.tolist() == [[0, 0, 40 - y[:40].sum()], [0, 0, y.sum() - 10], [5, 5, 0]]
    infinite = certificate.infinite
    assert np.array_equal(infinite[0], infinite[1])
    assert infinite[:, 1].tolist() == [-1, -1, 1]
    coef = certificate.max_margin.coef
    assert np.allclose(coef[0], coef[1], atol=1e-8 * np.abs(coef).max())
    assert np.allclose(coef.sum(axis=0), 0.0, atol=1e-8)


def test_a_column_that_separates_nothing_stays_finite():
    # the second column is symmetric within every row value of the first
    X = np.array([[a, b] for a in (0.0, 1.0, 2.0, 3.0) for b in (-1.0, 1.0)])
    y = np.repeat([0, 0, 1, 1], 2)
    certificate = separability(X, y)
    assert certificate.status == "complete"
    assert certificate.infinite.tolist() == [[-1, 0], [1, 0]]
    assert certificate.infinite_intercept.tolist() == [1, -1]


def test_binary_quasi_separation_has_the_known_infinite_parameters():
    # a dummy that is 1 for one class only; the other column overlaps (Heinze and Schemper 2002)
    rng = np.random.default_rng(1)
    x = rng.standard_normal(60)
    y = (x + 2 * rng.standard_normal(60) > 0).astype(int)
    dummy = ((y == 1) & (rng.random(60) < 0.3)).astype(float)
    certificate = separability(np.column_stack([x, dummy]), y)
    assert certificate.status == "quasi_complete"
    assert certificate.infinite.tolist() == [[0, -1], [0, 1]]
    assert certificate.infinite_intercept.tolist() == [0, 0]


def test_iris_is_quasi_complete():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    certificate = separability(X, names)
    assert certificate.status == "quasi_complete"
    assert certificate.separable_counts.tolist() == [[0, 50, 50], [50, 0, 0], [50, 0, 0]]
    text = str(certificate)
    assert "200 of 300" in text
    assert "Separated from every other class: setosa." in text
    assert "In no separable pair" not in text
    assert certificate.verify(X, names, exact=True)
    assert not certificate.verify(X, y)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_dat012_constant_features_overlap(fit_intercept):
    X = np.full((6, 2), 3.5)
    certificate = separability(X, [0, 1, 2, 0, 1, 2], fit_intercept=fit_intercept)
    assert certificate.status == "overlap"
    assert certificate.verify(X, [0, 1, 2, 0, 1, 2], exact=True)
    assert not certificate.infinite.any()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_dat014_contradictory_copies_are_never_complete(seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((12, 20))
    y = np.arange(12) % 3
    X = np.vstack([X, X[4]])
    y = np.append(y, (y[4] + 1) % 3)
    certificate = separability(X, y)
    assert certificate.status == "quasi_complete"
    assert certificate.conflict == (4, 12)
    assert certificate.verify(X, y)
    assert not certificate.separable_mask[4, y[12]]
    assert not certificate.separable_mask[12, y[4]]
    # everything else can be separated in so many columns
    assert certificate.separable_counts.sum() == 24


@pytest.mark.parametrize("scale", [1e-95, 1e-30, 1e30, 1e95])
def test_dat034_scale_changes_no_decision(scale):
    X, y = load_iris(return_X_y=True)
    certificate = separability(X * scale, y)
    assert certificate.status == "quasi_complete"
    assert certificate.separable_counts.sum() == 200
    assert certificate.verify(X * scale, y)
    assert certificate.verify(X * scale, y, exact=True)


@pytest.mark.parametrize("scale", [1e150, 1e-310])
def test_dat034_scale_beyond_the_range_of_squares_is_refused(scale):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(DataError, match="rescale"):
        separability(X * scale, y)


def test_num009_a_tiny_margin_is_proved_exactly():
    for gap in (1e-9, 1e-12, 1e-15):
        X, y = np.array([[0.0], [gap], [1.0], [-1.0]]), [0, 1, 1, 0]
        certificate = separability(X, y)
        assert certificate.status == "complete"
        assert certificate.verify(X, y, exact=True)


def test_num009_a_tiny_overlap_is_undecided_or_proved():
    for gap in (1e-6, 1e-9, 1e-12, 1e-15):
        X, y = np.array([[0.0], [gap], [1.0], [-1.0]]), [1, 0, 1, 0]
        certificate = separability(X, y)
        if certificate.status == "undecided":
            assert "largest normalised margin is between 0.0e+00 and" in certificate.reason
        else:
            assert certificate.status == "overlap"
            assert certificate.verify(X, y, exact=True)
    assert separability([[0.0], [1e-6], [1.0], [-1.0]], [1, 0, 1, 0]).status == "overlap"


def test_num011_a_programme_out_of_time_is_undecided(monkeypatch):
    monkeypatch.setattr(separable_search, "LARGEST_HESSIAN", -1)
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((2000, 10)), rng.integers(0, 3, 2000)
    certificate = separability(X, y, time_limit=1e-6)
    assert certificate.status == "undecided"
    assert "linear programme ended" in certificate.reason
    assert not certificate.verify(X, y)
    assert certificate.max_margin is None


def test_a_programme_that_does_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr(separable_search, "LARGEST_HESSIAN", -1)
    monkeypatch.setattr(separable_lp, "MOST_NONZEROS", 100)
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((200, 5)), rng.integers(0, 3, 200)
    certificate = separability(X, y)
    assert certificate.status == "undecided"
    assert "nonzeros, the limit is 100" in certificate.reason


def test_a_start_that_separates_is_the_certificate():
    X = np.array([[0.0, 1.0], [1.0, 0.0], [3.0, 1.0], [4.0, 0.0]])
    y = ["a", "a", "b", "b"]
    start = np.array([[-1.0, 0.0, 2.0], [1.0, 0.0, -2.0]])
    certificate = separability(X, y, start=start)
    assert certificate.method == "the given start"
    assert np.array_equal(certificate.direction, start[:, :-1])
    assert certificate.verify(X, y, exact=True)
    assert certificate.infinite.tolist() == [[-1, -1], [1, 1]]
    assert separability(X, y, start=-start).method != "the given start"
    without = separability(X - 2.0, y, start=start[:, :-1], fit_intercept=False)
    assert without.method == "the given start"
    assert without.intercept_direction is None


def test_a_start_of_the_wrong_shape_is_refused():
    with pytest.raises(DataError, match=r"start of shape \(2, 2\) is needed .* but it has shape \(3, 3\)"):
        separability([[0.0], [1.0]], [0, 1], start=np.zeros((3, 3)))


def test_bad_data_are_refused():
    with pytest.raises(DataError, match="NaN"):
        separability([[np.nan], [1.0]], [0, 1])
    with pytest.raises(DataError, match="2 classes"):
        separability([[0.0], [1.0]], [1, 1])
    with pytest.raises(DataError, match="inconsistent"):
        separability([[0.0], [1.0]], [1, 0, 1])


def test_more_columns_than_rows_separate():
    rng = np.random.default_rng(5)
    X, y = rng.standard_normal((40, 400)), rng.integers(0, 4, 40)
    certificate = separability(X, y)
    assert certificate.status == "complete"
    assert certificate.verify(X, y, exact=True)


def test_the_certified_margin_lies_between_its_bounds():
    rng = np.random.default_rng(6)
    X = rng.standard_normal((60, 4))
    y = (X @ rng.standard_normal((4, 3))).argmax(axis=1)
    certificate = separability(X, y)
    lower, upper = certificate.margin_bounds
    best = certificate.max_margin.bracket
    assert 0 < lower <= best[1] * (1 + 1e-9)
    assert best[0] <= upper


def test_it_survives_pickling_and_says_itself_in_json():
    X, y = load_iris(return_X_y=True)
    certificate = pickle.loads(pickle.dumps(separability(X, y)))
    document = json.loads(json.dumps(certificate.to_dict(), allow_nan=False))
    assert document["status"] == "quasi_complete"
    assert document["separable_pairs"] == 200
    assert np.array(document["infinite"]).shape == (3, 4)
    assert document["classes"] == ["0", "1", "2"]
    frame = certificate.frame()
    assert list(frame["tied"]) == [0, 0, 0, 50, 0, 50]
    assert list(frame["separable"]) == [50, 50, 50, 0, 50, 0]


def test_the_text_of_each_kind():
    complete = str(separability([[0.0], [1.0]], ["a", "b"]))
    assert "Complete separation" in complete
    assert "2 of 2" in complete
    overlap = str(separability([[0.0], [0.0]], ["a", "b"]))
    assert "No unit-norm direction has a margin above" in overlap
    assert "Rows 0 and 1 are equal but have different labels." in overlap


@pytest.fixture
def no_room(monkeypatch):
    """Leave room for two unknowns beside tied pairs."""
    monkeypatch.setattr(basis_system, "_MOST_TIED_UNKNOWNS", 2)


def test_the_verdict_stands_where_the_infinite_parameters_are_too_many_to_compute(no_room):
    X, y = load_iris(return_X_y=True)
    certificate = separability(X, y)
    assert certificate.status == "quasi_complete"
    assert certificate.verify(X, y)
    assert certificate.max_margin.status == "too_large"
    assert certificate.infinite is None
    assert certificate.infinite_intercept is None
    assert "was not computed: too large" in certificate.infinite_reason
    assert certificate.to_dict()["infinite_reason"] == certificate.infinite_reason
    assert certificate.infinite_reason in " ".join(page(certificate).split())


def test_more_unknowns_than_fit_are_refused_before_they_are_laid_out():
    # 40 classes and 400 independent columns: the matrix of all unknowns would take 2 gigabytes
    rng = np.random.default_rng(0)
    X = rng.standard_normal((500, 400))
    y = np.arange(500) % 40
    X[1] = X[0]
    tied = np.zeros((500, 40), dtype=bool)
    tied[0, 1] = tied[1, 0] = True
    tracemalloc.start()
    found = hard_margin_direction(X, y, n_classes=40, tied=tied)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.status == "too_large"
    assert not found.coef.any()
    assert peak < 100e6
