"""More steps or another step size recovers the class."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier

import marginscope as ms
from marginscope.diagnosis.checks.not_converged import NotConverged
from marginscope.exceptions import CheckNotApplicable

STOPPED = {
    "boosting": HistGradientBoostingClassifier(max_iter=2, learning_rate=0.01, min_samples_leaf=5),
    "descent": ms.GradientDescentClassifier(n_steps=5, step_size=1e-6),
    "stochastic": SGDClassifier(loss="log_loss", learning_rate="constant", eta0=1e-7, max_iter=5, random_state=0),
    "perceptron": MLPClassifier((16,), max_iter=5, learning_rate_init=1e-5, random_state=0),
}


@pytest.fixture(scope="module")
def thin(blobs):
    """Two classes apart only along a direction in which the features hardly vary: few steps do not find it."""
    rng = np.random.default_rng(0)

    def draw(n):
        y = np.repeat(["ant", "bee", "cow"], [2 * n, n, n])
        common = 3 * rng.standard_normal((4 * n, 1)) + 9 * (y == "cow")[:, None]
        X = common + 0.1 * rng.standard_normal((4 * n, 4))
        X[:, 0] += 0.5 * (y == "bee")
        return X, y

    return type(blobs([2, 2], [[0], [1]]))(*draw(60), *draw(100))


@pytest.fixture(scope="module")
def late(blobs):
    """The smallest class lies at the origin, where scores grow last."""
    return blobs([120, 70, 40], [[5, 0, 0], [0, 5, 0], [0, 0, 0]])


def loss_of_shares(y):
    shares = np.unique(y, return_counts=True)[1] / len(y)
    return float(-(shares * np.log(shares)).sum())


@pytest.mark.parametrize("model", STOPPED.values(), ids=STOPPED)
def test_fires_for_trainings_that_stop_or_creep(model, late, case_of, examine):
    case = case_of(model, late)
    missed = {case.names[k] for k in case.poor}
    assert "cow" in missed, "the planted training must miss the class"
    found = examine(NotConverged(), case)
    assert found.status == "issue"
    assert "cow" in found.classes
    assert found.remedies == ("longer-training", "step-size")


def test_fires_for_a_solver_at_its_limit(thin, case_of, examine):
    found = examine(NotConverged(), case_of(LogisticRegression(C=1e4, max_iter=3), thin))
    assert found.status == "issue"
    assert "bee" in found.classes
    said = {one.name: one.value for one in found.evidence}
    assert said["the fit ended at its step limit (1 is yes)"] == 1.0


def test_it_is_the_first_cause_before_imbalance_and_capacity(penalised):
    found = penalised.diagnose(STOPPED["boosting"])
    assert {found[name].cause for name in ("bee", "cow")} == {"not-converged"}
    assert found.finding("imbalance").status == "issue", "weights lift the same class"


def test_the_plateau_is_that_of_the_class_shares(penalised, case_of, examine):
    model = STOPPED["boosting"]
    found = examine(NotConverged(), case_of(model, penalised))
    (row,) = [one for one in found.evidence if one.name == "mean cross-entropy on the training rows"]
    assert row.threshold == pytest.approx(loss_of_shares(penalised.y))
    proba = model.fit(penalised.X, penalised.y).predict_proba(penalised.X)
    own = -np.log(proba[np.arange(len(penalised.y)), np.searchsorted(model.classes_, penalised.y)])
    assert row.value == pytest.approx(own.mean())


def test_a_solver_that_ended_by_its_tolerance_is_not_refitted(imbalanced, case_of, examine):
    case = case_of(LogisticRegression(), imbalanced)
    assert case.poor
    found = examine(NotConverged(), case)
    assert found.status == "passed"
    assert "its own tolerance" in found.sentence
    assert case.lab.tried() == {}


def test_a_model_that_learns_every_class_is_not_refitted(healthy, case_of, examine):
    case = case_of(HistGradientBoostingClassifier(max_iter=20, min_samples_leaf=5), healthy)
    found = examine(NotConverged(), case)
    assert found.status == "passed"
    assert case.lab.tried() == {}


def test_more_steps_do_not_bring_back_a_class_without_signal(mute, case_of, examine):
    found = examine(NotConverged(), case_of(LogisticRegression(max_iter=2), mute))
    assert "fox" not in found.classes


def test_what_scaled_features_learn_in_as_few_steps_is_no_lack_of_steps(thin, case_of, examine):
    """At the default number of steps the scale is the cause; far below it the steps are."""
    scaled = type(thin)(thin.X * [1e-3, 1, 1e3, 1e2], thin.y, thin.X_test * [1e-3, 1, 1e3, 1e2], thin.y_test)
    model = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.01, max_iter=1000, tol=None, random_state=0)
    found = examine(NotConverged(), case_of(model, scaled))
    reasons = {one.label: one.reason for one in found.counterfactuals}
    assert found.status == "passed", reasons


def test_given_predictions_have_no_training(given_case, examine):
    with pytest.raises(CheckNotApplicable, match="cannot be fitted again"):
        examine(NotConverged(), given_case)


def test_a_model_without_steps_has_nothing_to_lengthen(penalised, case_of, examine):
    with pytest.raises(CheckNotApplicable, match="no number of steps"):
        examine(NotConverged(), case_of(GaussianNB(), penalised))
