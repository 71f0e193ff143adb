"""Estimators that remedies put around the user's model."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from marginscope.remedies import remedy
from marginscope.remedies.adjusted import AdjustedClassifier
from marginscope.remedies.logit_adjustment import adjust
from marginscope.remedies.recipe import CannotAct
from marginscope.remedies.smote import fill_up
from marginscope.remedies.weighted import BalancedWeights

# logit adjustment ----------------------------------------------------------------------------------------


@st.composite
def posteriors(draw):
    weights = draw(st.lists(st.lists(st.floats(0.01, 1), min_size=3, max_size=3), min_size=1, max_size=8))
    proba = np.array(weights)
    shares = np.array(draw(st.lists(st.floats(0.01, 1), min_size=3, max_size=3)))
    return proba / proba.sum(axis=1, keepdims=True), shares / shares.sum()


@given(posteriors())
@settings(deadline=None)
def test_adjusting_is_dividing_by_the_shares(rows):
    proba, shares = rows
    assert np.exp(adjust(proba, shares)) == pytest.approx(proba / shares)


def test_adjusting_is_the_bayes_rule_of_equal_classes():
    """Two normal classes at -1 and 1 with shares 9 : 1: the boundary moves back to the middle."""
    x = np.linspace(-3, 3, 601)
    shares = np.array([0.9, 0.1])
    likelihood = np.stack([np.exp(-((x + 1) ** 2) / 2), np.exp(-((x - 1) ** 2) / 2)], axis=1)
    proba = likelihood * shares
    proba /= proba.sum(axis=1, keepdims=True)
    assert x[proba.argmax(axis=1) == 1].min() > 1
    assert x[adjust(proba, shares).argmax(axis=1) == 1].min() == pytest.approx(0.0, abs=0.011)


def test_a_class_without_training_rows_never_wins():
    proba = np.array([[0.2, 0.3, 0.5], [0.0, 0.0, 1.0]])
    assert 2 not in adjust(proba, np.array([0.5, 0.5, 0.0])).argmax(axis=1)


def test_probabilities_of_zero_are_no_fault():
    assert np.isfinite(adjust(np.array([[1.0, 0.0]]), np.array([0.5, 0.5]))).all()


def test_equal_shares_change_no_decision():
    proba = np.random.default_rng(0).dirichlet(np.ones(4), 50)
    assert np.array_equal(adjust(proba, np.full(4, 0.25)).argmax(axis=1), proba.argmax(axis=1))


def test_the_adjusted_classifier_predicts_by_its_rule(uneven):
    X, y, X_test, _ = uneven
    model = AdjustedClassifier(LogisticRegression(), adjust).fit(X, y)
    plain = LogisticRegression().fit(X, y)
    shares = np.array([np.mean(y == label) for label in plain.classes_])
    assert model.shares_ == pytest.approx(shares)
    expected = plain.classes_[(plain.predict_proba(X_test) / shares).argmax(axis=1)]
    assert np.array_equal(model.predict(X_test), expected)
    assert model.decision_function(X_test).shape == (len(X_test), 3)
    assert clone(model).get_params()["rule"] is adjust


def test_the_adjusted_classifier_needs_a_rule(uneven):
    X, y, _, _ = uneven
    with pytest.raises(ValueError, match="rule"):
        AdjustedClassifier(LogisticRegression()).fit(X, y).predict(X)


# balanced weights ----------------------------------------------------------------------------------------


def test_balanced_weights_are_sklearns_balanced(uneven):
    X, y, X_test, _ = uneven
    wrapped = BalancedWeights(LogisticRegression(tol=1e-8)).fit(X, y)
    own = LogisticRegression(tol=1e-8, class_weight="balanced").fit(X, y)
    assert wrapped.predict_proba(X_test) == pytest.approx(own.predict_proba(X_test), abs=1e-4)
    assert wrapped.classes_.tolist() == own.classes_.tolist()


def test_balanced_weights_reach_the_last_step_of_a_pipeline(uneven):
    X, y, X_test, _ = uneven
    pipeline = make_pipeline(StandardScaler(), GaussianNB())
    wrapped = BalancedWeights(pipeline, "gaussiannb__sample_weight").fit(X, y)
    assert (wrapped.predict(X_test) == "cow").sum() > (pipeline.fit(X, y).predict(X_test) == "cow").sum()


def test_balanced_weights_have_what_the_wrapped_model_has(uneven):
    X, y, X_test, _ = uneven
    assert not hasattr(BalancedWeights(LinearSVC()), "predict_proba")
    assert hasattr(BalancedWeights(LinearSVC()), "decision_function")
    assert hasattr(BalancedWeights(GaussianNB()), "predict_proba")
    assert BalancedWeights(LinearSVC()).fit(X, y).decision_function(X_test).shape == (len(X_test), 3)
    with pytest.raises(AttributeError):
        BalancedWeights(LinearSVC()).fit(X, y).predict_proba(X_test)


def test_balanced_weights_can_be_copied_and_stored(uneven):
    import copy
    import pickle

    X, y, X_test, _ = uneven
    model = BalancedWeights(GaussianNB()).fit(X, y)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(other.predict(X_test), model.predict(X_test))
    assert clone(model).get_params()["keyword"] == "sample_weight"


# single remedies -----------------------------------------------------------------------------------------


def test_class_weights_take_the_models_own_parameter_first(situation_of):
    (recipe,) = remedy("class-weights").recipes(situation_of(RandomForestClassifier(5)))
    assert recipe.estimator.get_params()["class_weight"] == "balanced"
    (recipe,) = remedy("class-weights").recipes(situation_of(make_pipeline(StandardScaler(), LogisticRegression())))
    assert recipe.estimator.get_params()["logisticregression__class_weight"] == "balanced"
    (recipe,) = remedy("class-weights").recipes(situation_of(GaussianNB()))
    assert isinstance(recipe.estimator, BalancedWeights)


def test_weights_that_are_in_use_are_said(situation_of):
    with pytest.raises(CannotAct, match="class_weight='balanced'"):
        remedy("class-weights").recipes(situation_of(LogisticRegression(class_weight="balanced")))


def test_a_sampler_stands_before_the_last_step(situation_of):
    model = make_pipeline(StandardScaler(), LogisticRegression())
    for slug in ("over-sampling", "under-sampling", "smote"):
        (recipe,) = remedy(slug).recipes(situation_of(model))
        assert [name for name, _ in recipe.estimator.steps] == ["standardscaler", "sampler", "logisticregression"]


@pytest.mark.parametrize("slug", ["over-sampling", "under-sampling", "smote"])
def test_the_code_of_a_sampler_puts_it_behind_the_encoding_too(slug, situation_of, uneven):
    """Words cannot be interpolated: in front of the whole pipeline SMOTE would fail."""
    pd = pytest.importorskip("pandas")
    X, y, _, _ = uneven
    frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "side": np.where(X[:, 2] > 0, "left", "right")})
    prepare = make_column_transformer((OneHotEncoder(), ["side"]), (StandardScaler(), ["a", "b"]))
    model = make_pipeline(prepare, LogisticRegression())
    situation = situation_of(model, X=frame, y=y)
    (recipe,) = remedy(slug).recipes(situation)
    scope = {"model": clone(model), "X": frame, "y": y}
    exec(remedy(slug).snippet(situation, recipe), scope)
    measured = clone(recipe.estimator).fit(frame, y)
    assert np.mean(scope["model"].predict(frame) == measured.predict(frame)) > 0.99


@pytest.mark.parametrize(("slug", "expected"), [("over-sampling", [200, 200, 200]), ("under-sampling", [20, 20, 20])])
def test_samplers_make_classes_equal(slug, expected, situation_of, uneven):
    X, y, _, _ = uneven
    (recipe,) = remedy(slug).recipes(situation_of(LogisticRegression()))
    _, resampled = recipe.estimator.named_steps["sampler"].fit_resample(X, y)
    assert np.unique(resampled, return_counts=True)[1].tolist() == expected


def test_smote_leaves_classes_alone_that_are_too_small_to_interpolate(situation_of, uneven):
    X, y, _, _ = uneven
    few = np.flatnonzero(y == "cow")[4:]
    keep = np.setdiff1d(np.arange(y.size), few)
    (recipe,) = remedy("smote").recipes(situation_of(LogisticRegression()))
    _, resampled = recipe.estimator.named_steps["sampler"].fit_resample(X[keep], y[keep])
    counts = dict(zip(*np.unique(resampled, return_counts=True), strict=True))
    assert counts == {"ant": 200, "bee": 200, "cow": 4}


def test_fill_up_raises_what_can_be_raised():
    y = np.repeat(["a", "b", "c", "d"], [30, 6, 5, 1])
    assert fill_up(y) == {"b": 30}
    assert fill_up(["a", "a"]) == {}


@pytest.mark.parametrize("what", ["category", "missing"])
def test_smote_has_nothing_to_interpolate_between_categories_or_around_gaps(what, situation_of, uneven):
    X, y, _, _ = uneven
    table = pd.DataFrame(X, columns=list("abc"))
    if what == "category":
        table["d"] = pd.Categorical(np.resize(["u", "v", "w"], len(X)))
    else:
        table.loc[::7, "a"] = np.nan
    model = HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype")
    with pytest.raises(CannotAct, match="categories or missing values"):
        remedy("smote").recipes(situation_of(model, X=table, y=y))
    filled = make_pipeline(SimpleImputer(strategy="most_frequent"), model)
    assert remedy("smote").recipes(situation_of(filled, X=table, y=y))


def test_smote_needs_rows(situation_of, uneven):
    X, y, _, _ = uneven
    few = np.flatnonzero(y == "cow")[7:]
    keep = np.setdiff1d(np.flatnonzero(y != "bee"), few)
    with pytest.raises(CannotAct, match="8 rows"):
        remedy("smote").recipes(situation_of(LogisticRegression(), X=X[keep], y=y[keep]))


@pytest.mark.parametrize(
    ("slug", "values"), [("weaker-penalty", [100.0, 1e5]), ("stronger-penalty", [0.1, 1e-3, 1e-5])]
)
def test_penalties_move_along_their_path(slug, values, situation_of):
    recipes = remedy(slug).recipes(situation_of(LogisticRegression(C=1.0)))
    assert [one.estimator.C for one in recipes] == values
    assert [one.expression for one in recipes] == [f"C={value!r}" for value in values]


def test_all_penalties_move_together(situation_of):
    model = LogisticRegression(C=2.0)
    pipeline = Pipeline([("a", StandardScaler()), ("model", model)])
    for recipe in remedy("weaker-penalty").recipes(situation_of(pipeline)):
        assert recipe.estimator.get_params()["model__C"] > 2.0
        assert "model__C=" in remedy("weaker-penalty").snippet(situation_of(pipeline), recipe)


def test_a_scaler_does_not_centre_sparse_rows(situation_of, uneven):
    import scipy.sparse as sp

    X, y, _, _ = uneven
    (recipe,) = remedy("scaling").recipes(situation_of(LogisticRegression(), X=sp.csr_matrix(X), y=y))
    recipe.estimator.fit(sp.csr_matrix(X), y)
    assert not recipe.estimator[0].with_mean


def words_and_numbers(final):
    parts = make_column_transformer((OneHotEncoder(sparse_output=False), ["w"]), remainder="passthrough")
    return make_pipeline(parts, SimpleImputer(), final)


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(LogisticRegression(), id="bare"),
        pytest.param(make_pipeline(LogisticRegression()), id="a pipeline of one"),
        pytest.param(words_and_numbers(LogisticRegression(max_iter=5000)), id="behind the columns of words"),
        pytest.param(GridSearchCV(words_and_numbers(LinearSVC()), {"linearsvc__C": [1.0]}, cv=2), id="in a search"),
        pytest.param(OneVsRestClassifier(LinearSVC()), id="around one model a class"),
    ],
)
def test_the_code_puts_the_scaler_where_it_was_tried(model, situation_of):
    rng = np.random.default_rng(0)
    y = np.repeat(["ant", "bee", "cow"], 20)
    X = pd.DataFrame({"a": rng.standard_normal(60), "b": 1e4 * rng.standard_normal(60) + 1e6})
    if model.__class__.__name__ in ("Pipeline", "GridSearchCV") and len(getattr(model, "steps", "xx")) > 1:
        X.insert(0, "w", rng.choice(["red", "blue"], 60))
    situation = situation_of(model, X=X.select_dtypes("number").to_numpy(), y=y)
    (recipe,) = remedy("scaling").recipes(situation)
    scope = {"X": X, "y": y, "model": clone(model)}
    exec(remedy("scaling").snippet(situation, recipe), scope)
    wanted = clone(recipe.estimator).fit(X, y)
    assert (scope["model"].predict(X) == wanted.predict(X)).all()
    assert scope["model"].__class__ is wanted.__class__
    inner, other = (getattr(one, "best_estimator_", one) for one in (scope["model"], wanted))
    assert [type(step) for _, step in inner.steps] == [type(step) for _, step in other.steps]


def test_the_code_does_not_centre_sparse_rows(situation_of, uneven):
    import scipy.sparse as sp

    X, y, _, _ = uneven
    situation = situation_of(LogisticRegression(), X=sp.csr_matrix(X), y=y)
    (recipe,) = remedy("scaling").recipes(situation)
    scope = {"X": sp.csr_matrix(X), "y": y, "model": LogisticRegression()}
    exec(remedy("scaling").snippet(situation, recipe), scope)
    assert not scope["model"][0].with_mean


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        SVC(),
        RandomForestClassifier(5),
        Pipeline([("scale", StandardScaler()), ("model", DecisionTreeClassifier(max_depth=2))]),
    ],
    ids=["logistic", "svm", "forest", "pipeline"],
)
@pytest.mark.parametrize("labels", [np.array(["1", "2", "10"]), np.array(["1.5", "x", "03"])])
def test_weights_by_label_are_found_under_labels_that_are_written_numbers(model, labels, situation_of, uneven):
    """scikit-learn 1.9 looks for the number 10 where the label is the text '10'."""
    X, y, _, _ = uneven
    y = labels[np.unique(y, return_inverse=True)[1]]
    situation = situation_of(model, X=X, y=y)
    (recipe,) = remedy("class-balanced-weights").recipes(situation)
    fitted = clone(recipe.estimator).fit(X, y)
    assert set(fitted.predict(X)) <= set(labels)
    scope = {"X": X, "y": y, "model": clone(model)}
    exec(remedy("class-balanced-weights").snippet(situation, recipe), scope)
    weights = next(value for name, value in scope["model"].get_params().items() if name.endswith("class_weight"))
    assert {weights[label] for label in labels} == {weights[one] for one in weights}


def test_spellings_are_written_into_the_snippet(situation_of):
    situation = situation_of(LogisticRegression(), merges={2: 0})
    (recipe,) = remedy("merge-labels").recipes(situation)
    assert "{'cow': 'ant'}" in remedy("merge-labels").snippet(situation, recipe)


@pytest.mark.parametrize(
    "labels", [np.array([1, 2, 3]), np.array(["x", "X", "y"], dtype=object), np.array([1.0, 2.0, 3.0])]
)
def test_spellings_of_labels_of_any_kind(labels, situation_of, uneven):
    X, y, _, _ = uneven
    y = labels[np.unique(y, return_inverse=True)[1]]
    situation = situation_of(LogisticRegression(), y=y, merges={1: 0})
    (recipe,) = remedy("merge-labels").recipes(situation)
    scope = {"model": LogisticRegression(), "X": X, "y": y}
    exec(remedy("merge-labels").snippet(situation, recipe), scope)
    assert np.unique(y)[1] not in set(np.asarray(scope["y"]).tolist())


def test_without_doubtful_spellings_there_is_nothing_to_merge(situation_of):
    with pytest.raises(CannotAct, match="spellings"):
        remedy("merge-labels").recipes(situation_of(LogisticRegression()))
