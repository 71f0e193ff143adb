"""Which parameter sets how long a model trains, and that lengthening it really trains longer."""

import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, Perceptron, RidgeClassifier, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from marginscope.adapters import as_model_view
from marginscope.adapters.training_knobs import TRAINING
from marginscope.estimators.gradient_descent_classifier import GradientDescentClassifier
from marginscope.estimators.margin_classifier import MarginClassifier


def knobs(model):
    return {knob.path: knob for knob in as_model_view(model, seed=0).training_knobs()}


def steps_of(model):
    (knob,) = [knob for knob in knobs(model).values() if knob.kind == "steps"]
    return knob


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (LogisticRegression(max_iter=3), {"max_iter": (3, "steps")}),
        (make_pipeline(StandardScaler(), LinearSVC(max_iter=7)), {"linearsvc__max_iter": (7, "steps")}),
        (OneVsRestClassifier(LogisticRegression()), {"estimator__max_iter": (100, "steps")}),
        (CalibratedClassifierCV(SGDClassifier()), {"estimator__max_iter": (1000, "steps")}),
        (SGDClassifier(learning_rate="constant", eta0=0.5), {"max_iter": (1000, "steps"), "eta0": (0.5, "step_size")}),
        # without a penalty its step size only scales the coefficients
        (Perceptron(), {"max_iter": (1000, "steps")}),
        (Perceptron(penalty="l2"), {"max_iter": (1000, "steps"), "eta0": (1.0, "step_size")}),
        (MLPClassifier(), {"max_iter": (200, "steps"), "learning_rate_init": (0.001, "step_size")}),
        (MLPClassifier(solver="lbfgs"), {"max_iter": (200, "steps")}),
        # a limit of the solver's own is no number
        (MarginClassifier(), {}),
        (MarginClassifier(max_iter=5), {"max_iter": (5, "steps")}),
        (RidgeClassifier(), {}),
        (RidgeClassifier(solver="sag", max_iter=2), {"max_iter": (2, "steps")}),
        (SVC(), {}),
        (SVC(max_iter=10), {"max_iter": (10, "steps")}),
        (GradientDescentClassifier(n_steps=50), {"n_steps": (50, "steps")}),
        (
            GradientDescentClassifier(n_steps=50, step_size=0.25),
            {"n_steps": (50, "steps"), "step_size": (0.25, "step_size")},
        ),
        (
            HistGradientBoostingClassifier(max_iter=20),
            {"max_iter": (20, "steps"), "learning_rate": (0.1, "step_size")},
        ),
        (GradientBoostingClassifier(), {"n_estimators": (100, "steps"), "learning_rate": (0.1, "step_size")}),
        (AdaBoostClassifier(), {"n_estimators": (50, "steps"), "learning_rate": (1.0, "step_size")}),
        # trees of a forest do not follow one another
        (RandomForestClassifier(), {}),
        (BaggingClassifier(LogisticRegression()), {"estimator__max_iter": (100, "steps")}),
        (KNeighborsClassifier(), {}),
        # what a search sets anew is known by its longest training
        (GridSearchCV(LogisticRegression(), {"max_iter": [10, 20]}), {"estimator__max_iter": (20, "steps")}),
        (GridSearchCV(LogisticRegression(), {"C": [1, 2]}), {"estimator__max_iter": (100, "steps")}),
        (
            GridSearchCV(make_pipeline(MLPClassifier()), {"mlpclassifier__max_iter": [10]}),
            {
                "estimator__mlpclassifier__max_iter": (10, "steps"),
                "estimator__mlpclassifier__learning_rate_init": (0.001, "step_size"),
            },
        ),
    ],
)
def test_knobs_by_the_class_that_owns_them(model, expected):
    assert {path: (knob.value, knob.kind) for path, knob in knobs(model).items()} == expected


class Foreign(ClassifierMixin, BaseEstimator):
    """The parameter names of packages that need not be installed."""

    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.zeros(len(X))


class XGBModel(Foreign):
    def __init__(self, n_estimators=None, learning_rate=None, early_stopping_rounds=None):
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.early_stopping_rounds = early_stopping_rounds


class XGBRFClassifier(XGBModel):
    pass


class LGBMModel(Foreign):
    def __init__(self, boosting_type="gbdt", n_estimators=100, learning_rate=0.1):
        self.boosting_type = boosting_type
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate


class CatBoost(Foreign):
    def __init__(self, iterations=30, learning_rate=0.2):
        self.iterations = iterations
        self.learning_rate = learning_rate


class NeuralNet(Foreign):
    def __init__(self, max_epochs=10, lr=0.01):
        self.max_epochs = max_epochs
        self.lr = lr


class BaseWrapper(Foreign):
    def __init__(self, epochs=1):
        self.epochs = epochs


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (XGBModel(early_stopping_rounds=5), {"n_estimators": (100, "steps"), "learning_rate": (0.3, "step_size")}),
        (XGBModel(70, 0.5), {"n_estimators": (70, "steps"), "learning_rate": (0.5, "step_size")}),
        (XGBRFClassifier(70, 0.5), {}),
        (LGBMModel(), {"n_estimators": (100, "steps"), "learning_rate": (0.1, "step_size")}),
        (LGBMModel("rf"), {}),
        (CatBoost(), {"iterations": (30, "steps"), "learning_rate": (0.2, "step_size")}),
        (NeuralNet(), {"max_epochs": (10, "steps"), "lr": (0.01, "step_size")}),
        (BaseWrapper(), {"epochs": (1, "steps")}),
    ],
)
def test_names_of_other_packages(model, expected):
    assert {path: (knob.value, knob.kind) for path, knob in knobs(model).items()} == expected


def test_an_early_stop_that_is_on_goes_with_a_longer_training():
    assert dict(knobs(XGBModel(early_stopping_rounds=5))["n_estimators"].companions) == {"early_stopping_rounds": None}
    assert knobs(XGBModel())["n_estimators"].companions == ()
    boosted = HistGradientBoostingClassifier(early_stopping=True)
    assert knobs(make_pipeline(boosted))["histgradientboostingclassifier__max_iter"].companions == (
        ("histgradientboostingclassifier__early_stopping", False),
    )
    assert knobs(HistGradientBoostingClassifier(early_stopping=False))["max_iter"].companions == ()


def test_tolerances_are_only_made_smaller_and_patience_only_larger():
    assert dict(knobs(LogisticRegression(tol=0.5))["max_iter"].companions) == {"tol": 1e-6}
    assert knobs(LogisticRegression(tol=1e-9))["max_iter"].companions == ()
    patient = SGDClassifier(tol=None, n_iter_no_change=100)
    assert knobs(patient)["max_iter"].companions == ()
    assert dict(knobs(SGDClassifier())["max_iter"].companions) == {"tol": 1e-6, "n_iter_no_change": 20}


def test_the_table_is_readable_by_the_rule_that_the_first_row_decides():
    for number, rule in enumerate(TRAINING):
        assert rule.kind in ("steps", "step_size")
        assert rule.highest > 1e-3
        before = [other for other in TRAINING[:number] if other.parameter == rule.parameter]
        assert all(set(other.owners) != set(rule.owners) for other in before)


@pytest.fixture(scope="module")
def hard_rows():
    """Overlapping classes on features of unequal size: no solver is done early."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 60)
    X = rng.normal(size=(180, 6)) * np.array([1, 3, 10, 30, 1, 1]) + y[:, None]
    # numbers: an early stop of scikit-learn 1.6 fails on words
    return X, y


def iterations(fitted):
    inner = fitted[-1] if hasattr(fitted, "steps") else fitted
    if hasattr(inner, "estimators_") and not hasattr(inner, "n_iter_"):
        return len(inner.estimators_)
    return int(np.max(inner.n_iter_))


# Every rule whose owner is installed, with a limit or an early stop that ends it too soon.
ENDED_EARLY = [
    LogisticRegression(max_iter=3),
    LogisticRegression(tol=30.0),
    LogisticRegression(solver="saga", tol=0.3, random_state=0),
    LinearSVC(max_iter=3, random_state=0),
    LinearSVC(tol=2.0, random_state=0),
    SVC(max_iter=20),
    MarginClassifier(max_iter=1),
    RidgeClassifier(solver="sag", max_iter=2, random_state=0),
    SGDClassifier(max_iter=3, random_state=0),
    SGDClassifier(random_state=0),
    SGDClassifier(early_stopping=True, random_state=0),
    Perceptron(random_state=0),
    MLPClassifier((4,), max_iter=3, random_state=0),
    MLPClassifier((4,), solver="sgd", random_state=0, tol=0.1),
    MLPClassifier((4,), solver="lbfgs", max_iter=3, random_state=0),
    MLPClassifier((4,), solver="lbfgs", max_fun=10, random_state=0),
    MLPClassifier((4,), early_stopping=True, random_state=0),
    GradientDescentClassifier(n_steps=20),
    GradientDescentClassifier(n_steps=400, tol=0.3),
    GradientDescentClassifier(n_steps=400, early_stopping=True, patience=1, step_size=1e-3, random_state=0),
    HistGradientBoostingClassifier(max_iter=3),
    HistGradientBoostingClassifier(max_iter=40, early_stopping=True, n_iter_no_change=1, random_state=0),
    GradientBoostingClassifier(n_estimators=3),
    GradientBoostingClassifier(n_estimators=40, n_iter_no_change=1, random_state=0),
    AdaBoostClassifier(n_estimators=3, random_state=0),
    make_pipeline(StandardScaler(), SGDClassifier(max_iter=2, random_state=0)),
]


@pytest.mark.parametrize("model", ENDED_EARLY, ids=str)
def test_lengthening_really_makes_more_iterations(model, hard_rows):
    X, y = hard_rows
    view = as_model_view(model, seed=0)
    knob = steps_of(model)
    longer = view.with_params(**{knob.path: knob.value * 10}, **dict(knob.companions))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before, after = iterations(view.fit(X, y)), iterations(as_model_view(longer, seed=0).fit(X, y))
    assert after >= 1.5 * before


def test_every_step_size_is_a_number_that_changes_the_fit(hard_rows):
    X, y = hard_rows
    for model in (
        SGDClassifier(learning_rate="constant", eta0=0.01, max_iter=5, tol=None, random_state=0),
        Perceptron(penalty="l2", max_iter=5, tol=None, random_state=0),
        MLPClassifier((4,), max_iter=5, random_state=0),
        GradientDescentClassifier(n_steps=20, step_size=1e-4),
        HistGradientBoostingClassifier(max_iter=5),
        GradientBoostingClassifier(n_estimators=5, random_state=0),
        AdaBoostClassifier(n_estimators=5, random_state=0),
    ):
        view = as_model_view(model, seed=0)
        (knob,) = [knob for knob in view.training_knobs() if knob.kind == "step_size"]
        assert knob.value < knob.highest
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fits = [view.with_params(**{knob.path: value}).fit(X, y) for value in (knob.value, knob.value / 3)]
        answers = [getattr(fit, "predict_proba", getattr(fit, "decision_function", None))(X) for fit in fits]
        assert np.abs(answers[0] - answers[1]).max() > 1e-3
