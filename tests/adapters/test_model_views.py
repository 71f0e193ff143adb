"""Every kind of model through the whole view."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as make_imbalanced_pipeline
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, RobustScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from marginscope.adapters import SklearnModel, as_model_view
from marginscope.exceptions import ModelError, UsageError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class NearestMean:
    """Fits and predicts like scikit-learn, but knows nothing of it."""

    def fit(self, X, y):
        self.labels_, codes = np.unique(y, return_inverse=True)
        self.means_ = np.stack([X[codes == k].mean(axis=0) for k in range(len(self.labels_))])

    def predict(self, X):
        return self.labels_[((X[:, None] - self.means_) ** 2).sum(axis=2).argmin(axis=1)]


def scaled(model):
    return make_pipeline(StandardScaler(), model)


def columns():
    return make_column_transformer((StandardScaler(), slice(0, 6)), remainder="passthrough")


# name -> model, has probabilities, has scores per class, is linear
MODELS = {
    "logistic": (LogisticRegression(max_iter=50), True, True, True),
    "logistic scaled": (scaled(LogisticRegression()), True, True, True),
    "linear svc": (scaled(LinearSVC()), False, True, True),
    "svc": (scaled(SVC()), False, True, False),
    "svc linear ovo": (scaled(SVC(kernel="linear", decision_function_shape="ovo")), False, False, False),
    "ridge": (RidgeClassifier(), False, True, True),
    "sgd hinge": (scaled(SGDClassifier()), False, True, True),
    "sgd log": (scaled(SGDClassifier(loss="log_loss")), True, True, True),
    "lda": (LinearDiscriminantAnalysis(), True, True, True),
    "naive bayes": (GaussianNB(), True, False, False),
    "neighbours": (scaled(KNeighborsClassifier()), True, False, False),
    "tree": (DecisionTreeClassifier(), True, False, False),
    "forest": (RandomForestClassifier(n_estimators=10), True, False, False),
    "boosting": (HistGradientBoostingClassifier(max_iter=10), True, True, False),
    "mlp": (scaled(MLPClassifier((5,), solver="lbfgs", max_iter=60)), True, False, False),
    "one-vs-rest": (OneVsRestClassifier(scaled(LogisticRegression())), True, True, False),
    "one-vs-rest plain": (scaled(OneVsRestClassifier(LogisticRegression())), True, True, True),
    "one-vs-one": (scaled(OneVsOneClassifier(LinearSVC())), False, True, False),
    "calibrated": (CalibratedClassifierCV(scaled(LinearSVC()), cv=3), True, False, False),
    "columns": (make_pipeline(columns(), LogisticRegression(max_iter=50)), True, True, True),
    "search": (GridSearchCV(scaled(LogisticRegression()), {"logisticregression__C": [0.1, 1.0]}), True, True, True),
    "voting": (VotingClassifier([("a", GaussianNB()), ("b", DecisionTreeClassifier())]), False, False, False),
    "stacking": (
        StackingClassifier([("a", GaussianNB())], final_estimator=RidgeClassifier()), False, True, False,
    ),
    "bagging": (BaggingClassifier(n_estimators=5), True, False, False),
    "imbalanced": (make_imbalanced_pipeline(StandardScaler(), RandomOverSampler(), LinearSVC()), False, True, True),
    "duck": (NearestMean(), False, False, False),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_num016_every_model_answers_in_the_order_of_the_labels(name, wine, labels):
    X, y = wine
    model, has_proba, has_scores, is_linear = MODELS[name]
    view = as_model_view(model, seed=0)
    assert view.fitted is None
    assert view.can_refit
    assert view.has_proba == has_proba
    fitted = view.fit(X, y)
    codes, proba = view.answer(fitted, X, labels)
    scores, part = view.scores(fitted, X, labels), view.linear_part(fitted, X)
    assert (labels[codes] == fitted.predict(X)).all()
    assert np.mean(labels[codes] == y) > 0.6
    assert (proba is not None) == has_proba
    assert (scores is not None) == has_scores
    assert (part is not None) == is_linear
    if proba is not None:
        assert proba.shape == (len(y), 3)
        np.testing.assert_allclose(proba.sum(axis=1), 1.0, atol=1e-6)
        assert np.mean(proba.argmax(axis=1) == codes) > 0.99
    if scores is not None:
        np.testing.assert_array_equal(scores.argmax(axis=1), codes)
    if part is not None:
        np.testing.assert_allclose(part.scores(), scores, rtol=1e-7, atol=1e-9)
        assert len(part.names) == part.coef.shape[1]


@pytest.mark.parametrize("name", MODELS)
def test_refits_repeat_bit_by_bit_and_leave_the_users_model_alone(name, wine, labels):
    X, y = wine
    model = MODELS[name][0]
    before = pickle.dumps(model)
    view = as_model_view(model, seed=7)
    first, second = (view.answer(view.fit(X, y), X, labels) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    if first[1] is not None:
        np.testing.assert_array_equal(first[1], second[1])
    view.penalty_knobs(), view.weight_route(), view.with_step_in_front(StandardScaler()).fit(X, y)
    assert pickle.dumps(model) == before


@pytest.mark.parametrize("name", ["logistic scaled", "forest", "columns", "search", "duck"])
def test_dat054_a_fitted_model_is_used_and_never_changed(name, wine, labels):
    X, y = wine
    model = MODELS[name][0]
    model = NearestMean() if name == "duck" else clone(model)
    model.fit(X, y)
    before, data = pickle.dumps(model), X.copy()
    view = as_model_view(model, seed=0)
    assert view.fitted is model
    view.answer(view.fitted, X, labels), view.linear_part(view.fitted, X), view.fit(X[::2], y[::2])
    assert pickle.dumps(model) == before
    np.testing.assert_array_equal(X, data)


def test_another_seed_gives_another_fit_and_the_users_own_seed_is_kept(wine):
    X, y = wine
    free = RandomForestClassifier(n_estimators=3)
    answers = [as_model_view(free, seed=seed).fit(X, y).predict_proba(X) for seed in (1, 2)]
    assert not np.array_equal(*answers)
    assert as_model_view(free, seed=2**40).estimator.random_state < 2**32
    assert as_model_view(RandomForestClassifier(random_state=11), seed=1).estimator.random_state == 11


def test_every_free_random_state_is_fixed_however_deep():
    splitter = StratifiedKFold(shuffle=True)
    search = GridSearchCV(Pipeline([("pca", PCA()), ("svm", LinearSVC())]), {}, cv=splitter)
    fixed = as_model_view(search, seed=5).estimator
    assert fixed.estimator.named_steps["pca"].random_state == 5
    assert fixed.estimator.named_steps["svm"].random_state == 5
    assert fixed.cv.random_state == 5
    assert splitter.random_state is None
    assert search.estimator.named_steps["svm"].random_state is None


def test_kind_and_params_tell_what_the_user_set():
    model = Pipeline(
        [("scale", StandardScaler(with_mean=False)), ("skip", "passthrough"), ("clf", LogisticRegression(C=np.inf))]
    )
    view = as_model_view(model, seed=3)
    assert view.kind == "Pipeline(StandardScaler, LogisticRegression)"
    assert view.params == {"scale__with_mean": False, "clf__C": "inf"}
    weighted = as_model_view(OneVsRestClassifier(SVC(class_weight={0: 1.0, np.int64(1): np.float64(2)})), seed=0)
    assert weighted.kind == "OneVsRestClassifier(SVC)"
    assert weighted.params == {"estimator__class_weight": {"0": 1.0, "1": 2.0}}
    assert as_model_view(NearestMean(), seed=0).params == {}
    assert as_model_view(FunctionLike(func=np.log1p), seed=0).params == {"func": "log1p"}
    # long ones are whole here: who shows them shortens them
    assert as_model_view(FunctionLike(func=list(range(300))), seed=0).params == {"func": list(range(300))}
    assert as_model_view(FunctionLike(func=np.arange(300)), seed=0).params == {"func": list(range(300))}


class FunctionLike(GaussianNB):
    def __init__(self, func=None):
        self.func = func


def test_classes_the_fit_did_not_see_get_nothing(wine, labels):
    X, y = wine
    seen = y != "beta"
    view = as_model_view(scaled(LogisticRegression()), seed=0)
    fitted = view.fit(X[seen], y[seen])
    proba, scores = view.probabilities(fitted, X, labels), view.scores(fitted, X, labels)
    assert (proba[:, 1] == 0).all()
    np.testing.assert_allclose(proba[:, [0, 2]].sum(axis=1), 1.0)
    assert (scores[:, 1] == -np.inf).all()
    np.testing.assert_allclose(np.exp(scores[:, 2] - scores[:, 0]), proba[:, 2] / proba[:, 0])
    part = view.linear_part(fitted, X)
    assert part.classes.tolist() == ["alpha", "chi"]
    np.testing.assert_array_equal(part.coef[0], -part.coef[1])


def test_frames_and_sparse_rows_pass_through(wine, labels):
    X, y = wine
    frame = pd.DataFrame(X, columns=[f"f{j}" for j in range(X.shape[1])])
    frame["colour"] = np.where(y == "chi", "red", "blue")
    numbers = ("scale", StandardScaler(), [f"f{j}" for j in range(X.shape[1])])
    prepare = ColumnTransformer([numbers, ("one_hot", OneHotEncoder(), ["colour"])])
    view = as_model_view(make_pipeline(prepare, LogisticRegression()), seed=0)
    fitted = view.fit(frame, y)
    codes, proba = view.answer(fitted, frame, labels)
    part = view.linear_part(fitted, frame)
    assert part.names[0] == "scale__f0"
    assert part.names[-1] == "one_hot__colour_red"
    np.testing.assert_allclose(part.scores(), view.scores(fitted, frame, labels))
    rows = sparse.csr_array(X)
    sparse_view = as_model_view(LinearSVC(), seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        sparse_fit = sparse_view.fit(rows, y)
    assert sparse_view.linear_part(sparse_fit, rows).features.format == "csr"
    assert codes.shape == (len(y),)
    assert proba.shape == (len(y), 3)


def test_frozen_and_prefit_models_are_not_refitted(wine, labels):
    X, y = wine
    frozen = pytest.importorskip("sklearn.frozen").FrozenEstimator(GaussianNB().fit(X, y))
    for model in (frozen, CalibratedClassifierCV(frozen).fit(X, y)):
        view = as_model_view(model, seed=0)
        assert not view.can_refit
        assert view.fitted is model
        assert view.answer(view.fitted, X, labels)[0].shape == (len(y),)
        with pytest.raises(ModelError, match="is frozen; pass it unfitted"):
            view.fit(X, y)


def test_a_model_that_only_predicts_is_accepted(wine, labels):
    X, _ = wine

    class OnlyPredict:
        def predict(self, X):
            return np.where(X[:, 0] > 13, "chi", "beta")

    view = as_model_view(OnlyPredict(), seed=0)
    assert not view.can_refit
    assert not view.has_proba
    codes, proba = view.answer(view.fitted, X, labels)
    assert proba is None
    assert set(codes.tolist()) == {1, 2}
    assert view.penalty_knobs() == ()
    assert view.weight_route() is None
    assert view.class_weight_params() == {}


def test_a_model_that_only_scores_is_accepted(wine, labels):
    X, y = wine
    inner = LinearDiscriminantAnalysis().fit(X, y)

    class OnlyScores:
        classes_ = inner.classes_

        def decision_function(self, X):
            return inner.decision_function(X)

    view = as_model_view(OnlyScores(), seed=0)
    np.testing.assert_array_equal(labels[view.answer(view.fitted, X, labels)[0]], inner.predict(X))

    class Nameless:
        def decision_function(self, X):
            return inner.decision_function(X)

    with pytest.raises(ModelError, match="neither predict nor classes_"):
        as_model_view(Nameless(), seed=0).predict(Nameless(), X)


def test_with_params_sets_deep_names_on_a_copy():
    model = scaled(LogisticRegression())
    view = as_model_view(model, seed=0)
    assert view.with_params(logisticregression__C=7.0).named_steps["logisticregression"].C == 7.0
    assert model.named_steps["logisticregression"].C == 1.0
    assert view.estimator.named_steps["logisticregression"].C == 1.0
    with pytest.raises(UsageError, match="logisticregression__D"):
        view.with_params(logisticregression__D=7.0)


def test_a_step_goes_behind_what_makes_numbers(wine):
    X, y = wine
    plain = as_model_view(KNeighborsClassifier(), seed=0).with_step_in_front(StandardScaler())
    assert [name for name, _ in plain.steps] == ["standardscaler", "model"]
    prepared = as_model_view(make_pipeline(SimpleImputer(), PCA(2), LinearSVC()), seed=0)
    steps = [name for name, _ in prepared.with_step_in_front(StandardScaler()).steps]
    assert steps == ["simpleimputer", "standardscaler", "pca", "linearsvc"]
    twice = as_model_view(scaled(SVC()), seed=0).with_step_in_front(StandardScaler())
    assert [name for name, _ in twice.steps] == ["standardscaler_", "standardscaler", "svc"]
    search = GridSearchCV(make_pipeline(SimpleImputer(), SVC()), {"svc__C": [1.0, 2.0]})
    inside = as_model_view(search, seed=0).with_step_in_front(StandardScaler())
    assert [name for name, _ in inside.estimator.steps] == ["simpleimputer", "standardscaler", "svc"]
    assert inside.fit(X, y).score(X, y) > 0.95
    imbalanced = make_imbalanced_pipeline(RandomOverSampler(random_state=0), SVC())
    assert type(as_model_view(imbalanced, seed=0).with_step_in_front(StandardScaler())) is type(imbalanced)


@pytest.mark.parametrize(
    ("model", "scaler", "scale_free", "flexible"),
    [
        (LogisticRegression(), False, False, False),
        (scaled(SVC()), True, False, False),
        (make_pipeline(StandardScaler(with_std=False), SVC()), False, False, False),
        (make_pipeline(RobustScaler(with_scaling=False), SVC()), False, False, False),
        # some columns are passed on as they are
        (make_pipeline(columns(), SVC()), False, False, False),
        (make_pipeline(columns(), StandardScaler(), SVC()), True, False, False),
        (make_pipeline(columns().set_params(remainder="drop"), SVC()), True, False, False),
        (make_pipeline(columns().set_params(remainder=StandardScaler()), SVC()), True, False, False),
        (OneVsRestClassifier(scaled(SVC())), True, False, False),
        (DecisionTreeClassifier(), False, True, False),
        (make_pipeline(SimpleImputer(), RandomForestClassifier()), False, True, True),
        (make_pipeline(PCA(2), RandomForestClassifier()), False, False, True),
        (HistGradientBoostingClassifier(), False, True, True),
        (BaggingClassifier(), False, True, True),
        (BaggingClassifier(KNeighborsClassifier()), False, False, False),
        (CalibratedClassifierCV(RandomForestClassifier()), False, True, True),
        (LinearDiscriminantAnalysis(), False, True, False),
        (LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"), False, False, False),
        (make_pipeline(FunctionTransformer(), DecisionTreeClassifier()), False, True, False),
        (GaussianNB(), False, False, False),
        (NearestMean(), False, False, False),
    ],
)
def test_what_a_model_makes_of_scale_and_capacity(model, scaler, scale_free, flexible):
    view = SklearnModel(model, seed=0)
    assert (view.has_scaler(), view.is_scale_free(), view.is_flexible()) == (scaler, scale_free, flexible)


@pytest.mark.parametrize("name", ["tree", "boosting", "lda"])
def test_models_called_scale_free_are(name, wine, labels):
    X, y = wine
    model = MODELS[name][0]
    view = as_model_view(model, seed=0)
    assert view.is_scale_free()
    factors = 2.0 ** np.arange(X.shape[1])
    codes = [view.answer(view.fit(rows, y), rows, labels)[0] for rows in (X, X * factors)]
    assert np.mean(codes[0] == codes[1]) > 0.99
