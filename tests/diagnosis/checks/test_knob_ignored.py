"""Weights that do nothing."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from marginscope.diagnosis.checks.imbalance import Imbalance
from marginscope.diagnosis.checks.knob_ignored import KnobIgnored
from marginscope.exceptions import CheckNotApplicable


class Deaf:
    """Takes class weights and forgets them."""

    def fit(self, X, y, sample_weight=None):
        kept, self.class_weight = self.class_weight, None
        try:
            return super().fit(X, y)
        finally:
            self.class_weight = kept


class DeafLogistic(Deaf, LogisticRegression):
    """A linear model that does."""


class DeafForest(Deaf, RandomForestClassifier):
    """The same with trees."""


class OnlyWeighted(LogisticRegression):
    """Cannot be fitted without weights."""

    def fit(self, X, y, sample_weight=None):
        if self.class_weight is None:
            raise RuntimeError("weights are needed")
        return super().fit(X, y)


DEAF = {
    "logistic": DeafLogistic(class_weight="balanced"),
    "pipeline": make_pipeline(StandardScaler(), DeafLogistic(class_weight={"cow": 20.0})),
    "forest": DeafForest(25, min_samples_leaf=10, class_weight="balanced"),
}


@pytest.mark.parametrize("model", DEAF.values(), ids=DEAF)
def test_fires_for_a_model_that_drops_its_weights(model, imbalanced, case_of, examine):
    found = examine(KnobIgnored(), case_of(model, imbalanced))
    assert found.status == "issue"
    assert found.classes == ("cow",)
    assert "class_weight" in found.sentence
    assert found.evidence[0].value == 0.0
    assert "class-weights" not in found.remedies


def test_it_is_the_first_cause_of_the_class(imbalanced):
    found = imbalanced.diagnose(DEAF["logistic"], checks=["knob-ignored", "imbalance", "low-capacity"])
    assert found["cow"].cause == "knob-ignored"
    assert found["cow"].runner_up == "imbalance"
    assert found["cow"].runner_up_reason


def test_an_ignored_weight_does_not_stop_the_test_for_imbalance(imbalanced, case_of, examine):
    case = case_of(DEAF["logistic"], imbalanced)
    examine(KnobIgnored(), case)
    assert examine(Imbalance(), case).classes == ("cow",)


def test_fires_without_a_class_where_the_weights_would_recover_none(healthy, case_of, examine):
    found = examine(KnobIgnored(), case_of(DEAF["logistic"], healthy))
    assert found.status == "issue"
    assert found.classes == ()


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(class_weight="balanced"),
        RandomForestClassifier(25, min_samples_leaf=10, class_weight="balanced_subsample"),
    ],
)
def test_stays_silent_for_weights_that_act(model, imbalanced, case_of, examine):
    found = examine(KnobIgnored(), case_of(model, imbalanced))
    assert found.status == "passed"
    assert found.evidence[0].value > 1e-6


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (LogisticRegression(), "no class weights"),
        (LogisticRegression(class_weight={"ant": 1.0, "bee": 1.0, "cow": 1.0}), "all equal"),
        (LogisticRegression(class_weight={"ant": 3.0, "bee": 3.0, "cow": 3.0}), "all equal"),
        (OnlyWeighted(class_weight="balanced"), "cannot be fitted without"),
    ],
    ids=["no weights", "all one", "all three", "cannot do without"],
)
def test_has_nothing_to_say_elsewhere(model, why, imbalanced, case_of, examine):
    with pytest.raises(CheckNotApplicable, match=why):
        examine(KnobIgnored(), case_of(model, imbalanced))


def test_balanced_weights_of_equal_classes_have_nothing_to_do(blobs, case_of, examine):
    problem = blobs([40, 40, 40], [[0, 0, 0], [3, 0, 0], [0, 3, 0]])
    with pytest.raises(CheckNotApplicable, match="all equal"):
        examine(KnobIgnored(), case_of(DEAF["logistic"], problem))


def test_a_weight_of_one_class_among_unweighted_ones_is_not_equal(imbalanced, case_of, examine):
    case = case_of(DeafLogistic(class_weight={"cow": 5.0}), imbalanced)
    assert examine(KnobIgnored(), case).status == "issue"


def test_given_predictions_have_no_parameter(given_case, examine):
    with pytest.raises(CheckNotApplicable, match="cannot be fitted again"):
        examine(KnobIgnored(), given_case)


def test_the_change_that_counts_is_a_threshold(imbalanced, case_of, examine):
    case = case_of(LogisticRegression(class_weight="balanced"), imbalanced)
    assert examine(KnobIgnored(least_change=2.0), case).status == "issue"
    assert examine(KnobIgnored(least_change=0.0), case).status == "passed"


class Booster(ClassifierMixin, BaseEstimator):
    """Takes class weights under the names that boosters have."""

    def __init__(self, scale_pos_weight=None, class_weights=None):
        self.scale_pos_weight = scale_pos_weight
        self.class_weights = class_weights

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        weights = self.class_weights or (1, *(self.scale_pos_weight or 1 for _ in self.classes_[1:]))
        self.inner_ = LogisticRegression(class_weight=dict(zip(self.classes_, weights, strict=True))).fit(X, y)
        return self

    def predict(self, X):
        return self.inner_.predict(X)

    def predict_proba(self, X):
        return self.inner_.predict_proba(X)


@pytest.mark.parametrize("model", [Booster(scale_pos_weight=1.0), Booster(class_weights=[1, 1])])
def test_equal_weights_under_other_names_have_nothing_to_do(model, blobs, case_of, examine):
    case = case_of(model, blobs([300, 25], [[0, 0, 0], [0, 2.2, 0]]))
    with pytest.raises(CheckNotApplicable, match="all equal"):
        examine(KnobIgnored(), case)
    assert examine(Imbalance(), case).classes == ("bee",)


def test_a_list_of_weights_is_in_the_order_of_the_labels(blobs, case_of, examine):
    problem = blobs([300, 25], [[0, 0, 0], [0, 2.2, 0]])
    assert examine(Imbalance(), case_of(Booster(class_weights=[1, 2]), problem)).status != "not_applicable"
    with pytest.raises(CheckNotApplicable, match="balanced class weights"):
        examine(Imbalance(), case_of(Booster(class_weights=[1, 12]), problem))
    with pytest.raises(CheckNotApplicable, match="balanced class weights"):
        examine(Imbalance(), case_of(Booster(scale_pos_weight=12.0), problem))


def test_weights_inside_one_against_the_rest_are_not_those_of_the_labels(imbalanced, case_of, examine):
    """There 0 and 1 are the rest and the class, which is no reason to call the weights equal."""
    model = OneVsRestClassifier(LogisticRegression(class_weight={0: 1, 1: 5}))
    assert examine(KnobIgnored(), case_of(model, imbalanced)).status == "passed"
