"""Coefficients of linear models in one shape."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression, Perceptron, RidgeClassifier, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from marginscope.adapters import as_model_view

X, y = load_iris(return_X_y=True)
LINEAR = [
    LogisticRegression(max_iter=300), LinearSVC(), RidgeClassifier(), SGDClassifier(), LinearDiscriminantAnalysis(),
    Perceptron(), OneVsRestClassifier(LogisticRegression()), OneVsRestClassifier(LinearSVC()),
    RidgeClassifier(fit_intercept=False), LinearSVC(fit_intercept=False),
]  # fmt: skip
EXPONENTIAL = {
    LogisticRegression(): True, OneVsRestClassifier(LogisticRegression()): True, SGDClassifier(loss="log_loss"): True,
    SGDClassifier(): False, LinearSVC(): False, RidgeClassifier(): False, LinearDiscriminantAnalysis(): False,
    OneVsRestClassifier(LinearSVC()): False,
}  # fmt: skip


def part_of(model, X=X, y=y):
    view = as_model_view(model, seed=0)
    fitted = view.fit(X, y)
    return view.linear_part(fitted, X), fitted


@pytest.mark.parametrize("model", LINEAR, ids=lambda model: str(model))
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_largest_score_is_the_prediction(model, n_classes):
    rows = y < n_classes
    part, fitted = part_of(model, X[rows], y[rows])
    assert part.coef.shape == (n_classes, 4)
    assert part.intercept.shape == (n_classes,)
    np.testing.assert_array_equal(part.classes[part.scores().argmax(axis=1)], fitted.predict(X[rows]))
    if n_classes == 2:
        np.testing.assert_allclose(np.diff(part.scores()).ravel(), fitted.decision_function(X[rows]), atol=1e-10)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("model", EXPONENTIAL, ids=lambda model: str(model))
def test_which_losses_have_an_exponential_tail(model):
    assert part_of(model)[0].is_softmax_or_ovr_logistic == EXPONENTIAL[model]


def test_binary_softmax_of_the_rows_is_the_sigmoid():
    rows = y < 2
    part, fitted = part_of(LogisticRegression(), X[rows], y[rows])
    odds = np.exp(part.scores())
    np.testing.assert_allclose(odds / odds.sum(axis=1, keepdims=True), fitted.predict_proba(X[rows]), rtol=1e-9)


def test_features_are_those_that_the_linear_model_saw():
    part, fitted = part_of(make_pipeline(StandardScaler(), SelectKBest(k=2), LogisticRegression()))
    assert part.names == ("x2", "x3")
    np.testing.assert_allclose(part.features, StandardScaler().fit_transform(X)[:, 2:])
    np.testing.assert_allclose(part.scores(), fitted.decision_function(X))
    rotated, _ = part_of(make_pipeline(PCA(2), LogisticRegression()))
    assert rotated.names == ("pca0", "pca1")


def test_sparse_coefficients_are_read():
    _, fitted = part_of(LogisticRegression(max_iter=300))
    expected = fitted.coef_.copy()
    fitted.sparsify()
    np.testing.assert_array_equal(as_model_view(fitted, seed=0).linear_part(fitted, X).coef, expected)


def test_models_that_are_not_linear_per_class_have_none():
    for model in (GaussianNB(), SVC(), SVC(kernel="linear"), OneVsRestClassifier(GaussianNB())):
        assert part_of(model)[0] is None
    rows = y < 2
    part, fitted = part_of(SVC(kernel="linear"), X[rows], y[rows])
    np.testing.assert_allclose(np.diff(part.scores()).ravel(), fitted.decision_function(X[rows]))


def test_no_array_is_shared_with_the_users_model():
    part, fitted = part_of(LinearDiscriminantAnalysis())
    part.coef[:] = 0.0
    part.intercept[:] = 0.0
    assert np.abs(fitted.coef_).max() > 0
    assert np.abs(fitted.intercept_).max() > 0
