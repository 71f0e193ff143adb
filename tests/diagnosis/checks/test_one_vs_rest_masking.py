"""Classes that one against the rest hides."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import marginscope as ms
from marginscope.diagnosis.checks.one_vs_rest_masking import OneVsRestMasking
from marginscope.exceptions import CheckNotApplicable
from marginscope.solvers.separability import separability

CHECK = OneVsRestMasking()
IN_A_ROW = [[-4, 0], [0, 0], [4, 0]]


@pytest.fixture(scope="module")
def row(blobs):
    """Three clouds in a row; 'bee' is in the middle."""
    return blobs([100, 100, 100], IN_A_ROW, test=1.0)


@pytest.fixture(scope="module")
def row_of_five(blobs):
    return blobs([80] * 5, [[x, 0] for x in (-8, -4, 0, 4, 8)], test=1.0)


@pytest.mark.parametrize(
    "model", [RidgeClassifier(), make_pipeline(StandardScaler(), RidgeClassifier())], ids=["ridge", "pipeline"]
)
def test_fires_for_least_squares_and_the_middle_class(model, row, case_of, examine):
    found = examine(CHECK, case_of(model, row))
    assert found.status == "issue"
    assert found.classes == ("bee",)
    assert found.remedies == ("joint-fit",)
    area = next(one for one in found.evidence if one.name.startswith("area of the own score of 'bee'"))
    assert area.value < 0.65


def test_fires_for_hinges_and_the_middle_of_five(row_of_five, case_of, examine):
    found = examine(CHECK, case_of(LinearSVC(), row_of_five))
    assert found.status == "issue"
    assert "cow" in found.classes


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_first_cause(seed, blobs):
    found = blobs([100, 100, 100], IN_A_ROW, test=1.0, seed=seed).diagnose(RidgeClassifier())
    assert found["bee"].cause == "one-vs-rest-masking"
    assert found["ant"].verdict == found["cow"].verdict == "healthy"


def test_the_joint_fit_is_the_remedy(row):
    ledger = row.diagnose(RidgeClassifier()).remedy("bee")
    trial = ledger["joint-fit"]
    assert trial.helps == ("bee",)
    assert trial.recall["bee"] > 0.9
    scope = {"model": RidgeClassifier(), "X": row.X, "y": row.y}
    exec(compile(trial.snippet, "snippet", "exec"), scope)
    middle = row.y_test == "bee"
    assert np.mean(scope["model"].predict(row.X_test[middle]) == "bee") == pytest.approx(trial.recall["bee"])


def test_separability_is_certified_as_a_hand_built_case_says(blobs, case_of, examine):
    """Three clouds far apart in a row: together separable, the middle one against the rest never."""
    problem = blobs([60, 60, 60], [[-9, 0], [0, 0], [9, 0]], test=1.0)
    found = examine(CHECK, case_of(RidgeClassifier(), problem))
    named = {one.name: one.value for one in found.evidence}
    assert named["'bee' against the rest is separable in training (certified, 1 is yes)"] == 0
    assert named["all classes together are separable in training (certified, 1 is yes)"] == 1
    assert separability(problem.X, problem.y == "bee").status != "complete"


def test_stays_silent_where_all_is_learned_and_fits_nothing(healthy, case_of, examine):
    case = case_of(RidgeClassifier(), healthy)
    found = examine(CHECK, case)
    assert found.status == "passed"
    assert not case.lab.tried()


@pytest.mark.parametrize(
    "model",
    [RidgeClassifier(), LinearSVC(), OneVsRestClassifier(LogisticRegression())],
    ids=["ridge", "svm", "logistic"],
)
def test_imbalance_is_left_to_imbalance(model, imbalanced):
    found = imbalanced.diagnose(model)
    assert found["cow"].cause == "imbalance"
    assert next(one for one in found.findings if one.slug == "one-vs-rest-masking").status == "passed"


def test_what_is_learned_in_training_is_not_masked(blobs, case_of, examine):
    """As many features as rows: least squares fits all training rows and little else."""
    problem = blobs([30, 30, 30], np.pad(2.5 * np.eye(3), ((0, 0), (0, 85))), test=3.0)
    case = case_of(RidgeClassifier(alpha=1e-3), problem)
    assert case.lab.base.train_recall.min() > 0.95
    assert case.scores.recall.min() < 0.85
    assert examine(CHECK, case).status == "passed"


def test_what_no_linear_model_learns_is_left_to_capacity(rings):
    found = rings.diagnose(RidgeClassifier())
    assert next(one for one in found.findings if one.slug == "one-vs-rest-masking").status == "passed"
    assert found["ring"].cause == "low-capacity"


@pytest.mark.parametrize(
    "model", [LogisticRegression(), make_pipeline(StandardScaler(), LogisticRegression())], ids=["joint", "pipeline"]
)
def test_not_applicable_to_joint_models(model, row, case_of, examine):
    with pytest.raises(CheckNotApplicable, match="joint form"):
        examine(CHECK, case_of(model, row))


def test_not_applicable_to_predictions_and_two_classes(row, case_of, examine):
    with pytest.raises(CheckNotApplicable):
        examine(CHECK, case_of(ms.Predictions(row.y_test), row))
    two = replace(
        row,
        X=row.X[row.y != "cow"],
        y=row.y[row.y != "cow"],
        X_test=row.X_test[row.y_test != "cow"],
        y_test=row.y_test[row.y_test != "cow"],
    )
    with pytest.raises(CheckNotApplicable):
        examine(CHECK, case_of(RidgeClassifier(), two))


@pytest.mark.parametrize("threshold", [{"learned": 0.0}, {"most_area": 0.0}, {"most_left": 0.0}], ids=str)
def test_what_counts_as_masked_are_thresholds(threshold, row, case_of, examine):
    assert examine(replace(CHECK, **threshold), case_of(RidgeClassifier(), row)).status == "passed"


def test_certificates_are_left_out_beyond_their_rows(row, case_of, examine):
    found = examine(replace(CHECK, most_rows=100), case_of(RidgeClassifier(), row))
    assert found.status == "issue"
    assert not any("separable" in one.name for one in found.evidence)


def test_calibration_bends_scores_one_by_one_and_is_looked_at_too(blobs, case_of, examine):
    problem = blobs([200, 20, 200], [[-3, 0], [0, 0], [3, 0]], test=1.0)
    found = examine(CHECK, case_of(CalibratedClassifierCV(LinearSVC(), cv=2), problem))
    assert found.status in ("issue", "passed")
