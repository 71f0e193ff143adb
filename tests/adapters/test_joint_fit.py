"""The joint form of one-vs-rest: what it keeps, and that it learns what one-vs-rest hides."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Perceptron, RidgeClassifier, RidgeClassifierCV, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from marginscope.adapters import as_model_view
from marginscope.adapters.components import describe, unwrap
from marginscope.adapters.joint_fit import joint_fit
from marginscope.adapters.penalty_per_row import PenaltyPerRow
from marginscope.estimators.margin_classifier import MarginClassifier


def rows_on_a_line(seed, sizes=(300, 30, 300), gap=3.0):
    """Three classes with their means on a line, the middle one small, and three columns of noise."""
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1, 2], sizes)
    X = rng.normal(size=(len(y), 5))
    X[:, :2] += gap * y[:, None]
    return X, np.array(["left", "middle", "right"])[y]


def recall_of_middle(model, *, sizes=(300, 30, 300), gap=3.0):
    X, y = rows_on_a_line(0, sizes, gap)
    X_new, y_new = rows_on_a_line(1, (1000, 1000, 1000), gap)
    fitted = model.fit(X, y)
    return float(np.mean(fitted.predict(X_new[y_new == "middle"]) == "middle")), fitted


MASKED = [
    OneVsRestClassifier(LogisticRegression()),
    make_pipeline(StandardScaler(), OneVsRestClassifier(LogisticRegression(solver="liblinear"))),
    OneVsRestClassifier(make_pipeline(StandardScaler(), LinearSVC(random_state=0))),
    LinearSVC(random_state=0),
    LinearSVC(loss="hinge", max_iter=100_000, random_state=0),
    RidgeClassifier(),
    CalibratedClassifierCV(LinearSVC(random_state=0)),
    CalibratedClassifierCV(),
    # joint inside, and one sigmoid per class outside
    CalibratedClassifierCV(LogisticRegression()),
    GridSearchCV(RidgeClassifier(), {"alpha": [0.1, 1.0]}),
]


@pytest.mark.parametrize("model", MASKED, ids=describe)
def test_the_joint_fit_learns_the_middle_class_that_one_against_the_rest_hides(model):
    """The rule of the true densities calls about nine tenths of the middle class rightly at equal shares."""
    joint = as_model_view(model, seed=0).joint_fit()
    alone, _ = recall_of_middle(clone(model))
    together, _ = recall_of_middle(joint)
    assert alone < 0.35
    assert together > 0.65


def test_masking_by_ridge_needs_no_rare_class_but_one_with_room_it_is_healthy_by_logistic():
    ridge, _ = recall_of_middle(RidgeClassifier(), sizes=(200, 200, 200))
    together, _ = recall_of_middle(joint_fit(RidgeClassifier()), sizes=(200, 200, 200))
    logistic, _ = recall_of_middle(OneVsRestClassifier(LogisticRegression()), sizes=(200, 200, 200))
    assert ridge < 0.25
    assert together > 0.9
    assert logistic > 0.9


@pytest.mark.parametrize(
    "model",
    [
        OneVsRestClassifier(LogisticRegression()),
        OneVsRestClassifier(SGDClassifier(random_state=0)),
        LinearSVC(random_state=0),
        LinearSVC(penalty="l1", dual=False, random_state=0),
        SGDClassifier(random_state=0),
        SGDClassifier(loss="log_loss", penalty="elasticnet", alpha=0.01, random_state=0),
        SGDClassifier(loss="modified_huber", random_state=0),
        SGDClassifier(penalty=None, random_state=0),
        Perceptron(random_state=0),
        RidgeClassifier(alpha=3.0),
        RidgeClassifier(alpha=0.0),
    ],
    ids=str,
)
def test_the_joint_fit_has_a_row_of_coefficients_for_every_class(model):
    joint = as_model_view(model, seed=0).joint_fit()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, fitted = recall_of_middle(joint, sizes=(60, 40, 60))
    assert unwrap(fitted)[1].coef_.shape == (3, 5)
    assert list(fitted.classes_) == ["left", "middle", "right"]
    # asked again, there is nothing left to join
    assert joint_fit(unwrap(clone(joint))[1]) is None


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        MarginClassifier(),
        LinearSVC(multi_class="crammer_singer"),
        RandomForestClassifier(),
        GaussianNB(),
        SVC(),
        OneVsOneClassifier(LogisticRegression()),
        OutputCodeClassifier(LogisticRegression()),
        make_pipeline(StandardScaler(), LogisticRegression()),
        OneVsRestClassifier(OneVsOneClassifier(LinearSVC())),
        CalibratedClassifierCV(LogisticRegression(), method="temperature"),
    ],
    ids=str,
)
def test_a_model_that_is_joint_already_or_votes_of_pairs_has_none(model):
    assert as_model_view(model, seed=0).joint_fit() is None


def test_a_flexible_model_that_knows_many_classes_is_its_own_joint_form():
    for inner in (RandomForestClassifier(7, random_state=0), SVC(C=3.0), GaussianNB()):
        joint = joint_fit(OneVsRestClassifier(inner))
        assert type(joint) is type(inner)
        assert joint is not inner
        assert joint.get_params() == inner.get_params()


def test_C_of_a_linear_svm_and_alpha_of_ridge_are_the_same_penalty():
    """At two classes both forms are one problem, so the coefficients are equal too."""
    X, y = rows_on_a_line(0)
    X, y = X[y != "middle"], y[y != "middle"]
    # liblinear penalises the intercept as well: without one the problems are equal
    for model in (LinearSVC(C=0.02, fit_intercept=False, tol=1e-10, dual=False), OneVsRestClassifier(LinearSVC())):
        inner = model.estimator if hasattr(model, "estimator") else model
        inner.set_params(C=0.02, fit_intercept=False, tol=1e-10, dual=False)
        single = clone(inner).fit(X, y)
        joint = joint_fit(model).fit(X, y)
        np.testing.assert_allclose(joint.coef_, single.coef_, rtol=1e-4, atol=1e-6)
    ridge = joint_fit(RidgeClassifier(alpha=4.0))
    assert (ridge.C, ridge.loss) == (0.125, "squared_weston_watkins")
    assert joint_fit(RidgeClassifier(alpha=0.0)).C == 1e6


def test_the_penalty_of_descent_is_on_the_mean_of_the_losses():
    """The optimum of SGDClassifier's own objective for log loss is that of LogisticRegression at C = 1 / (alpha n)."""
    X, y = rows_on_a_line(0, (40, 40, 40), 1.0)
    joint = joint_fit(SGDClassifier(loss="log_loss", alpha=0.05))
    assert isinstance(joint, PenaltyPerRow)
    peer = LogisticRegression(C=1 / (0.05 * 120), tol=1e-10, max_iter=10_000).fit(X, y)
    np.testing.assert_allclose(joint.fit(X, y).coef_, peer.coef_, atol=1e-5)
    np.testing.assert_allclose(joint.predict_proba(X), peer.predict_proba(X), atol=1e-5)
    doubled = clone(joint).fit(X, y, sample_weight=np.full(120, 2.0))
    assert np.linalg.norm(doubled.coef_) > np.linalg.norm(joint.coef_)


def test_an_l1_penalty_stays_one():
    X, y = rows_on_a_line(0)
    joint = joint_fit(LinearSVC(penalty="l1", dual=False, C=0.01, random_state=0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert (joint.fit(X, y).coef_ == 0).sum() >= 3
    assert joint.C == 0.01
    # before scikit-learn 1.8 the kind of penalty has a parameter of its own
    kind = {"l1_ratio": 1.0} if LogisticRegression().penalty == "deprecated" else {"penalty": "l1"}
    inside = joint_fit(OneVsRestClassifier(LogisticRegression(solver="liblinear", C=0.5, **kind)))
    assert (inside.solver, inside.C) == ("saga", 0.5)
    assert {name: getattr(inside, name) for name in kind} == kind


def test_class_weights_that_mean_something_are_kept():
    assert joint_fit(LinearSVC(class_weight={"left": 2.0})).class_weight == {"left": 2.0}
    assert joint_fit(RidgeClassifier(class_weight="balanced")).class_weight == "balanced"
    binary = OneVsRestClassifier(LogisticRegression(class_weight={0: 1.0, 1: 5.0}))
    assert joint_fit(binary).class_weight is None
    assert joint_fit(OneVsRestClassifier(LogisticRegression(class_weight="balanced"))).class_weight == "balanced"
    deep = OneVsRestClassifier(make_pipeline(StandardScaler(), LinearSVC(class_weight={1: 5.0})))
    assert joint_fit(deep)[-1].class_weight is None
    X, y = rows_on_a_line(0, (60, 40, 60))
    weighted = joint_fit(LinearSVC(class_weight={"middle": 50.0})).fit(X, y)
    assert np.mean(weighted.predict(X) == "middle") > np.mean(joint_fit(LinearSVC()).fit(X, y).predict(X) == "middle")


def test_preparation_and_search_stay_where_the_joint_form_knows_the_parameter():
    search = GridSearchCV(
        make_pipeline(StandardScaler(), OneVsRestClassifier(LogisticRegression())),
        {"onevsrestclassifier__estimator__C": [0.1, 1.0], "onevsrestclassifier__estimator__solver": ["lbfgs"]},
    )
    joint = joint_fit(search)
    assert describe(joint) == "GridSearchCV(Pipeline(StandardScaler, LogisticRegression))"
    assert joint.param_grid == {"onevsrestclassifier__C": [0.1, 1.0]}
    X, y = rows_on_a_line(0, (60, 40, 60))
    assert joint.fit(X, y).best_params_["onevsrestclassifier__C"] in (0.1, 1.0)
    gone = joint_fit(GridSearchCV(LinearSVC(), [{"loss": ["hinge", "squared_hinge"]}]))
    assert isinstance(gone, MarginClassifier)
    kept = joint_fit(GridSearchCV(LinearSVC(), [{"loss": ["hinge"], "C": [1.0]}, {"C": [2.0]}]))
    assert kept.param_grid == [{"C": [1.0]}, {"C": [2.0]}]
    # the given search is as it was
    assert list(search.param_grid) == ["onevsrestclassifier__estimator__C", "onevsrestclassifier__estimator__solver"]


def test_a_ridge_that_chooses_its_penalty_still_does():
    X, y = rows_on_a_line(0, (60, 40, 60))
    joint = joint_fit(RidgeClassifierCV(alphas=(0.5, 5.0)))
    assert joint.fit(X, y).best_params_["C"] in (1.0, 0.1)


def test_text_stays_sparse_and_random_states_are_fixed():
    texts = ["red apple", "green apple", "red car", "fast car", "slow boat", "old boat"] * 4
    y = ["fruit", "fruit", "car", "car", "boat", "boat"] * 4
    view = as_model_view(make_pipeline(TfidfVectorizer(), LinearSVC()), seed=7)
    joint = view.joint_fit()
    assert joint[-1].random_state == 7
    assert list(joint.fit(texts, y).predict(["apple", "boat"])) == ["fruit", "boat"]


@pytest.mark.parametrize(
    ("base", "hidden"),
    [(LogisticRegression, {}), (LogisticRegression, {"solver": "liblinear"}), (LinearSVC, {}), (RidgeClassifier, {})],
)
def test_a_subclass_that_takes_few_parameters_of_its_own(base, hidden):
    """Its other values are those that it passes on; none of them can be set from outside."""

    class Own(base):
        def __init__(self, class_weight=None):
            super().__init__(class_weight=class_weight, **hidden)

    joint = joint_fit(Own())
    assert (joint is None) == (base is LogisticRegression)
