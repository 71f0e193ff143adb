"""The two parts of the limit against gradient flow in logarithmic time and other solvers."""

from __future__ import annotations

import math

import cvxpy as cp
import numpy as np
import pytest
import scipy.sparse as sp
from scipy.integrate import solve_ivp
from sklearn.linear_model import LogisticRegression

from marginscope.exceptions import CertificateError, DataError, NotSolvedError
from marginscope.limits.mixed import mixed_limit
from marginscope.solvers.separability import separability
from oracles.pair_features import pair_matrix


def block_data():
    """Two classes that overlap, and a third far off in the second column; a column of ones."""
    rng = np.random.default_rng(0)
    rng.standard_normal(20)
    first = rng.standard_normal(25)
    second = np.concatenate([np.zeros(20), 1.0 + np.abs(rng.standard_normal(5))])
    y = np.concatenate([rng.integers(0, 2, 20), np.full(5, 2)])
    return np.column_stack([first, second, np.ones(25)]), y


def softmax_data():
    """Three classes that overlap in a plane, so that rows have several tied rivals, and two that are apart."""
    rng = np.random.default_rng(3)
    y = np.repeat(np.arange(5), 12)
    plane = rng.standard_normal((60, 2)) + np.array([[0.5, 0], [-0.5, 0], [0, 0.5], [0, 0], [0, 0]])[y]
    height = np.where(y == 3, 1.0 + rng.random(60), np.where(y == 4, -1.0 - rng.random(60), 0.0))
    return np.column_stack([plane, height, np.ones(60)]), y


def flow(X, y, times):
    """Follow dW/ds = e^s times minus the gradient of cross-entropy, s = log t, by brute force."""
    n, k = len(y), int(y.max()) + 1
    own = np.arange(n), y

    def velocity(s, flat):
        scores = X @ flat.reshape(k, X.shape[1]).T
        others = scores - scores[own][:, None]
        others[own] = -np.inf
        psi = np.logaddexp(0.0, np.logaddexp.reduce(others, axis=1))
        force = np.exp(s + others - psi[:, None])
        force[own] = -force.sum(axis=1)
        return -(force.T @ X).ravel()

    span = (math.log(1e-4), math.log(times[-1]))
    path = solve_ivp(
        velocity, span, np.zeros(k * X.shape[1]), method="LSODA", rtol=1e-8, atol=1e-10, t_eval=np.log(times)
    )
    assert path.success
    return [one.reshape(k, X.shape[1]) for one in path.y.T]


def span_projector(X, y, tied, k):
    rows = pair_matrix(X, y, k)[1][tied[np.arange(k) != y[:, None]]]
    _, s, Vt = np.linalg.svd(rows)
    basis = Vt[: int((s > 1e-9 * s[0]).sum())]
    return basis.T @ basis


def tied_mask(limit, y):
    k = len(limit.certificate.classes)
    return (np.arange(k) != y[:, None]) & ~limit.certificate.separable_mask


@pytest.mark.parametrize(("data", "last"), [(block_data, 1e10), (softmax_data, 1e9)])
def test_the_flow_converges_in_the_span_and_grows_outside(data, last):
    X, y = data()
    limit = mixed_limit(X, y)
    assert limit.status == "quasi_complete"
    early, late = flow(X, y, [last / 100, last])
    onto = span_projector(X, y, tied_mask(limit, y), int(y.max()) + 1)
    assert np.allclose(onto @ late.ravel(), limit.finite.ravel(), atol=1e-6)
    growth = (late - early) / math.log(100)
    assert np.linalg.norm(growth - limit.growing) <= 0.02 * np.linalg.norm(limit.growing)
    # and the law is nearer than either part alone
    assert np.linalg.norm(limit.growing) > 0.1
    assert np.linalg.norm(limit.finite) > 0.1


@pytest.mark.parametrize("data", [block_data, softmax_data])
def test_the_finite_part_lies_in_the_span_and_solves_its_programme(data):
    X, y = data()
    limit = mixed_limit(X, y)
    k = int(y.max()) + 1
    tied = tied_mask(limit, y)
    onto = span_projector(X, y, tied, k)
    assert np.allclose(onto @ limit.finite.ravel(), limit.finite.ravel(), atol=1e-8)
    assert np.allclose(onto @ limit.growing.ravel(), 0.0, atol=1e-7)
    W = cp.Variable((k, X.shape[1]))
    terms = []
    for i in np.flatnonzero(tied.any(axis=1)):
        rivals = np.flatnonzero(tied[i])
        terms.append(cp.log_sum_exp(cp.hstack([0.0, *[(W[c] - W[y[i]]) @ X[i] for c in rivals]])))
    risk = cp.Problem(cp.Minimize(cp.sum(terms))).solve(solver="CLARABEL")
    assert limit.risk == pytest.approx(risk, rel=1e-6)
    assert np.allclose(onto @ W.value.ravel(), limit.finite.ravel(), atol=1e-3)


@pytest.mark.parametrize("data", [block_data, softmax_data])
def test_the_growing_part_is_the_least_norm_solution(data):
    X, y = data()
    limit = mixed_limit(X, y)
    k = int(y.max()) + 1
    rows, tied = pair_matrix(X, y, k)[1], tied_mask(limit, y)[np.arange(k) != y[:, None]]
    w = cp.Variable(rows.shape[1])
    cp.Problem(cp.Minimize(cp.sum_squares(w)), [rows[~tied] @ w >= 1, rows[tied] @ w == 0]).solve(solver="CLARABEL")
    assert np.allclose(w.value, limit.growing.ravel(), atol=1e-5)


def test_the_checks_say_how_exact_both_parts_are():
    limit = mixed_limit(*block_data())
    assert limit.checks.finite_gradient < 1e-12
    assert limit.checks.growth_of_ties < 1e-8
    assert limit.checks.smallest_growth == pytest.approx(1.0, abs=1e-6)
    assert limit.checks.inner_product < 1e-8


def test_under_overlap_nothing_grows_and_the_fit_is_the_maximum_likelihood_one():
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((300, 3)), rng.integers(0, 3, 300)
    limit = mixed_limit(X, y, fit_intercept=True)
    fit = LogisticRegression(C=np.inf, tol=1e-12, max_iter=1000).fit(X, y)
    assert limit.status == "overlap"
    assert not limit.growing.any()
    assert np.allclose(limit.finite, fit.coef_ - fit.coef_.mean(axis=0), atol=1e-5)
    assert np.allclose(limit.finite_intercept, fit.intercept_ - fit.intercept_.mean(), atol=1e-5)
    assert mixed_limit(sp.csr_array(X), y, fit_intercept=True).risk == pytest.approx(limit.risk)


def test_under_complete_separation_nothing_is_finite():
    limit = mixed_limit([[-1.0, 1.0], [-2.0, 1.0], [1.0, 1.0], [3.0, 1.0]], ["a", "a", "b", "b"])
    assert limit.status == "complete"
    assert not limit.finite.any()
    assert limit.risk == 0.0
    assert np.allclose(limit.growing, [[-0.5, 0.0], [0.5, 0.0]], atol=1e-6)


def test_columns_of_zeros_leave_the_frequencies():
    y = [0, 0, 0, 1]
    plain, shifted = mixed_limit(np.zeros((4, 2)), y), mixed_limit(np.zeros((4, 2)), y, fit_intercept=True)
    assert plain.risk == pytest.approx(4 * math.log(2))
    assert not plain.finite.any()
    assert shifted.risk == pytest.approx(-3 * math.log(0.75) - math.log(0.25))
    assert np.allclose(shifted.finite_intercept, [math.log(3) / 2, -math.log(3) / 2])


def test_copies_of_rows_count():
    X, y = block_data()
    twice = np.vstack([X, X[:10]]), np.append(y, y[:10])
    assert not np.allclose(mixed_limit(*twice).finite, mixed_limit(X, y).finite)


def test_the_text_and_the_frame():
    X, y = block_data()
    limit = mixed_limit(X[:, :2], y, fit_intercept=True)
    assert "pairs are separable (quasi-complete)" in str(limit)
    frame = limit.frame()
    assert list(frame["feature"])[-3:] == [-1, -1, -1]
    coef, intercept = limit.at(10.0)
    assert np.allclose(coef, limit.finite + 10 * limit.growing)
    assert np.allclose(intercept, limit.finite_intercept + 10 * limit.growing_intercept)
    # a column of ones and an intercept are the same
    assert np.allclose(np.column_stack([limit.finite, limit.finite_intercept]), mixed_limit(X, y).finite, atol=1e-8)


def test_columns_of_very_different_size_keep_their_digits():
    X = np.array([[2.0, 0], [1, 0], [0, -2], [0, -2], [2, -2], [2, -1], [2, 0], [1, 0]])
    y = [0, 1, 1, 0, 1, 0, 0, 1]
    plain, wide = mixed_limit(X, y), mixed_limit(X * [2.0**-27, 2.0**23], y)
    assert plain.status == wide.status == "overlap"
    assert wide.risk == pytest.approx(plain.risk, rel=1e-12)
    assert wide.checks.finite_gradient <= 1e-12
    assert np.allclose(wide.finite * [2.0**-27, 2.0**23], plain.finite, atol=1e-9)


def test_parts_that_rounding_spoils_are_refused():
    X, y = block_data()
    with pytest.raises(NotSolvedError, match="bring the columns to similar scales") as caught:
        mixed_limit(X[:, :2] * 2.0**200, y, fit_intercept=True)
    checks = caught.value.solution.checks
    assert max(checks.finite_gradient, checks.growth_of_ties, 1.0 - checks.smallest_growth) > 1e-4


def test_a_certificate_of_other_data_is_refused():
    X, y = block_data()
    certificate = separability(X, y, fit_intercept=False)
    assert mixed_limit(X, y, certificate=certificate).certificate is certificate
    with pytest.raises(CertificateError, match="proves its status"):
        mixed_limit(X, np.roll(y, 7), certificate=certificate)
    with pytest.raises(DataError, match="fit_intercept=True"):
        mixed_limit(X, y, fit_intercept=True, certificate=certificate)


def test_a_growing_part_that_is_too_large_is_refused(monkeypatch):
    from sklearn.datasets import load_iris

    from marginscope.exceptions import SizeError
    from marginscope.solvers import basis_system

    monkeypatch.setattr(basis_system, "_MOST_TIED_UNKNOWNS", 2)
    with pytest.raises(SizeError, match="use fewer columns"):
        mixed_limit(*load_iris(return_X_y=True))
