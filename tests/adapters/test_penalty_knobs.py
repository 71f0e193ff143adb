"""Which parameter is a penalty, which way it turns, and when there is none."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, Perceptron, RidgeClassifier, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import LabelSpreading
from sklearn.svm import SVC, LinearSVC

from marginscope.adapters import PenaltyKnob, as_model_view
from marginscope.adapters.penalties import PENALTIES, penalty_is_absent
from marginscope.exceptions import UsageError


class Boosted(ClassifierMixin, BaseEstimator):
    """The parameter names of a boosting package."""

    def __init__(self, reg_lambda=1.0, reg_alpha=0.0, min_child_samples=20, alpha=0.9):
        self.reg_lambda = reg_lambda
        self.reg_alpha = reg_alpha
        self.min_child_samples = min_child_samples
        self.alpha = alpha

    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.zeros(len(X))


class XGBModel(Boosted):
    """Stands for the ancestor of that name; its None means the package's default."""


def knobs(model):
    return {knob.path: knob for knob in as_model_view(model, seed=0).penalty_knobs()}


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (LogisticRegression(C=1e-5), {"C": (1e-5, +1)}),
        (LogisticRegression(C=np.inf), {"C": (np.inf, +1)}),
        (make_pipeline(StandardScaler(), LinearSVC(C=2)), {"linearsvc__C": (2, +1)}),
        (OneVsRestClassifier(LogisticRegression()), {"estimator__C": (1.0, +1)}),
        (CalibratedClassifierCV(SVC()), {"estimator__C": (1.0, +1)}),
        (RidgeClassifier(alpha=5.0), {"alpha": (5.0, -1)}),
        (LogisticRegression(penalty=None), {}),
        (SGDClassifier(), {"alpha": (1e-4, -1)}),
        (SGDClassifier(penalty=None), {}),
        (Perceptron(), {}),
        (Perceptron(penalty="l2"), {"alpha": (1e-4, -1)}),
        (MLPClassifier(), {"alpha": (1e-4, -1)}),
        (MultinomialNB(), {}),
        (LabelSpreading(), {}),
        (KNeighborsClassifier(), {}),
        (LogisticRegressionCV(Cs=3), {}),
        (LinearDiscriminantAnalysis(), {}),
        (LinearDiscriminantAnalysis(solver="lsqr"), {"shrinkage": (0.0, -1)}),
        (LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5), {"shrinkage": (0.5, -1)}),
        (LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"), {}),
        (NearestCentroid(shrink_threshold=2.0), {"shrink_threshold": (2.0, -1)}),
        (HistGradientBoostingClassifier(), {"l2_regularization": (0.0, -1), "min_samples_leaf": (20, -1)}),
        (RandomForestClassifier(), {"ccp_alpha": (0.0, -1), "min_samples_leaf": (1, -1)}),
        (GridSearchCV(LogisticRegression(), {"C": [1, 2]}), {"estimator__C": (2, +1)}),
        (GridSearchCV(LogisticRegression(), {"tol": [1, 2]}), {"estimator__C": (1.0, +1)}),
        (GridSearchCV(make_pipeline(SVC()), [{"svc__gamma": [1]}, {"svc__C": [3]}]), {"estimator__svc__C": (3, +1)}),
        (
            VotingClassifier([("a", SVC(C=3)), ("b", RidgeClassifier())]),
            {"a__C": (3, +1), "b__alpha": (1.0, -1)},
        ),
        (Boosted(), {"reg_lambda": (1.0, -1), "reg_alpha": (0.0, -1), "min_child_samples": (20, -1)}),
        (
            XGBModel(reg_lambda=None, reg_alpha=None),
            {"reg_lambda": (1.0, -1), "reg_alpha": (0.0, -1), "min_child_samples": (20, -1)},
        ),
    ],
)
def test_knobs_by_the_class_that_owns_them(model, expected):
    assert {path: (knob.value, knob.direction) for path, knob in knobs(model).items()} == expected


def test_qda_knobs_are_those_its_version_has():
    found = knobs(QuadraticDiscriminantAnalysis(reg_param=0.2))
    assert found["reg_param"].value == 0.2
    assert found["reg_param"].stronger(100) == 1.0


@pytest.mark.parametrize(
    "model", [LogisticRegression(C=0.5), RidgeClassifier(), RandomForestClassifier(min_samples_leaf=8)]
)
def test_weaker_and_stronger_are_what_the_estimator_takes(model):
    X = np.random.default_rng(0).normal(size=(30, 2))
    y = np.repeat(["a", "b", "c"], 10)
    view = as_model_view(model, seed=0)
    for knob in view.penalty_knobs():
        for value in (knob.weaker(100), knob.stronger(3)):
            view.with_params(**{knob.path: value}).fit(X, y)


def test_weaker_lets_the_coefficients_grow_and_stronger_shrinks_them():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), np.repeat([0, 1, 2], 20)
    for model in (LogisticRegression(), RidgeClassifier(alpha=50.0), LinearSVC(C=1e-3)):
        view = as_model_view(model, seed=0)
        (knob,) = view.penalty_knobs()
        values = (knob.stronger(30), knob.value, knob.weaker(30))
        norms = [np.linalg.norm(view.with_params(**{knob.path: value}).fit(X, y).coef_) for value in values]
        assert norms[0] < norms[1] < norms[2]


def test_the_ends_of_the_range():
    C = knobs(LogisticRegression())["C"]
    assert (C.weaker(100), C.stronger(100), C.default) == (100.0, 0.01, 1.0)
    without = knobs(LogisticRegression(C=np.inf))["C"]
    assert without.is_absent
    assert (without.weaker(10), without.stronger(10)) == (np.inf, 1.0)
    assert knobs(RidgeClassifier(alpha=0.0))["alpha"].stronger(10) == 1.0
    leaf = knobs(RandomForestClassifier(min_samples_leaf=30))["min_samples_leaf"]
    assert (leaf.weaker(7), leaf.weaker(1e6), leaf.stronger(10)) == (4, 1, 300)
    assert isinstance(leaf.weaker(7), int)
    fraction = knobs(RandomForestClassifier(min_samples_leaf=0.2))["min_samples_leaf"]
    assert (fraction.weaker(10), fraction.stronger(10)) == (0.02, 0.5)
    assert knobs(RandomForestClassifier())["ccp_alpha"].stronger(10) == 0.0
    assert knobs(SVC())["C"].weaker(1e6) == 1e4
    assert knobs(SVC(C=1e7))["C"].weaker(10) == 1e7
    assert repr(knobs(LogisticRegression(C=1e-5))["C"].stronger(10)) == "1e-06"


@pytest.mark.parametrize("factor", [0.5, 0.0, -1.0, float("nan")])
def test_a_factor_below_one_has_no_meaning(factor):
    with pytest.raises(UsageError, match="a factor of 1 or more"):
        PenaltyKnob("C", 1.0, +1, 1.0).weaker(factor)


def test_the_table_of_penalties_is_readable_by_the_rule_that_the_first_row_decides():
    for rule in PENALTIES:
        assert rule.direction in (-1, +1)
        same = [other for other in PENALTIES if other.parameter == rule.parameter]
        assert all(other.owners for other in same[:-1]), (
            f"{rule.parameter}: a row for every class hides those behind it"
        )


def separated():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2)) + np.repeat([[0, 0], [20, 0], [0, 20]], 20, axis=0)
    return (X - X.mean(axis=0)) / X.std(axis=0), np.repeat([0, 1, 2], 20)


@pytest.mark.parametrize(
    ("model", "absent"),
    [
        (LogisticRegression(C=1e5), False),
        (LogisticRegression(C=1e6), True),
        (LogisticRegression(C=np.inf), True),
        (LogisticRegression(penalty=None), True),
        (make_pipeline(StandardScaler(), LogisticRegression(C=1e7)), True),
        (OneVsRestClassifier(LogisticRegression(C=1e7)), True),
        (OneVsRestClassifier(LogisticRegression()), False),
        (GridSearchCV(LogisticRegression(), {"C": [1e8]}), True),
        (SGDClassifier(loss="log_loss"), False),
        (SGDClassifier(loss="log_loss", penalty=None), True),
        (SGDClassifier(loss="log_loss", alpha=1e-13), True),
        (SGDClassifier(loss="log_loss", alpha=1e-10), False),
        (RidgeClassifier(), False),
        (RidgeClassifier(alpha=0.0), True),
        (LinearDiscriminantAnalysis(), False),
        (Perceptron(), True),
        (LinearSVC(C=1.0), False),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.filterwarnings("ignore:'penalty' was deprecated:FutureWarning")
def test_penalty_is_absent(model, absent):
    X, y = separated()
    view = as_model_view(model, seed=0)
    assert view.penalty_is_absent(view.fit(X, y)) == absent


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_penalty_is_absent_allows_for_the_scale_of_the_features():
    X, y = separated()
    view = as_model_view(LogisticRegression(C=1e4), seed=0)
    assert not view.penalty_is_absent(view.fit(X, y), X)
    # Features 100 times as large are penalised 10 000 times less.
    assert view.penalty_is_absent(view.fit(100 * X, y), 100 * X)
    assert not view.penalty_is_absent(view.fit(100 * X, y))
    mean_loss = as_model_view(SGDClassifier(loss="log_loss", alpha=1e-8), seed=0)
    assert mean_loss.penalty_is_absent(mean_loss.fit(X, y), X)
    tree = as_model_view(RandomForestClassifier(2), seed=0)
    assert not tree.penalty_is_absent(tree.fit(X, y), X)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("C", [0.1, 10.0])
def test_penalty_is_absent_reads_sparse_features(C):
    from scipy import sparse

    X, y = separated()
    X = sparse.csr_array(np.abs(X) * 1000)
    view = as_model_view(LogisticRegression(C=C, max_iter=5), seed=0)
    fitted = view.fit(X, y)
    assert view.penalty_is_absent(fitted, X) == (C > 1)
    assert view.penalty_is_absent(fitted, X) == penalty_is_absent(fitted, X.toarray())
