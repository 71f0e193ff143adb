"""HardMarginClassifier against scikit-learn's machines, and what it does where there is no margin."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_iris
from sklearn.svm import SVC, LinearSVC

import marginscope as ms
from marginscope.exceptions import DataQualityWarning, NotSeparableError, UsageError
from marginscope.geometry.norms import NORMS
from oracles.soft_margin_by_cvxpy import least_violation

IRIS, SPECIES = load_iris(return_X_y=True)
NAMES = [norm.name for norm in NORMS]


def _separable(n_classes: int, n: int = 60, d: int = 4, seed: int = 0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    scores = X @ rng.standard_normal((d, n_classes)) + 0.3 * rng.standard_normal(n_classes)
    wide = np.sort(scores, axis=1)
    kept = wide[:, -1] - wide[:, -2] > 0.2
    return X[kept], scores[kept].argmax(axis=1)


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("n_classes", [3, 4])
def test_it_is_the_crammer_singer_machine_at_large_c(n_classes, fit_intercept):
    X, y = _separable(n_classes)
    ours = ms.HardMarginClassifier(fit_intercept=fit_intercept).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = LinearSVC(
            multi_class="crammer_singer", C=1e4, tol=1e-9, max_iter=200_000, fit_intercept=fit_intercept, random_state=0
        ).fit(X, y)
    # its subproblems end at a tolerance of their own
    assert ours.coef_ == pytest.approx(theirs.coef_, abs=2e-3 * np.abs(ours.coef_).max())
    if fit_intercept:
        assert ours.intercept_ == pytest.approx(theirs.intercept_, abs=2e-3 * np.abs(ours.coef_).max())
    assert np.linalg.norm(ours.coef_) <= np.linalg.norm(theirs.coef_) * (1 + 1e-3)


def test_two_classes_are_the_binary_machine_at_large_c():
    X, y = _separable(2)
    ours = ms.HardMarginClassifier(fit_intercept=False).fit(X, y)
    # a column of constant weight cannot be left out of SVC, so the classes are mirrored: its bias is then zero
    mirrored, labels = np.vstack([X, -X]), np.r_[y, 1 - y]
    theirs = SVC(kernel="linear", C=1e9, tol=1e-9).fit(mirrored, labels)
    assert ours.coef_ == pytest.approx(theirs.coef_, rel=1e-5)


@pytest.mark.parametrize("norm", NAMES)
def test_the_coefficients_attain_the_certified_margin(norm):
    X, y = _separable(3)
    model = ms.HardMarginClassifier(norm=norm).fit(X, y)
    assert model.certificate_.verify(X, y)
    W = np.column_stack([model.coef_, model.intercept_])
    scores = model.decision_function(X)
    own = scores[np.arange(len(y)), y]
    scores[np.arange(len(y)), y] = -np.inf
    size = next(one for one in NORMS if one.name == norm).value(W)
    assert (own - scores.max(axis=1)).min() / size >= model.certificate_.bracket.lower * (1 - 1e-9)
    assert model.soft_margin_ is None
    assert model.score(X, y) == 1.0


@pytest.mark.parametrize("norm", NAMES)
def test_without_a_margin_it_is_the_least_total_violation(norm):
    rows = np.r_[50:80, 100:130]
    X, y = IRIS[rows][:, :3], SPECIES[rows] - 1
    weights = np.random.default_rng(0).integers(1, 4, len(y)).astype(float)
    with pytest.warns(DataQualityWarning, match="cannot be separated") as caught:
        model = ms.HardMarginClassifier(norm=norm).fit(X, y, sample_weight=weights)
    assert len(caught) == 1
    least, size = least_violation(X, y, 2, norm, weights, fit_intercept=True)
    assert model.soft_margin_.violation.upper == pytest.approx(least, rel=1e-7)
    assert model.soft_margin_.norm_value == pytest.approx(size, rel=1e-5)
    assert model.certificate_.status in ("overlap", "quasi_complete")
    assert model.certificate_.verify(X, y)
    W = model.soft_margin_.full_coef
    assert model.coef_ == pytest.approx((W[1] - W[0])[None, :3])


def test_it_is_the_limit_of_large_c_of_the_crammer_singer_machine():
    rows = np.r_[0:20, 50:80, 100:130]
    X, y = IRIS[rows], SPECIES[rows]
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = ms.HardMarginClassifier(fit_intercept=False).fit(X, y)
        theirs = LinearSVC(
            multi_class="crammer_singer", C=100.0, tol=1e-9, max_iter=500_000, fit_intercept=False, random_state=0
        ).fit(X, y)

    def violation(W):
        scores = X @ W.T
        own = scores[np.arange(len(y)), y].copy()
        scores[np.arange(len(y)), y] = -np.inf
        return np.maximum(0.0, 1.0 - own + scores.max(axis=1)).sum()

    assert violation(ours.coef_) <= violation(theirs.coef_) + 1e-9
    assert violation(theirs.coef_) == pytest.approx(violation(ours.coef_), rel=1e-2)


def test_raise_proves_why():
    with pytest.raises(NotSeparableError, match="on_inseparable") as caught:
        ms.HardMarginClassifier(on_inseparable="raise").fit(IRIS, SPECIES)
    assert caught.value.certificate.verify(IRIS, SPECIES)
    assert isinstance(caught.value, ValueError)


def test_weights_drop_rows_and_scale_violations():
    X, y = _separable(3)
    bad = X[:1] * 0.9
    other = np.array([(y[0] + 1) % 3])
    clean = ms.HardMarginClassifier().fit(X, y)
    with_zero = ms.HardMarginClassifier().fit(np.vstack([X, bad]), np.r_[y, other], np.r_[np.ones(len(y)), 0.0])
    assert with_zero.coef_ == pytest.approx(clean.coef_, abs=1e-12)
    weights = np.r_[np.full(len(y), 2.0), 1.0]
    copies = np.r_[np.repeat(np.arange(len(y)), 2), len(y)]
    all_X, all_y = np.vstack([X, -X[:1]]), np.r_[y, y[:1]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataQualityWarning)
        weighted = ms.HardMarginClassifier().fit(all_X, all_y, weights)
        repeated = ms.HardMarginClassifier().fit(all_X[copies], all_y[copies])
    assert weighted.coef_ == pytest.approx(repeated.coef_, abs=1e-7)


def test_sparse_features_have_the_same_margin():
    X, y = _separable(3)
    X = np.where(np.abs(X) > 0.2, X, 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataQualityWarning)
        dense, sparse = ms.HardMarginClassifier().fit(X, y), ms.HardMarginClassifier().fit(sp.csr_array(X), y)
    assert sparse.coef_ == pytest.approx(dense.coef_, abs=1e-6)


def test_probabilities_only_on_request():
    assert not hasattr(ms.HardMarginClassifier(), "predict_proba")
    X, y = _separable(3)
    proba = ms.HardMarginClassifier(probability="calibrate").fit(X, y).predict_proba(X)
    assert proba.sum(axis=1) == pytest.approx(1.0)
    assert (proba.argmax(axis=1) == y).mean() > 0.9


@pytest.mark.parametrize("parameters", [{"norm": "l2"}, {"on_inseparable": "hope"}, {"probability": 1}], ids=str)
def test_what_cannot_be_meant_is_refused(parameters):
    with pytest.raises(UsageError, match="but got"):
        ms.HardMarginClassifier(**parameters).fit(*_separable(3))


def test_two_thousand_rows_that_overlap_take_seconds():
    import time

    rng = np.random.default_rng(0)
    X = rng.standard_normal((2_000, 20))
    y = (X @ rng.standard_normal((20, 5)) + 3.0 * rng.standard_normal((2_000, 5))).argmax(axis=1)
    begin = time.process_time()
    with pytest.warns(DataQualityWarning):
        model = ms.HardMarginClassifier().fit(X, y)
    assert model.soft_margin_.status == "optimal"
    assert time.process_time() - begin < 30.0
