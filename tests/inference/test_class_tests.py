"""Estimates, standard errors and tests against statsmodels, cvxpy and hand formulas."""

import json

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.special import log_softmax
from scipy.stats import chi2, norm
from sklearn.datasets import load_wine

import marginscope as ms
from marginscope.exceptions import DataError, SizeError, UsageError

WINE = load_wine(as_frame=True)
X = WINE.data[["ash", "hue", "magnesium"]]
y = np.array(["barolo", "grignolino", "barbera"])[WINE.target]
CLASSES = ["barbera", "barolo", "grignolino"]


def mnlogit(X, y, *, intercept=True, weights=None):
    """Fit by statsmodels; the first class in sorted order is the reference."""
    codes = np.unique(y, return_inverse=True)[1]
    Z = np.column_stack([X, np.ones(len(codes))]) if intercept else np.asarray(X, dtype=float)
    if weights is not None:
        Z, codes = np.repeat(Z, weights, axis=0), np.repeat(codes, weights)
    return sm.MNLogit(codes, Z).fit(method="newton", disp=0, maxiter=200, tol=1e-13)


def log_likelihood(scores, y):
    return log_softmax(scores, axis=1)[np.arange(len(y)), np.unique(y, return_inverse=True)[1]].sum()


@pytest.fixture(scope="module")
def tests():
    return ms.class_tests(X, y)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
def test_estimates_and_errors_are_those_of_statsmodels(intercept, weighted):
    weights = np.random.default_rng(0).integers(1, 4, len(y)) if weighted else None
    expected = mnlogit(X, y, intercept=intercept, weights=weights)
    found = ms.class_tests(X, y, fit_intercept=intercept, sample_weight=weights, gauge="barbera")
    rows = np.column_stack([found.coef, found.intercept]) if intercept else found.coef
    errors = np.column_stack([found.std_err, found.intercept_std_err]) if intercept else found.std_err
    np.testing.assert_allclose(rows[1:], expected.params.T, rtol=1e-6)
    np.testing.assert_allclose(errors[1:], expected.bse.T, rtol=1e-6)
    assert found.log_likelihood == pytest.approx(expected.llf, abs=1e-8)
    assert not rows[0].any()
    assert not errors[0].any()
    assert found.n_rows == (len(y) if weights is None else weights.sum())
    if intercept:
        assert found.null_log_likelihood == pytest.approx(expected.llnull, abs=1e-6)
        np.testing.assert_allclose(found.p_values[1:], expected.pvalues.T[:, :-1], rtol=1e-5, atol=1e-12)
        interval = expected.conf_int().reshape(2, 4, 2)[:, :-1]
        np.testing.assert_allclose(found.intervals[1:], interval, rtol=1e-6, atol=1e-8)
    else:
        n = found.n_rows
        assert found.null_log_likelihood == pytest.approx(-n * np.log(3))
        assert not found.intercept.any()


def test_the_covariance_in_a_reference_gauge_is_that_of_statsmodels(tests):
    expected = mnlogit(X, y).cov_params()
    C = tests.in_gauge("barbera").covariance
    np.testing.assert_allclose(C[4:, 4:], expected, rtol=1e-6)
    assert not C[:4].any()
    other = tests.in_gauge("grignolino")
    # w_barolo - w_grignolino from the estimates of statsmodels
    D = np.column_stack([np.eye(4), -np.eye(4)])
    np.testing.assert_allclose(other.std_err[1], np.sqrt(np.diag(D @ expected @ D.T))[:3], rtol=1e-6)


def test_the_sum_to_zero_errors_are_the_pseudo_inverse_of_the_information(tests):
    Z = np.column_stack([X, np.ones(len(y))])
    W = np.column_stack([tests.coef, tests.intercept])
    P = np.exp(log_softmax(Z @ W.T, axis=1))
    F = sum(np.kron(np.diag(p) - np.outer(p, p), np.outer(z, z)) for p, z in zip(P, Z, strict=True))
    # scaled to unit curvature first, block by block, so that the null space stays that of the gauge
    scale = np.tile(1.0 / np.sqrt(np.diag(F).reshape(3, 4).mean(axis=0)), 3)
    inverse = np.linalg.pinv(F * np.outer(scale, scale), rcond=1e-10, hermitian=True) * np.outer(scale, scale)
    np.testing.assert_allclose(tests.covariance, inverse, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(W.sum(axis=0), 0.0, atol=1e-12)


def test_two_classes_are_logistic_regression():
    two = y != "barbera"
    Z = np.column_stack([X, np.ones(len(y))])[two]
    expected = sm.Logit((y[two] == "grignolino").astype(float), Z).fit(disp=0, tol=1e-13)
    found = ms.class_tests(X[two], y[two], gauge="barolo")
    np.testing.assert_allclose(found.coef[1], expected.params[:-1], rtol=1e-7)
    np.testing.assert_allclose(found.std_err[1], expected.bse[:-1], rtol=1e-7)
    # in the sum-to-zero gauge both rows are half of it
    half = found.in_gauge("sum_to_zero")
    np.testing.assert_allclose(half.coef, [-expected.params[:-1] / 2, expected.params[:-1] / 2], rtol=1e-7)
    np.testing.assert_allclose(half.std_err, [expected.bse[:-1] / 2] * 2, rtol=1e-7)
    rows = [found.class_rows["grignolino"], half.class_rows["barolo"], half.class_rows["grignolino"]]
    np.testing.assert_allclose([one.ratio for one in rows], expected.llr, rtol=1e-8)


def test_features_are_tested_by_refits(tests):
    full = mnlogit(X, y)
    cov = full.cov_params()
    for j, name in enumerate(X.columns):
        one = tests.features[name]
        assert one.df == 2
        assert one.ratio == pytest.approx(2 * (full.llf - mnlogit(X.drop(columns=name), y).llf), abs=1e-7)
        at = [j, 4 + j]
        theta = full.params[j]
        assert one.wald == pytest.approx(theta @ np.linalg.solve(cov[np.ix_(at, at)], theta), rel=1e-6)
        assert one.p_value == pytest.approx(chi2.sf(one.ratio, 2), rel=1e-9)
        assert one.wald_p_value == pytest.approx(chi2.sf(one.wald, 2), rel=1e-9)


def test_pairs_are_tested_by_pooling_the_two_classes(tests):
    full = mnlogit(X, y)
    D = np.column_stack([np.eye(3), np.zeros((3, 1)), -np.eye(3), np.zeros((3, 1))])
    theta, C = full.params[:3, 0] - full.params[:3, 1], D @ full.cov_params() @ D.T
    assert tests.pairs["barolo - grignolino"].wald == pytest.approx(theta @ np.linalg.solve(C, theta), rel=1e-6)
    for a, b in (("barbera", "barolo"), ("barbera", "grignolino"), ("barolo", "grignolino")):
        pooled = np.where(y == b, a, y)
        n = np.array([(y == a).sum(), (y == b).sum()])
        expected = mnlogit(X, pooled).llf + (n * np.log(n / n.sum())).sum()
        one = tests.pairs[f"{a} - {b}"]
        assert one.df == 3
        assert one.ratio == pytest.approx(2 * (full.llf - expected), abs=1e-6)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("label", CLASSES)
def test_rows_of_classes_are_tested_by_a_constrained_fit(label, intercept):
    # centred and scaled for the solver of cvxpy; without intercept scaled only
    Z = X.to_numpy() / X.std().to_numpy()
    Z = Z - Z.mean(axis=0) if intercept else Z
    found = ms.class_tests(Z, y, fit_intercept=intercept)
    k, codes = CLASSES.index(label), np.unique(y, return_inverse=True)[1]
    W, b = cp.Variable((3, 3)), cp.Variable(3)
    scores = Z @ W.T + (np.ones((len(y), 1)) @ cp.reshape(b, (1, 3), order="C") if intercept else 0)
    own = cp.sum(cp.multiply(np.eye(3)[codes], scores))
    others = [j for j in range(3) if j != k]
    constraints = [W[k] == (W[others[0]] + W[others[1]]) / 2, cp.sum(W, axis=0) == 0, cp.sum(b) == 0]
    problem = cp.Problem(cp.Maximize(own - cp.sum(cp.log_sum_exp(scores, axis=1))), constraints)
    problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
    one = found.class_rows[label]
    assert one.df == 3
    assert one.ratio == pytest.approx(2 * (found.log_likelihood - problem.value), abs=1e-5)


def test_the_wald_test_of_a_row_is_its_quadratic_form(tests):
    for k, label in enumerate(CLASSES):
        at = slice(4 * k, 4 * k + 3)
        expected = tests.coef[k] @ np.linalg.solve(tests.covariance[at, at], tests.coef[k])
        assert tests.class_rows[label].wald == pytest.approx(expected, rel=1e-7)


def test_all_features_together(tests):
    full = mnlogit(X, y)
    assert tests.overall.df == 6
    assert tests.overall.ratio == pytest.approx(full.llr, abs=1e-6)


def test_contrasts_by_the_covariance_of_statsmodels(tests):
    full = mnlogit(X, y)
    one = tests.contrast({"barolo": 1, "grignolino": -1}, {"hue": 1, "ash": -2})
    f = np.zeros(8)
    f[[1, 0, 5, 4]] = [1, -2, -1, 2]
    value, error = f @ full.params.T.ravel(), np.sqrt(f @ full.cov_params() @ f)
    assert (one.estimate, one.std_err) == (pytest.approx(value, rel=1e-7), pytest.approx(error, rel=1e-7))
    assert one.p_value == pytest.approx(2 * norm.sf(abs(value / error)), rel=1e-6)
    assert one.interval == pytest.approx((value - 1.959963985 * error, value + 1.959963985 * error))
    assert str(one).startswith("barolo - grignolino on hue - 2 ash: ")
    row = tests.in_gauge("grignolino")
    alone = row.contrast({"barbera": 1, "grignolino": -1}, "(intercept)")
    assert alone.estimate == pytest.approx(row.intercept[0])
    assert alone.std_err == pytest.approx(row.intercept_std_err[0])


small = st.integers(0, 10**6)


@given(small, st.integers(2, 4), st.integers(1, 3))
@settings(max_examples=25)
def test_no_test_knows_a_gauge(seed, K, d):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((60, d))
    labels = np.append(rng.integers(0, K, 60 - K), np.arange(K))
    try:
        found = ms.class_tests(rows, labels)
    except ms.SeparatedError:
        return
    for gauge in range(K):
        other = found.in_gauge(gauge)
        for k in range(K):
            if k != gauge:
                pair = found.pairs[f"{min(k, gauge)} - {max(k, gauge)}"]
                assert other.class_rows[k].ratio == pytest.approx(pair.ratio, abs=1e-6)
                assert other.class_rows[k].wald == pytest.approx(pair.wald, rel=1e-6, abs=1e-9)
        contrast = {0: 1.0, K - 1: -1.0}
        assert other.contrast(contrast, "x0").std_err == pytest.approx(found.contrast(contrast, "x0").std_err)
        scores = rows @ other.coef.T + other.intercept
        assert log_likelihood(scores, labels) == pytest.approx(found.log_likelihood, rel=1e-12)


@given(small)
@settings(max_examples=15)
def test_units_change_no_test(seed):
    rng = np.random.default_rng(seed)
    scale, shift = 10.0 ** rng.integers(-5, 6, 3), rng.standard_normal(3) * 100
    found, moved = ms.class_tests(X, y), ms.class_tests(X * scale + shift * scale, y)
    np.testing.assert_allclose(moved.z, found.z, rtol=1e-6)
    np.testing.assert_allclose(moved.coef * scale, found.coef, rtol=1e-6)
    np.testing.assert_allclose(moved.feature_std, found.feature_std * scale)
    assert moved.class_rows["barolo"].ratio == pytest.approx(found.class_rows["barolo"].ratio, abs=1e-6)


def test_sparse_tables_and_other_labels_are_the_same(tests):
    codes = np.unique(y, return_inverse=True)[1] * 10
    other = ms.class_tests(sparse.csr_array(X.to_numpy()), codes, level=0.9)
    np.testing.assert_allclose(other.coef, tests.coef, rtol=1e-7)
    assert other.names == ("x0", "x1", "x2")
    assert other.pairs["0 - 10"].ratio == pytest.approx(tests.pairs["barbera - barolo"].ratio)
    reach = other.intervals[..., 1] - other.coef
    np.testing.assert_allclose(reach, norm.ppf(0.95) * other.std_err)


def test_rows_of_weight_zero_are_dropped(tests):
    extra = pd.concat([X, X[:7] + 100.0], ignore_index=True)
    weights = np.append(np.ones(len(y)), np.zeros(7))
    found = ms.class_tests(extra, np.append(y, y[:7]), sample_weight=weights)
    np.testing.assert_allclose(found.coef, tests.coef, rtol=1e-9)
    with pytest.raises(DataError, match="class 'barolo' has none"):
        ms.class_tests(X, y, sample_weight=(y != "barolo").astype(float))


def test_the_certificate_proves_the_overlap(tests):
    assert tests.status == "overlap"
    assert tests.certificate.verify(X, y)


def test_the_frame_and_the_document(tests):
    frame = tests.frame()
    assert frame.shape == (12, 8)
    row = frame[(frame["class"] == "barolo") & (frame["feature"] == "hue")].iloc[0]
    assert row["coef"] == tests.coef[1, 1]
    assert row["std_err"] == tests.std_err[1, 1]
    assert row["lower"] == tests.intervals[1, 1, 0]
    without = ms.class_tests(X, y, fit_intercept=False)
    assert "(intercept)" not in set(without.frame()["feature"])
    document = json.loads(json.dumps(tests.to_dict(), allow_nan=False))
    assert document["class_rows"]["tests"][0]["name"] == "barbera"
    assert document["coef"] == tests.coef.tolist()
    text = str(tests)
    assert "178 rows, 3 features, 3 classes, with intercepts" in text
    assert "barolo" in text
    assert repr(tests).startswith("<ClassTests: Multinomial maximum likelihood: 178 rows")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"level": 1.0}, "a level between 0 and 1"),
        ({"gauge": "merlot"}, "'sum_to_zero' or the label of a reference class"),
        ({"on_separation": "ignore"}, "on_separation of 'raise' or 'ratios'"),
    ],
)
def test_arguments_that_cannot_be_meant(arguments, message):
    with pytest.raises(UsageError, match=message):
        ms.class_tests(X, y, **arguments)


def test_contrasts_that_cannot_be_meant(tests):
    with pytest.raises(UsageError, match="sum to zero are needed"):
        tests.contrast({"barolo": 1}, "hue")
    with pytest.raises(UsageError, match="a label of a class"):
        tests.contrast({"barolo": 1, "merlot": -1}, "hue")
    with pytest.raises(UsageError, match="did you mean 'hue'"):
        tests.contrast({"barolo": 1, "barbera": -1}, "huee")
    with pytest.raises(UsageError, match="a feature with a number other than zero"):
        tests.contrast({"barolo": 1, "barbera": -1}, {"hue": 0})
    with pytest.raises(KeyError):
        tests.class_rows["merlot"]


def test_data_that_cannot_be_used():
    with pytest.raises(DataError, match="a feature that varies"):
        ms.class_tests(np.ones((6, 2)), [0, 1, 0, 1, 0, 1])
    with pytest.raises(SizeError, match="at most 3000 free parameters"):
        ms.class_tests(np.zeros((4000, 3200)), np.arange(4000) % 2)
    with pytest.raises(DataError, match="inconsistent numbers of samples"):
        ms.class_tests(X, y[:-1])
