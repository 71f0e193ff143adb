"""Held back by its share alone."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.svm import LinearSVC

import marginscope as ms
from marginscope.diagnosis.checks.imbalance import Imbalance
from marginscope.exceptions import CheckNotApplicable


def test_fires_for_a_rare_class_of_a_linear_model(imbalanced_case, examine):
    found = examine(Imbalance(), imbalanced_case)
    assert found.status == "issue"
    assert found.classes == ("cow",)
    assert "logit-adjustment" in found.remedies
    (proof,) = [one for one in found.counterfactuals if one.is_proof]
    assert proof.label == "cow"
    assert proof.lift > 0.3
    assert proof.interval[0] > 0
    assert proof.net > 0
    assert proof.placebo < proof.lift
    assert "cow" in found.panels


@pytest.mark.parametrize(
    "model",
    [RandomForestClassifier(25, min_samples_leaf=10), LinearSVC(), RidgeClassifier()],
    ids=["forest", "svm", "ridge"],
)
def test_fires_for_other_kinds_of_models(model, imbalanced, case_of, examine):
    assert examine(Imbalance(), case_of(model, imbalanced)).classes == ("cow",)


def test_fires_for_given_probabilities(imbalanced, scaled_logistic, case_of, examine):
    fitted = clone(scaled_logistic).fit(imbalanced.X, imbalanced.y)
    model = ms.Predictions(proba=fitted.predict_proba(imbalanced.X_test))
    assert examine(Imbalance(), case_of(model, imbalanced)).classes == ("cow",)


def test_it_is_the_first_cause_of_the_class(imbalanced, scaled_logistic):
    found = imbalanced.diagnose(scaled_logistic)
    assert (found["cow"].verdict, found["cow"].cause) == ("weak", "imbalance")
    assert found["ant"].verdict == found["bee"].verdict == "healthy"


def test_stays_silent_where_a_rare_class_is_learned(blobs, scaled_logistic, case_of, examine):
    problem = blobs([300, 200, 15], [[0, 0, 0], [6, 0, 0], [0, 12, 0]])
    found = examine(Imbalance(), case_of(scaled_logistic, problem))
    assert found.status == "passed"
    assert found.evidence[-1].value == 20.0


def test_stays_silent_without_signal(blobs, scaled_logistic, case_of, examine):
    """Weights call more rows by the rare name, whatever their label: the placebo does the same."""
    problem = blobs([200, 60, 40], [[0, 0, 0]] * 3, test=3)
    assert examine(Imbalance(), case_of(scaled_logistic, problem)).status == "passed"


def test_equal_shares_have_nothing_to_correct(blobs, scaled_logistic, case_of, examine):
    problem = blobs([50, 50, 50], [[0, 0, 0], [1, 0, 0], [0, 1, 0]])
    with pytest.raises(CheckNotApplicable, match="equal"):
        examine(Imbalance(), case_of(scaled_logistic, problem))


def test_weights_in_use_correct_the_shares_already(imbalanced, case_of, examine):
    with pytest.raises(CheckNotApplicable, match="class weights"):
        examine(Imbalance(), case_of(LogisticRegression(class_weight="balanced"), imbalanced))


def test_weights_that_balance_nothing_are_no_excuse(imbalanced, case_of, examine):
    found = examine(Imbalance(), case_of(LogisticRegression(class_weight={"ant": 3.0}), imbalanced))
    assert found.classes == ("cow",)


def test_given_labels_cannot_be_adjusted(given_case, examine):
    with pytest.raises(CheckNotApplicable, match="probabilities"):
        examine(Imbalance(), given_case)


def test_a_large_class_is_never_held_back_by_its_share(imbalanced, case_of, examine):
    """The commonest class is made unlearnable by weights the other way; its share is no excuse."""
    model = LogisticRegression(C=1e-9, fit_intercept=False)
    flipped = replace(imbalanced, y=imbalanced.y, y_test=imbalanced.y_test)
    found = examine(Imbalance(), case_of(model, flipped))
    assert "ant" not in found.classes


@pytest.mark.parametrize("share", [1e-6, 0.05])
def test_the_share_that_counts_as_small_is_a_threshold(share, imbalanced_case, examine):
    """25 of 925 rows are 0.08 of an even share."""
    with pytest.raises(CheckNotApplicable, match="even share"):
        examine(Imbalance(most_share=share), imbalanced_case)
    assert examine(Imbalance(most_share=0.1), imbalanced_case).classes == ("cow",)


def test_the_ratio_of_shares_is_said(imbalanced_case, examine):
    (ratio,) = [one for one in examine(Imbalance(), imbalanced_case).evidence if one.name.startswith("rows of the")]
    assert ratio.value == pytest.approx(600 / 25)
    assert np.isfinite(ratio.value)
