"""CostMatrixClassifier: the decision of least expected cost, in every form of the costs."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import marginscope as ms
from marginscope.exceptions import DataError, UsageError

X, CODES = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])
Y = NAMES[CODES]
COSTS = np.array([[0.0, 5.0, 1.0], [2.0, 0.0, 1.0], [3.0, 9.0, -1.0]])


def test_every_row_gets_the_class_of_least_expected_cost():
    model = ms.CostMatrixClassifier(LogisticRegression(max_iter=2_000), COSTS).fit(X, Y)
    proba = LogisticRegression(max_iter=2_000).fit(X, Y).predict_proba(X)
    for p, predicted, costs in zip(proba, model.predict(X), model.expected_costs(X), strict=True):
        by_hand = [sum(p[j] * COSTS[j, k] for j in range(3)) for k in range(3)]
        assert costs == pytest.approx(by_hand)
        assert predicted == NAMES[int(np.argmin(by_hand))]
    assert model.predict_proba(X) == pytest.approx(proba)
    assert model.decision_function(X) == pytest.approx(-model.expected_costs(X))


def test_two_classes_move_the_threshold_to_the_ratio_of_the_costs():
    y = (CODES == 1).astype(int)
    model = ms.CostMatrixClassifier(cost_matrix=[[0.0, 1.0], [4.0, 0.0]]).fit(X, y)
    proba = model.predict_proba(X)[:, 1]
    # Elkan (2001): predict 1 where p exceeds c10 / (c10 + c01) = 1 / 5
    assert np.array_equal(model.predict(X), (proba > 0.2).astype(int))
    assert model.decision_function(X).shape == (150,)


@pytest.mark.parametrize(
    "costs",
    [
        {"virginica": {"setosa": 3.0, "versicolor": 9.0}},
        {("virginica", "setosa"): 3.0, ("virginica", "versicolor"): 9.0},
        {np.str_("virginica"): {"setosa": 3, "versicolor": 9}},
    ],
    ids=["nested", "pairs", "numpy"],
)
def test_labels_name_costs(costs):
    model = ms.CostMatrixClassifier(cost_matrix=costs).fit(X, Y)
    assert model.costs_.tolist() == [[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [3.0, 9.0, 0.0]]


def test_without_costs_it_is_the_most_probable_class():
    model = ms.CostMatrixClassifier().fit(X, Y)
    assert isinstance(model.estimator_, ms.MarginClassifier)
    assert np.array_equal(model.predict(X), ms.MarginClassifier().fit(X, Y).predict(X))


def test_costs_are_lower_than_those_of_the_most_probable_class():
    rng = np.random.default_rng(0)
    y = rng.choice(3, 3_000, p=[0.7, 0.2, 0.1])
    Z = rng.standard_normal((3_000, 4)) + 0.8 * np.eye(3, 4)[y]
    costs = np.array([[0.0, 1.0, 1.0], [5.0, 0.0, 1.0], [20.0, 5.0, 0.0]])
    train, test = slice(0, 1_500), slice(1_500, None)
    careful = ms.CostMatrixClassifier(cost_matrix=costs).fit(Z[train], y[train])
    plain = careful.estimator_.predict(Z[test])
    assert costs[y[test], careful.predict(Z[test])].mean() < 0.8 * costs[y[test], plain].mean()


@pytest.mark.parametrize(
    "inner", [LinearSVC(), Perceptron(), ms.HardMarginClassifier()], ids=lambda one: type(one).__name__
)
@pytest.mark.filterwarnings("ignore::marginscope.DataQualityWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_scores_are_calibrated_where_there_are_no_probabilities(inner):
    model = ms.CostMatrixClassifier(make_pipeline(StandardScaler(), inner)).fit(X, Y)
    proba = model.predict_proba(X)
    assert proba.sum(axis=1) == pytest.approx(1.0)
    # on rows it has seen, but with out-of-fold calibration: better than the shares of the classes
    log_loss = -np.log(proba[np.arange(150), CODES]).mean()
    assert log_loss < 0.6 * np.log(3.0)
    assert model.score(X, Y) > 0.8


def test_calibration_undoes_overconfidence():
    rng = np.random.default_rng(0)
    y = rng.choice(3, 600)
    Z = rng.standard_normal((600, 6)) + 0.7 * np.eye(3, 6)[y]
    fitted, new = slice(0, 300), slice(300, None)
    forest = RandomForestClassifier(n_estimators=20, min_samples_leaf=1, random_state=0)
    losses = {}
    for probability in ("auto", "calibrate"):
        model = ms.CostMatrixClassifier(forest, probability=probability).fit(Z[fitted], y[fitted])
        proba = np.clip(model.predict_proba(Z[new]), 1e-15, 1.0)
        losses[probability] = -np.log(proba[np.arange(300), y[new]]).mean()
    assert losses["calibrate"] < losses["auto"]


def test_features_that_only_the_estimator_understands_are_left_to_it():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X.copy(), columns=list("abcd"))
    frame.iloc[3, 0] = np.nan
    model = ms.CostMatrixClassifier(HistGradientBoostingClassifier(max_iter=5)).fit(frame, Y)
    assert model.feature_names_in_.tolist() == list("abcd")
    assert model.predict(frame).shape == (150,)


def test_weights_reach_the_estimator():
    weights = np.where(CODES == 2, 0.0, 1.0)
    model = ms.CostMatrixClassifier(LogisticRegression(max_iter=1_000)).fit(
        X, Y, sample_weight=weights + 1e-9 * (CODES == 2)
    )
    direct = LogisticRegression(max_iter=1_000).fit(X, Y, sample_weight=weights + 1e-9 * (CODES == 2))
    assert model.predict_proba(X) == pytest.approx(direct.predict_proba(X), abs=1e-9)
    with pytest.warns(UserWarning, match="takes no sample_weight"):
        ms.CostMatrixClassifier(KNeighborsClassifier()).fit(X, Y, sample_weight=weights)


@pytest.mark.parametrize(
    "costs",
    [
        np.ones((2, 2)),
        np.full((3, 3), np.nan),
        {"no": {"setosa": 1.0}},
        {"setosa": {"no": 1.0}},
        {"setosa": 3.0},
        {("setosa", "virginica"): "much"},
        "cheap",
    ],
    ids=str,
)
def test_costs_that_cannot_be_meant_are_refused(costs):
    with pytest.raises(UsageError, match="cost_matrix needs"):
        ms.CostMatrixClassifier(cost_matrix=costs).fit(X, Y)


def test_other_refusals():
    with pytest.raises(UsageError, match="predict_proba or decision_function"):
        ms.CostMatrixClassifier(StandardScaler()).fit(X, Y)
    with pytest.raises(UsageError, match="probability"):
        ms.CostMatrixClassifier(probability="no").fit(X, Y)
    with pytest.raises(DataError, match="2 classes"):
        ms.CostMatrixClassifier().fit(X, np.ones(150, int))
