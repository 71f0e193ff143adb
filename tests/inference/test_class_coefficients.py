"""One row per class of every kind of linear classifier, in classes_ order."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.special import log_softmax, softmax
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import (
    LogisticRegression,
    LogisticRegressionCV,
    Perceptron,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC

import marginscope as ms
from marginscope.exceptions import ModelError, UsageError

TABLE = load_iris(as_frame=True).data
y = np.array(["setosa", "versicolor", "virginica"])[load_iris().target]
X = TABLE.to_numpy()
BINARY = y != "setosa"
logistic = LogisticRegression(max_iter=500)

# model -> (is_joint, is_logistic)
MODELS = [
    (logistic, True, True),
    (LogisticRegressionCV(Cs=2, max_iter=1000), True, True),
    (LinearDiscriminantAnalysis(), True, True),
    (LinearSVC(multi_class="crammer_singer", max_iter=100000), True, False),
    (OneVsRestClassifier(logistic), False, True),
    (OneVsRestClassifier(LinearSVC()), False, False),
    (LinearSVC(), False, False),
    (SGDClassifier(loss="log_loss", random_state=0), False, True),
    (SGDClassifier(random_state=0), False, False),
    (Perceptron(random_state=0), False, False),
    (RidgeClassifier(), False, False),
    (RidgeClassifier(fit_intercept=False), False, False),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(("model", "is_joint", "is_logistic"), MODELS, ids=lambda one: str(one)[:40])
def test_rows_are_those_of_the_decision_function(model, is_joint, is_logistic):
    model.fit(X, y)
    rows = ms.class_coefficients(model)
    assert rows.classes.tolist() == ["setosa", "versicolor", "virginica"]
    assert rows.coef.shape == (3, 4)
    assert (rows.is_joint, rows.is_logistic) == (is_joint, is_logistic)
    scores, expected = X @ rows.coef.T + rows.intercept, model.decision_function(X)
    if is_joint:
        assert rows.gauge == "sum_to_zero"
        assert rows.meaning.startswith("Multinomial: a coefficient is")
        np.testing.assert_allclose(rows.coef.sum(axis=0), 0.0, atol=1e-12)
        scores, expected = scores - scores[:, [0]], expected - expected[:, [0]]
    else:
        assert rows.gauge is None
        assert rows.meaning.startswith("One-vs-rest: a coefficient is")
    assert ("log odds" in rows.meaning) == is_logistic
    np.testing.assert_allclose(scores, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(("model", "is_joint", "is_logistic"), MODELS, ids=lambda one: str(one)[:40])
def test_one_row_of_two_classes_becomes_two(model, is_joint, is_logistic):
    model.fit(X[BINARY], y[BINARY])
    rows = ms.class_coefficients(model, gauge="versicolor")
    assert rows.is_joint
    assert not rows.coef[0].any()
    np.testing.assert_allclose(X @ rows.coef[1] + rows.intercept[1], model.decision_function(X), rtol=1e-9, atol=1e-9)
    half = ms.class_coefficients(model)
    np.testing.assert_allclose(half.coef, [-rows.coef[1] / 2, rows.coef[1] / 2])


OWN = [
    (ms.MarginClassifier(), True),
    (ms.MarginClassifier(loss="squared_weston_watkins"), False),
    (ms.GradientDescentClassifier(n_steps=200), True),
    (ms.HardMarginClassifier(), False),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("model", "is_logistic"), OWN, ids=lambda one: str(one)[:40])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_classifiers_of_this_package(model, is_logistic, n_classes):
    rows = slice(None) if n_classes == 3 else BINARY
    model.fit(TABLE[rows], y[rows])
    found = ms.class_coefficients(model)
    scores = X[rows] @ found.coef.T + found.intercept
    expected = model.decision_function(TABLE[rows])
    expected = expected if n_classes == 3 else np.column_stack([-expected, expected]) / 2
    np.testing.assert_allclose(scores - scores[:, [0]], expected - expected[:, [0]], rtol=1e-9, atol=1e-9)
    assert found.is_joint
    assert found.is_logistic == is_logistic
    if is_logistic:
        np.testing.assert_allclose(softmax(scores, axis=1), model.predict_proba(TABLE[rows]), rtol=1e-9, atol=1e-15)


def test_a_wrapper_tells_where_the_coefficients_are():
    model = ms.ClassThresholdClassifier(logistic).fit(TABLE, y)
    with pytest.raises(ModelError, match=r"Classifier\(LogisticRegression\) has none; pass its estimator_"):
        ms.class_coefficients(model)
    assert ms.class_coefficients(model.estimator_).coef.shape == (3, 4)


@pytest.mark.parametrize("gauge", ["sum_to_zero", "setosa", "virginica"])
def test_a_gauge_keeps_the_probabilities(gauge):
    model = logistic.fit(TABLE, y)
    rows = ms.class_coefficients(model, gauge=gauge)
    np.testing.assert_allclose(softmax(X @ rows.coef.T + rows.intercept, axis=1), model.predict_proba(TABLE), rtol=1e-9)
    assert rows.gauge == gauge
    assert rows.names == tuple(TABLE.columns)
    if gauge != "sum_to_zero":
        assert not rows.coef[rows.classes == gauge].any()
        assert f"against the reference class {gauge}" in rows.meaning


def test_one_vs_rest_refuses_a_gauge():
    model = OneVsRestClassifier(logistic).fit(X, y)
    for gauge in ("setosa", "sum_to_zero"):
        with pytest.raises(UsageError, match="3 separate models, and a vector added to all of them changes the odds"):
            ms.class_coefficients(model, gauge=gauge)
    # the reason is true: a common vector changes the odds of each class against the rest
    rows = ms.class_coefficients(model)
    moved = rows.coef - rows.coef[0]
    before, after = X @ rows.coef.T + rows.intercept, X @ moved.T + rows.intercept
    np.testing.assert_allclose(before, model.decision_function(X), rtol=1e-9)
    assert np.abs(after - before).min(axis=0).max() > 0.1


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler()])
def test_units_of_the_table(scaler):
    model = make_pipeline(scaler, logistic).fit(TABLE, y)
    scaled, table = ms.class_coefficients(model), ms.class_coefficients(model, units="table")
    np.testing.assert_allclose(
        softmax(X @ table.coef.T + table.intercept, axis=1), model.predict_proba(TABLE), rtol=1e-8
    )
    np.testing.assert_allclose(
        softmax(scaler.transform(TABLE) @ scaled.coef.T + scaled.intercept, axis=1),
        model.predict_proba(TABLE),
        rtol=1e-8,
    )
    assert scaled.names == table.names == tuple(TABLE.columns)
    assert "units='table' gives coefficients per unit of the table" in str(scaled)
    assert "the scaling in front is undone" in str(table)
    assert (scaled.is_scaled, table.units) == (True, "table")


def test_a_search_and_parts_that_scale_by_themselves():
    search = GridSearchCV(make_pipeline(StandardScaler(), logistic), {"logisticregression__C": [0.1, 1.0]}).fit(
        TABLE, y
    )
    table = ms.class_coefficients(search, units="table")
    np.testing.assert_allclose(
        softmax(X @ table.coef.T + table.intercept, axis=1), search.predict_proba(TABLE), rtol=1e-8
    )
    parts = OneVsRestClassifier(make_pipeline(StandardScaler(), logistic)).fit(X, y)
    rows = ms.class_coefficients(parts)
    np.testing.assert_allclose(X @ rows.coef.T + rows.intercept, parts.decision_function(X), rtol=1e-9)
    assert rows.is_logistic


def test_columns_that_a_step_makes_have_their_names():
    rows = ms.class_coefficients(make_pipeline(StandardScaler(), PCA(2), logistic).fit(TABLE, y))
    assert rows.names == ("pca0", "pca1")
    with pytest.raises(ModelError, match="use units='model'"):
        ms.class_coefficients(make_pipeline(StandardScaler(), PCA(2), logistic).fit(TABLE, y), units="table")


def test_the_odds_against_the_rest_of_a_multinomial_model():
    model = logistic.fit(X, y)
    rows = ms.class_coefficients(model)
    step = 1e-5

    def log_odds(points):
        logs = log_softmax(model.decision_function(points), axis=1)
        return logs - np.log(-np.expm1(logs))

    slopes = np.empty((3, 4))
    for j in range(4):
        e = step * np.eye(4)[j]
        slopes[:, j] = ((log_odds(X + e) - log_odds(X - e)) / (2 * step)).mean(axis=0)
    np.testing.assert_allclose(rows.against_rest(X), slopes, rtol=1e-5, atol=1e-6)
    # no gauge changes it
    np.testing.assert_allclose(ms.class_coefficients(model, gauge="setosa").against_rest(TABLE), rows.against_rest(X))
    with pytest.raises(UsageError, match="the log odds of one against all others change from place to place"):
        rows.against_rest()
    with pytest.raises(UsageError, match="4 features in the units"):
        rows.against_rest(X[:, :3])


def test_the_odds_against_the_rest_of_other_models():
    ovr = OneVsRestClassifier(logistic).fit(X, y)
    np.testing.assert_array_equal(
        ms.class_coefficients(ovr).against_rest(), np.vstack([one.coef_ for one in ovr.estimators_])
    )
    two = logistic.fit(X[BINARY], y[BINARY])
    np.testing.assert_array_equal(ms.class_coefficients(two).against_rest(), np.vstack([-two.coef_, two.coef_]))
    with pytest.raises(UsageError, match="a logistic model is needed for log odds"):
        ms.class_coefficients(LinearSVC().fit(X, y)).against_rest()


def test_what_has_no_row_per_class_is_refused():
    rng = np.random.default_rng(0)
    for model, words in (
        (RandomForestClassifier(3), "RandomForestClassifier has none"),
        (OneVsOneClassifier(logistic), "has none"),
        (OneVsRestClassifier(RandomForestClassifier(3)), "its part 0 is RandomForestClassifier"),
        (CalibratedClassifierCV(logistic), "has none"),
        (SVC(kernel="linear"), "has none"),
    ):
        with pytest.raises(ModelError, match=f"a row of coefficients for each class is needed, but .*{words}"):
            ms.class_coefficients(model.fit(X, y))
    with pytest.raises(ModelError, match="has no classes_; call fit first"):
        ms.class_coefficients(LogisticRegression())
    with pytest.raises(ModelError, match="has no classes_"):
        ms.class_coefficients("logistic")
    several = OneVsRestClassifier(logistic).fit(X, rng.integers(0, 2, (150, 3)))
    with pytest.raises(ModelError, match="one label per row is needed"):
        ms.class_coefficients(several)
    with pytest.raises(UsageError, match="units of 'model' or 'table'"):
        ms.class_coefficients(logistic.fit(X, y), units="raw")
    with pytest.raises(UsageError, match="'sum_to_zero' or the label"):
        ms.class_coefficients(logistic, gauge=["setosa"])


def test_labels_of_any_kind_name_the_reference():
    for labels in (load_iris().target, load_iris().target > 0, load_iris().target.astype(float)):
        model = logistic.fit(X, labels)
        rows = ms.class_coefficients(model, gauge=labels[0])
        assert rows.gauge == labels[0]
        assert not rows.coef[0].any()


def test_the_frame_the_row_and_the_document():
    model = logistic.fit(TABLE, y)
    rows = ms.class_coefficients(model)
    frame = rows.frame()
    assert isinstance(frame, pd.DataFrame)
    assert frame.shape == (15, 3)
    one = frame[(frame["class"] == "virginica") & (frame["feature"] == "petal width (cm)")]
    assert one["coef"].item() == rows.coef[2, 3] == rows.row("virginica")["petal width (cm)"]
    sizes = np.abs(list(rows.row("virginica").values()))
    assert (np.diff(sizes) <= 0).all()
    with pytest.raises(UsageError, match="a label of a class"):
        rows.row("rosa")
    document = json.loads(json.dumps(rows.to_dict(), allow_nan=False))
    assert document["kind"] == "multinomial"
    assert document["coef"] == rows.coef.tolist()
    assert "virginica: largest petal length (cm)" in str(rows)
    assert repr(rows).startswith("<ClassCoefficients: LogisticRegression: 3 rows of 4 coefficients")


def test_the_rows_are_copies():
    model = logistic.fit(X, y)
    before = model.coef_.copy()
    ms.class_coefficients(model).coef[:] = 0.0
    np.testing.assert_array_equal(model.coef_, before)


def test_many_classes_in_the_order_of_classes():
    wine = load_wine()
    labels = np.array([10, 2, 30])[wine.target]
    model = make_pipeline(StandardScaler(), logistic).fit(wine.data, labels)
    rows = ms.class_coefficients(model)
    assert rows.classes.tolist() == [2, 10, 30]
    np.testing.assert_allclose(rows.coef, model[-1].coef_ - model[-1].coef_.mean(axis=0), atol=1e-12)
    assert str(rows).splitlines()[-3].startswith("2: largest")
