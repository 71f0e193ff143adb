"""Recall returns along the penalty path."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from marginscope.diagnosis.checks.over_regularised import OverRegularised
from marginscope.exceptions import CheckNotApplicable

STIFF = {
    "logistic": LogisticRegression(C=1e-5),
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression(C=1e-6)),
    "ridge": RidgeClassifier(alpha=1e6),
    "svm": SVC(C=1e-4),
    "sgd": SGDClassifier(loss="log_loss", alpha=100.0, random_state=0),
    "tree": DecisionTreeClassifier(min_samples_leaf=100),
    "l1": LogisticRegression(C=1e-3, l1_ratio=1.0, solver="saga", max_iter=300),
    "elastic net": LogisticRegression(C=1e-3, l1_ratio=0.5, solver="saga", max_iter=300),
}


@pytest.mark.parametrize("model", STIFF.values(), ids=STIFF)
def test_fires_for_penalties_of_every_kind(model, penalised, case_of, examine):
    found = examine(OverRegularised(), case_of(model, penalised))
    assert found.status == "issue"
    assert found.remedies == ("weaker-penalty",)
    proof = next(one for one in found.counterfactuals if one.label == found.classes[0])
    assert proof.intervention.startswith("weaker-penalty")
    assert proof.lift > 0.5


def test_it_is_the_first_cause_although_weights_lift_the_class_too(penalised):
    found = penalised.diagnose(LogisticRegression(C=1e-5))
    assert {found[name].cause for name in ("bee", "cow")} == {"over-regularised"}
    assert found.finding("imbalance").status == "issue", "several interventions lift the same class"
    assert found["ant"].verdict == "healthy"


@pytest.mark.parametrize("name", ["l1", "elastic net"])
def test_rows_of_coefficients_that_are_zero_are_counted(name, penalised, case_of, examine):
    case = case_of(STIFF[name], penalised)
    found = examine(OverRegularised(), case)
    (zeroed,) = [one for one in found.evidence if "whole row" in one.name]
    norms = np.linalg.norm(case.linear_part.coef, axis=1)
    assert zeroed.value == (norms == 0).sum() > 0


def test_a_row_is_zero_relative_to_the_largest(penalised_case, examine):
    def zeroed(check):
        return next(one.value for one in examine(check, penalised_case).evidence if "whole row" in one.name)

    assert zeroed(OverRegularised()) == 0
    assert zeroed(OverRegularised(zero_row=1.0)) == 3


def test_the_path_is_drawn_from_now_to_the_weakest(penalised_case, examine):
    panel = examine(OverRegularised(), penalised_case).panels["cow"]
    (series,) = panel.series
    assert series.x[0] == 1.0
    assert list(series.x) == sorted(series.x)
    assert len(set(series.x)) == len(series.x) > 1
    assert series.y[0] == pytest.approx(0.0)
    assert max(series.y) > 0.8
    assert panel.log_x


def test_the_setting_is_said(penalised_case, examine):
    found = examine(OverRegularised(), penalised_case)
    assert "C=1e-05" in found.sentence
    assert any(one.name == "penalty now: C" and one.value == 1e-5 for one in found.evidence)


def test_stays_silent_where_the_penalty_harms_no_class(healthy_case, imbalanced_case, examine):
    assert examine(OverRegularised(), healthy_case).status == "passed"
    found = examine(OverRegularised(), imbalanced_case)
    assert found.status == "passed"


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (GaussianNB(), "no penalty"),
        (KNeighborsClassifier(5), "no penalty"),
        (LogisticRegression(C=np.inf, max_iter=1000), "end of its range"),
    ],
    ids=["bayes", "neighbours", "no penalty left"],
)
def test_has_nothing_to_say_without_a_penalty(model, why, penalised, case_of, examine):
    with pytest.raises(CheckNotApplicable, match=why):
        examine(OverRegularised(), case_of(model, penalised))


def test_given_predictions_have_no_penalty(given_case, examine):
    with pytest.raises(CheckNotApplicable):
        examine(OverRegularised(), given_case)


def test_refits_nothing_where_every_class_is_learned(healthy, case_of, examine):
    case = case_of(LogisticRegression(), healthy)
    assert examine(OverRegularised(), case).status == "passed"
    assert case.lab.tried() == {}
