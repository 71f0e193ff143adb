"""Models of every kind, their answers alone, and models that fail."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC

import marginscope as ms
from marginscope.exceptions import ModelError

QUICK = ["class-absent", "few-rows", "imbalance"]


@pytest.fixture(scope="module")
def small(blobs):
    return blobs([40, 30, 20], [[0, 0, 0], [4, 0, 0], [0, 4, 0]], test=1)


def recalls(found):
    return {one.label: one.recall for one in found.classes}


class NearestMean(ClassifierMixin, BaseEstimator):
    """Knows no probabilities."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.means_ = np.array([X[y == label].mean(axis=0) for label in self.classes_])
        return self

    def predict(self, X):
        return self.classes_[((X[:, None] - self.means_) ** 2).sum(axis=2).argmin(axis=1)]


class OnlyScores(BaseEstimator):
    """Has ``decision_function`` and no ``predict``."""

    def fit(self, X, y):
        self.inner_ = LogisticRegression().fit(X, y)
        self.classes_ = self.inner_.classes_
        return self

    def decision_function(self, X):
        return self.inner_.decision_function(X)


class Frozen:
    """A rule that somebody wrote down: it can predict and nothing else."""

    def predict(self, X):
        return np.where(X[:, 0] > 2, "bee", np.where(X[:, 1] > 2, "cow", "ant"))


class FrozenScores:
    """The same rule as scores."""

    classes_ = np.array(["ant", "bee", "cow"])

    def decision_function(self, X):
        return np.stack([np.full(len(X), 2.0), X[:, 0], X[:, 1]], axis=1)


@pytest.mark.parametrize("model", [NearestMean(), OnlyScores(), LinearSVC()], ids=["predict", "scores", "svm"])
@pytest.mark.parametrize("test_rows", [True, False])
def test_models_with_only_predict_or_decision_function(model, test_rows, small):
    problem = small if test_rows else small.without_test()
    found = problem.diagnose(model, cv=3, checks=[*QUICK, "over-regularised", "unscaled-features"])
    assert min(one.recall for one in found.classes) > 0.8
    assert not [one.sentence for one in found.findings if one.status == "errored"]


@pytest.mark.parametrize("model", [Frozen(), FrozenScores()], ids=["predict", "scores"])
def test_models_that_cannot_be_fitted_again_are_judged_on_test_rows(model, small):
    found = small.diagnose(model)
    assert min(one.recall for one in found.classes) > 0.8
    assert not [one.sentence for one in found.findings if one.status == "errored"]


def test_a_frozen_estimator_is_judged_on_test_rows(small):
    from sklearn.frozen import FrozenEstimator

    model = FrozenEstimator(LogisticRegression().fit(small.X, small.y))
    found = small.diagnose(model, checks=QUICK)
    expected = LogisticRegression().fit(small.X, small.y).predict(small.X_test)
    assert found["cow"].recall == pytest.approx(np.mean(expected[small.y_test == "cow"] == "cow"))


def test_a_model_that_cannot_be_fitted_again_is_not_called_out_of_sample_on_its_own_rows(small):
    found = small.without_test().diagnose(Frozen())
    guess = Frozen().predict(small.X)
    for one in found.classes:
        assert one.recall == pytest.approx(np.mean(guess[small.y == one.label] == one.label))
    assert any("cannot be fitted again" in note and "trained on" in note for note in found.notes)
    assert not any("out of sample" in note for note in found.notes)


def test_a_fitted_model_is_judged_as_it_is_on_test_rows(small):
    """Fitted on other rows than those given: its own answers count, not those of a refit."""
    bad = LogisticRegression().fit(small.X, np.roll(small.y, 1))
    found = small.diagnose(bad, checks=QUICK)
    answers = bad.predict(small.X_test)
    for one in found.classes:
        assert one.recall == pytest.approx(np.mean(answers[small.y_test == one.label] == one.label))


def test_a_fitted_model_is_refitted_on_folds(small):
    X, y = small.X, small.y
    one = ms.diagnose(LogisticRegression().fit(X, np.roll(y, 1)), X, y, cv=3, checks=QUICK)
    two = ms.diagnose(LogisticRegression(), X, y, cv=3, checks=QUICK)
    assert recalls(one) == recalls(two)


def test_a_search_is_a_model(small):
    search = GridSearchCV(LogisticRegression(), {"C": [1e-3, 1.0]}, cv=2)
    found = small.diagnose(search, checks=[*QUICK, "over-regularised"])
    assert min(one.recall for one in found.classes) > 0.8


@pytest.mark.parametrize("kind", ["labels", "probabilities"])
@pytest.mark.parametrize("test_rows", [True, False])
def test_predictions_alone_can_be_diagnosed(kind, test_rows, small):
    problem = small if test_rows else small.without_test()
    rows = small.X_test if test_rows else small.X
    fitted = LogisticRegression().fit(small.X, small.y)
    given = {"y_pred": fitted.predict(rows)} if kind == "labels" else {"proba": fitted.predict_proba(rows)}
    found = problem.diagnose(ms.Predictions(**given))
    y = small.y_test if test_rows else small.y
    for one in found.classes:
        assert one.recall == pytest.approx(np.mean(fitted.predict(rows)[y == one.label] == one.label))
    assert not [one.sentence for one in found.findings if one.status == "errored"]


def test_predictions_for_another_number_of_rows_are_refused(small):
    with pytest.raises(ModelError, match="89 predictions for 90 rows"):
        ms.diagnose(ms.Predictions(small.y[:-1]), small.X, small.y)


def test_a_prediction_that_is_no_label_is_refused(small):
    with pytest.raises(ModelError, match="yak"):
        ms.diagnose(ms.Predictions(np.where(small.y == "cow", "yak", small.y)), small.X, small.y)


class Fails(LogisticRegression):
    def __init__(self, at="fit"):
        super().__init__()
        self.at = at

    def fit(self, X, y):
        if self.at == "fit":
            raise RuntimeError("out of paper")
        return super().fit(X, y)

    def predict(self, X):
        if self.at == "predict":
            raise RuntimeError("out of paper")
        return super().predict(X)

    def predict_proba(self, X):
        proba = super().predict_proba(X)
        return {"nan": proba * np.nan, "half": proba / 2, "narrow": proba[:, :2]}.get(self.at, proba)


@pytest.mark.parametrize("test_rows", [True, False])
@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("fit", "out of paper"),
        ("predict", "out of paper"),
        ("nan", "finite"),
        ("half", "sum to 1"),
        ("narrow", "shape"),
    ],
)
def test_a_model_that_fails_is_an_error_that_names_it(at, said, test_rows, small):
    problem = small if test_rows else small.without_test()
    with pytest.raises(ModelError, match=said) as caught:
        problem.diagnose(Fails(at))
    assert "Fails" in str(caught.value)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("model", [LinearRegression(), LogisticRegression, "logistic", OneHotEncoder()])
def test_what_is_no_classifier_is_refused(model, small):
    with pytest.raises(ModelError, match="needed"):
        small.diagnose(model)
