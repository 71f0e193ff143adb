"""On separable data: the refusal with its certificate, and likelihood ratios of suprema."""

import json

import cvxpy as cp
import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_iris

import marginscope as ms
from marginscope.exceptions import MarginscopeError, NotSolvedError

IRIS = load_iris(as_frame=True)
X = IRIS.data
y = np.array(["setosa", "versicolor", "virginica"])[IRIS.target]


@pytest.fixture(scope="module")
def ratios():
    return ms.class_tests(X, y, on_separation="ratios")


def refused(X, y, **arguments):
    with pytest.raises(ms.SeparatedError) as caught:
        ms.class_tests(X, y, **arguments)
    return caught.value


def test_the_refusal_proves_itself_and_names_the_parameters():
    error = refused(X, y)
    assert isinstance(error, ValueError)
    assert isinstance(error, MarginscopeError)
    assert error.exit_code == 4
    certificate = error.certificate
    assert certificate.status == "quasi_complete"
    assert certificate.verify(X, y)
    assert certificate.verify(X, y, exact=True)
    found = {(label, name): sign for label, name, sign in error.infinite}
    for k, label in enumerate(certificate.classes.tolist()):
        for j, name in enumerate(X.columns):
            assert found.get((label, name), 0) == certificate.infinite[k, j]
        assert found.get((label, "(intercept)"), 0) == certificate.infinite_intercept[k]
    assert "overlapping classes are needed for standard errors, but the rows are quasi-completely separable" in str(
        error
    )
    assert "setosa on sepal length (cm) (+)" in str(error)
    assert "on_separation='ratios'" in str(error)


def test_in_the_gauge_of_an_overlapping_class_only_the_separated_row_is_infinite():
    # versicolor and virginica overlap: their contrast is finite
    error = refused(X, y, gauge="versicolor")
    assert {label for label, _, _ in error.infinite} == {"setosa"}
    assert len(error.infinite) == 5


def test_complete_separation_has_the_supremum_zero():
    two = y != "virginica"
    error = refused(X[two], y[two])
    assert error.certificate.status == "complete"
    assert error.certificate.verify(X[two], y[two])
    found = ms.class_tests(X[two], y[two], on_separation="ratios")
    assert found.status == "complete"
    assert found.log_likelihood == pytest.approx(0.0, abs=1e-9)
    assert found.overall.ratio == pytest.approx(2 * 100 * np.log(2), abs=1e-8)
    assert found.overall.df == 4
    assert np.isnan(found.std_err).all()


def test_the_supremum_is_the_maximum_over_the_overlapping_part(ratios):
    # with setosa at infinity the likelihood is that of the two other classes
    rest = y != "setosa"
    Z = sm.add_constant(X[rest].to_numpy())
    expected = sm.Logit((y[rest] == "virginica").astype(float), Z).fit(disp=0, maxiter=100, tol=1e-12)
    assert ratios.log_likelihood == pytest.approx(expected.llf, abs=1e-8)
    assert ratios.status == "quasi_complete"


def test_the_ratios_of_features_and_pairs_are_those_of_restricted_risks(ratios):
    full = ms.mixed_limit(X, y, fit_intercept=True).risk
    assert -ratios.log_likelihood == pytest.approx(full, abs=1e-8)
    for name in X.columns:
        without = ms.mixed_limit(X.drop(columns=name), y, fit_intercept=True).risk
        assert ratios.features[name].ratio == pytest.approx(2 * (without - full), abs=1e-6)
        assert ratios.features[name].wald is None
    pooled = np.where(y == "setosa", "versicolor", y)
    expected = ms.mixed_limit(X, pooled, fit_intercept=True).risk + 100 * np.log(2)
    assert ratios.pairs["setosa - versicolor"].ratio == pytest.approx(2 * (expected - full), abs=1e-6)


def test_the_ratio_of_a_row_is_that_of_a_constrained_programme(ratios):
    Z = ((X - X.mean()) / X.std()).to_numpy()
    W, b = cp.Variable((3, 4)), cp.Variable(3)
    scores = Z @ W.T + np.ones((len(y), 1)) @ cp.reshape(b, (1, 3), order="C")
    own = cp.sum(cp.multiply(np.eye(3)[IRIS.target], scores))
    # versicolor lies between the others: its row is near their mean
    constraints = [W[1] == (W[0] + W[2]) / 2, cp.sum(W, axis=0) == 0, cp.sum(b) == 0, cp.abs(W) <= 60]
    problem = cp.Problem(cp.Maximize(own - cp.sum(cp.log_sum_exp(scores, axis=1))), constraints)
    problem.solve(solver=cp.CLARABEL)
    found = ratios.class_rows["versicolor"]
    assert found.df == 4
    assert found.ratio == pytest.approx(2 * (ratios.log_likelihood - problem.value), abs=1e-4)


def test_estimates_are_not_shown_where_there_are_none(ratios):
    # in the sum-to-zero gauge every row holds a third of the infinite one
    assert np.isnan(ratios.std_err).all()
    assert np.isnan(ratios.z).all()
    np.testing.assert_array_equal(np.sign(ratios.coef), ratios.certificate.infinite)
    assert np.isinf(ratios.coef).all()
    with pytest.raises(ms.SeparatedError, match=r"setosa - versicolor on sepal length \(cm\) has none") as caught:
        ratios.contrast({"setosa": 1, "versicolor": -1}, "sepal length (cm)")
    assert caught.value.certificate.verify(X, y)
    document = json.loads(json.dumps(ratios.to_dict(), allow_nan=False))
    assert document["coef"] == [[None] * 4] * 3
    assert ["setosa", "petal length (cm)", -1] in document["infinite"]
    text = str(ratios)
    assert "The rows are quasi-completely separable (certificate)" in text
    assert "Without a finite value: setosa on sepal length (cm) (+)" in text
    assert ratios.class_rows.note in str(ratios.class_rows)


def test_what_stays_finite_has_the_estimates_of_the_classes_that_overlap(ratios):
    found = ratios.in_gauge("versicolor")
    rest = y != "setosa"
    Z = np.column_stack([X, np.ones(150)])[rest]
    expected = sm.Logit((y[rest] == "virginica").astype(float), Z).fit(disp=0, maxiter=100, tol=1e-12)
    np.testing.assert_allclose(found.coef[2], expected.params[:4], rtol=1e-6)
    np.testing.assert_allclose(found.std_err[2], expected.bse[:4], rtol=1e-6)
    assert found.intercept[2] == pytest.approx(expected.params[4], rel=1e-6)
    np.testing.assert_allclose(found.covariance[10:, 10:], expected.cov_params(), rtol=1e-5)
    assert np.isnan(found.covariance[:5]).all()
    assert np.isinf(found.coef[0]).all()
    assert not found.coef[1].any()
    one = ratios.contrast({"virginica": 1, "versicolor": -1}, "petal width (cm)")
    assert (one.estimate, one.std_err) == pytest.approx((expected.params[3], expected.bse[3]), rel=1e-6)
    assert "Coefficients that stay finite" in str(found)
    assert "Coefficients that stay finite" not in str(ratios)


def test_finite_estimates_count_weights_as_rows():
    weights = np.random.default_rng(0).integers(1, 4, 150)
    found = ms.class_tests(X, y, sample_weight=weights, on_separation="ratios", gauge="versicolor")
    again = ms.class_tests(
        np.repeat(X, weights, axis=0), np.repeat(y, weights), on_separation="ratios", gauge="versicolor"
    )
    np.testing.assert_allclose(found.coef[2], again.coef[2], rtol=1e-6)
    np.testing.assert_allclose(found.std_err[2], again.std_err[2], rtol=1e-6)
    assert found.log_likelihood == pytest.approx(again.log_likelihood, abs=1e-8)
    assert found.class_rows["virginica"].ratio == pytest.approx(again.class_rows["virginica"].ratio, abs=1e-6)


def test_the_finite_part_is_that_of_the_limit_of_descent():
    # two groups of overlapping classes, apart from each other
    rng = np.random.default_rng(1)
    labels = np.arange(120) % 4
    rows = rng.standard_normal((120, 3)) + 40.0 * np.outer(labels // 2, [1.0, 0.0, 0.0])
    found = ms.class_tests(rows, labels, on_separation="ratios", gauge=0)
    limit = ms.mixed_limit(rows, labels, fit_intercept=True)
    assert found.log_likelihood == pytest.approx(-limit.risk, abs=1e-8)
    np.testing.assert_allclose(found.coef[1], limit.finite[1] - limit.finite[0], rtol=1e-6)
    np.testing.assert_allclose(found.in_gauge(2).coef[3], limit.finite[3] - limit.finite[2], rtol=1e-6)
    assert np.isnan(found.std_err[2:]).all()
    assert np.isinf(found.coef[2, 0])
    for a, b in ((0, 1), (2, 3)):
        pair = (labels == a) | (labels == b)
        Z = np.column_stack([rows[pair], np.ones(pair.sum())])
        expected = sm.Logit((labels[pair] == b).astype(float), Z).fit(disp=0, tol=1e-12)
        np.testing.assert_allclose(found.in_gauge(a).std_err[b], expected.bse[:3], rtol=1e-6)


def in_row_space(A, functionals):
    """Say by ranks which functionals are combinations of rows; entries are small integers."""
    rank = np.linalg.matrix_rank(A, 1e-8) if len(A) else 0
    return np.array([np.linalg.matrix_rank(np.vstack([A, f]), 1e-8) == rank for f in functionals])


@given(st.integers(0, 10**6), st.sampled_from([0, 1, 2, None]))
@settings(max_examples=40)
def test_what_is_finite_is_a_combination_of_tied_pair_features(seed, reference):
    rng = np.random.default_rng(seed)
    K, d = 3, int(rng.integers(1, 4))
    labels = np.append(np.arange(K), rng.integers(0, K, 12))
    rows = rng.integers(-2, 3, (15, d)) * (1 + 2 * (labels == 0))[:, None]
    if not np.ptp(rows, axis=0).any():
        return
    found = ms.class_tests(
        rows, labels, on_separation="ratios", gauge="sum_to_zero" if reference is None else reference
    )
    tied = ~found.certificate.separable_mask
    pairs = [(i, k) for i in range(15) for k in range(K) if k != labels[i] and tied[i, k]]
    Z = np.column_stack([rows, np.ones(15)])
    A = np.array([np.kron(np.eye(K)[labels[i]] - np.eye(K)[k], Z[i]) for i, k in pairs]).reshape(-1, K * (d + 1))
    G = np.eye(K) - (np.full(K, 1 / K) if reference is None else np.eye(K)[reference])
    finite = in_row_space(A, [np.kron(g, e) for g in G for e in np.eye(d + 1)]).reshape(K, d + 1)
    errors = np.column_stack([found.std_err, found.intercept_std_err])
    np.testing.assert_array_equal(np.isfinite(errors), finite)
    np.testing.assert_array_equal(np.isfinite(np.column_stack([found.coef, found.intercept])), finite)


def test_separation_through_one_column_of_a_wide_class():
    # the feature is 0 for every row of class 2, and one row of each other class makes a tie
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    X = np.column_stack([rng.standard_normal(90), np.where(y == 2, 0.0, rng.integers(0, 2, 90))])
    error = refused(X, y)
    assert error.certificate.status == "quasi_complete"
    assert {(name, sign) for label, name, sign in error.infinite if label == 2} == {("x1", -1)}
    assert not any(name in ("x0", "(intercept)") for _, name, _ in error.infinite)


def test_rows_of_weight_zero_do_not_count():
    two = y != "virginica"
    weights = np.where(two, 1.0, 0.0)
    labels = np.where(two, y, "setosa")
    error = refused(X, labels, sample_weight=weights)
    assert error.certificate.status == "complete"
    assert error.certificate.verify(X[two], y[two])


def test_an_undecided_certificate_is_no_proof(monkeypatch):
    import dataclasses

    import marginscope.solvers.separability as module

    certificate = dataclasses.replace(ms.separability(X, y), status="undecided", reason="time ran out")
    monkeypatch.setattr(module, "separability", lambda *args, **kwargs: certificate)
    with pytest.raises(NotSolvedError, match=r"a proof that classes overlap is needed .*: time ran out"):
        ms.class_tests(X, y)
