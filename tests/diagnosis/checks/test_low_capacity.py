"""A richer model class learns what the present one cannot."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

import marginscope as ms
from marginscope.diagnosis.checks import CHECKS
from marginscope.diagnosis.checks.low_capacity import LowCapacity
from marginscope.diagnosis.quiet import quiet_fits
from marginscope.exceptions import CheckNotApplicable


@pytest.mark.parametrize("kind", ["logistic", "discriminant", "stump"])
def test_fires_for_models_that_are_too_stiff(kind, rings, scaled_logistic, case_of, examine):
    model = {
        "logistic": scaled_logistic,
        "discriminant": LinearDiscriminantAnalysis(),
        "stump": DecisionTreeClassifier(max_depth=1),
    }[kind]
    found = examine(LowCapacity(), case_of(model, rings))
    assert found.status == "issue"
    assert "ring" in found.classes
    assert found.remedies == ("richer-model",)
    proof = next(one for one in found.counterfactuals if one.label == "ring")
    assert proof.is_proof
    assert proof.lift > 0.3
    assert any("training recall of 'ring'" in one.name for one in found.evidence)


def test_it_is_the_first_cause_of_the_class(rings, scaled_logistic):
    found = rings.diagnose(scaled_logistic)
    assert found["ring"].cause == "low-capacity"
    assert found["ring"].verdict in ("unlearned", "weak")


def test_stays_silent_where_the_model_is_rich_enough(rings, healthy_case, case_of, examine):
    assert examine(LowCapacity(), healthy_case).status == "passed"
    assert examine(LowCapacity(), case_of(GaussianNB(), rings)).status == "passed"


def test_a_class_that_is_learned_in_training_does_not_lack_capacity():
    """One neighbour knows every training row; what is missing out of sample is not capacity."""
    rng = np.random.default_rng(0)

    def draw(n):
        X = rng.standard_normal((n, 60))
        X[:, 0] = rng.choice([-1.0, 1.0], n)
        return X, np.where(X[:, 0] > 0, "up", "down")

    (X, y), (X_test, y_test) = draw(150), draw(300)
    found = ms.diagnose(KNeighborsClassifier(1), X, y, X_test=X_test, y_test=y_test, checks=["low-capacity"])
    one = found.finding("low-capacity")
    assert one.status == "passed"
    reasons = [claim.reason for claim in one.counterfactuals]
    assert any("training rows right" in reason for reason in reasons)


@pytest.mark.parametrize("model", [RandomForestClassifier(5), HistGradientBoostingClassifier(max_iter=5)])
def test_an_ensemble_of_trees_is_as_rich_as_the_reference(model, rings, case_of, examine):
    with pytest.raises(CheckNotApplicable, match="trees already"):
        examine(LowCapacity(), case_of(model, rings))


def test_without_training_recall_capacity_cannot_be_blamed(rings, case_of, examine):
    wrong = np.where(rings.y_test == "ring", "core", rings.y_test)
    found = examine(LowCapacity(), case_of(ms.Predictions(wrong), rings))
    assert found.status == "passed"
    assert any("training recall" in one.reason for one in found.counterfactuals if one.label == "ring")


def test_the_slack_is_a_threshold(rings, scaled_logistic, case_of, examine):
    case = case_of(scaled_logistic, rings)
    assert examine(LowCapacity(), case).status == "issue"
    assert examine(replace(LowCapacity(), training_slack=-1.0), case).status == "passed"


def test_where_the_trees_lift_no_class_the_model_is_not_fitted_again(healthy, scaled_logistic, case_of, examine):
    case = case_of(scaled_logistic, healthy)
    assert examine(LowCapacity(), case).status == "passed"
    assert set(case.lab.tried()) == {"richer-model"}


def test_a_class_that_a_longer_training_learns_does_not_lack_capacity(rings, case_of, examine):
    """Sixteen units draw the rings, but not in four passes; longer training was tried before."""
    case = case_of(MLPClassifier((16,), learning_rate_init=0.01, max_iter=4, random_state=0), rings)
    k = case.names.index("core")
    assert "core" in examine(LowCapacity(), case).classes
    with quiet_fits():
        longer = case.lab.effects("longer-training")
    assert max(one.trial.train_recall[k] for one in longer) > 0.98
    assert "core" not in examine(LowCapacity(), case).classes


def test_it_runs_after_what_trains_the_present_model_otherwise():
    order = [one.slug for one in CHECKS]
    assert order.index("low-capacity") > order.index("not-converged")
