"""One rival has nearly the same features."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import marginscope as ms
from marginscope.diagnosis.checks.imbalance import Imbalance
from marginscope.diagnosis.checks.no_signal import NoSignal
from marginscope.diagnosis.checks.rival_overlap import RivalOverlap, _ks_distances
from marginscope.exceptions import CheckNotApplicable


@pytest.fixture(scope="module")
def rival(blobs):
    """A class a fifth of a standard deviation from a larger one; a third class stands apart."""
    return blobs([150, 150, 75], [[8, 0, 0], [0, 0, 0], [0.2, 0, 0]])


@pytest.fixture(scope="module")
def rival_case(case_of, rival, scaled_logistic, examine):
    case = case_of(scaled_logistic, rival)
    examine(NoSignal(), case)
    examine(Imbalance(), case)
    return case


def test_names_the_rival_the_features_and_the_gradients(rival_case, examine):
    found = examine(RivalOverlap(), rival_case)
    assert found.status == "issue"
    assert found.classes == ("cow",)
    assert "'bee'" in found.sentence
    said = {one.name.split(" for ")[0].split(" between ")[0].split(" of '")[0]: one.value for one in found.evidence}
    assert 0.4 < said["area under the curve"] < 0.8
    assert said["features that coincide"] == 3
    assert -1 <= said["correlation of the mean gradients"] <= 1
    assert "x0" in found.reasons["cow"] or "x1" in found.reasons["cow"] or "x2" in found.reasons["cow"]
    assert [one.name for one in found.panels["cow"].series] == ["cow", "bee"]


def test_fires_for_trees_too(rival, case_of, examine):
    case = case_of(RandomForestClassifier(25, min_samples_leaf=2), rival)
    examine(Imbalance(), case)
    assert examine(RivalOverlap(), case).classes == ("cow",)


def test_it_is_the_first_cause_of_the_class(rival, scaled_logistic):
    one = rival.diagnose(scaled_logistic)["cow"]
    assert one.cause == "rival-overlap"
    assert one.rival == "bee"


def test_stays_silent_for_a_class_that_a_remedy_brings_back(imbalanced_case, examine):
    examine(Imbalance(), imbalanced_case)
    assert examine(RivalOverlap(), imbalanced_case).status == "passed"


def test_stays_silent_where_a_reference_tells_the_two_apart(rings, scaled_logistic, case_of, examine):
    case = case_of(scaled_logistic, rings)
    assert case.poor
    assert examine(RivalOverlap(), case).status == "passed"


def test_a_class_without_any_signal_has_no_rival(mute, scaled_logistic, case_of, examine):
    case = case_of(scaled_logistic, mute)
    examine(NoSignal(), case)
    assert "fox" not in examine(RivalOverlap(), case).classes


def test_has_nothing_to_say_where_no_class_is_poor(healthy_case, examine):
    with pytest.raises(CheckNotApplicable, match="recall below one half"):
        examine(RivalOverlap(), healthy_case)


def test_given_predictions_are_compared_through_the_reference(rival, case_of, examine):
    case = case_of(ms.Predictions(np.where(rival.y_test == "cow", "bee", rival.y_test)), rival)
    assert examine(RivalOverlap(), case).classes == ("cow",)


@pytest.mark.parametrize("threshold", [{"most_auc": 0.4}, {"least_rows": 1000}, {"level": -1.0}])
def test_thresholds_decide(threshold, rival_case, examine):
    assert examine(replace(RivalOverlap(), **threshold), rival_case).status == "passed"


def test_how_near_features_must_be_is_a_threshold(rival_case, examine):
    found = examine(RivalOverlap(coincide=0.0), rival_case)
    counts = [one.value for one in found.evidence if one.name.startswith("features that coincide")]
    assert counts == [0.0]


def test_missing_cells_are_left_out_of_the_comparison(rival, case_of, examine):
    holes = np.random.default_rng(0).random(rival.X.shape) < 0.1
    gappy = replace(rival, X=np.where(holes, np.nan, rival.X))
    case = case_of(None, gappy)
    assert examine(RivalOverlap(), case).classes == ("cow",)


def test_a_feature_that_is_missing_in_one_class_only_does_not_coincide(rival, case_of, examine):
    def without(X, y):
        X = np.column_stack([X, np.zeros(len(X))])
        X[y == "cow", 3] = np.nan
        return X

    gaps = replace(rival, X=without(rival.X, rival.y), X_test=without(rival.X_test, rival.y_test))
    model = make_pipeline(SimpleImputer(), LogisticRegression())
    case = case_of(model, gaps)
    X, codes = case.dense_features(case.lab.rows, encoded=False), case.lab.raw.codes
    distances = _ks_distances(*(X[codes == case.names.index(name)] for name in ("cow", "bee")))
    assert distances[3] == 1.0
    assert distances[:3].max() < 0.5


def test_a_feature_that_neither_class_has_is_not_what_is_alike(rival, case_of, examine):
    """A word that both never use has distance 0, and says nothing about them."""

    def with_unused(X, y):
        used = np.where(y == "ant", np.arange(len(X)) % 7, 0.0)
        return np.column_stack([used, X, np.zeros(len(X))])

    wide = replace(rival, X=with_unused(rival.X, rival.y), X_test=with_unused(rival.X_test, rival.y_test))
    case = case_of(LogisticRegression(), wide)
    examine(Imbalance(), case)
    alike = examine(RivalOverlap(), case).reasons["cow"].partition("alike in ")[2].rstrip(")").split(", ")
    assert set(alike) == {"x1", "x2", "x3"}
