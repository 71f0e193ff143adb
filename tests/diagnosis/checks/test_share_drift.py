"""Class shares that differ between training and test."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import chi2_contingency
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC

import marginscope as ms
from marginscope.diagnosis.case import NotTried
from marginscope.diagnosis.checks.share_drift import ShareDrift
from marginscope.diagnosis.unlabelled_shares import shares_by_em
from marginscope.exceptions import CheckNotApplicable
from marginscope.remedies.prior_correction import ToShares

NEAR = [[0, 0, 0], [5, 0, 0], [0, 2.2, 0]]
CHECK = ShareDrift()


@pytest.fixture(scope="module")
def drifted(blobs):
    """'cow' has 3 % of the training rows and 30 % of the test rows."""

    def make(tested=(400, 300, 300), trained=(600, 300, 25), seed=0, centres=NEAR):
        train = blobs(list(trained), centres, test=0, seed=seed)
        test = blobs(list(tested), centres, test=0, seed=seed + 100)
        return replace(train, X_test=test.X, y_test=test.y)

    return make


@pytest.mark.parametrize("model", [LogisticRegression(), GaussianNB()], ids=["logistic", "bayes"])
def test_fires_where_the_test_set_has_more_of_the_class(model, drifted, case_of, examine):
    found = examine(CHECK, case_of(model, drifted()))
    assert found.status == "issue"
    assert found.classes == ("cow",)
    assert "2.7% in training and 30.0% in the test set" in found.sentence
    assert found.remedies[0] == "prior-correction"
    claim = next(one for one in found.counterfactuals if one.label == "cow")
    assert claim.is_proof
    assert "features have drifted" not in found.sentence


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_is_the_first_cause_and_imbalance_the_runner_up(seed, drifted):
    found = drifted(seed=seed).diagnose(LogisticRegression())
    assert found["cow"].cause == "share-drift"
    assert found["cow"].runner_up == "imbalance"


@pytest.mark.parametrize("seed", [0, 1])
def test_without_drift_the_cause_is_imbalance(seed, drifted):
    found = drifted(tested=(1200, 600, 50), seed=seed).diagnose(LogisticRegression())
    assert found["cow"].cause == "imbalance"
    assert next(one for one in found.findings if one.slug == "share-drift").status == "passed"


def test_the_remedy_runs_and_lifts_the_class(drifted):
    problem = drifted()
    found = problem.diagnose(LogisticRegression())
    trial = found.remedy("cow")["prior-correction"]
    assert trial.change["cow"].interval[0] > 0
    scope = {"model": LogisticRegression(), "X": problem.X, "y": problem.y, "X_new": problem.X_test}
    exec(compile(trial.snippet, "snippet", "exec"), scope)
    cow = problem.y_test == "cow"
    assert np.mean(scope["predicted"][cow] == "cow") == pytest.approx(trial.recall["cow"], abs=0.01)


def test_shares_that_differ_and_harm_nobody_are_a_tip(drifted, case_of, examine):
    far = [[0, 0, 0], [8, 0, 0], [0, 8, 0]]
    found = examine(CHECK, case_of(LogisticRegression(), drifted(centres=far)))
    assert found.status == "tip"
    assert "cow" in found.classes


def test_features_that_drift_too_are_said_so(drifted, case_of, examine):
    """The cows of the test set are where the ants are: the answers see few of them."""
    problem = drifted()
    X = problem.X_test.copy()
    X[problem.y_test == "cow", 1] -= 2.0
    found = examine(CHECK, case_of(LogisticRegression(), replace(problem, X_test=X)))
    assert "the features have drifted too" in found.sentence


def test_stays_silent_for_equal_shares(healthy_case, examine):
    found = examine(CHECK, healthy_case)
    assert found.status == "passed"
    assert found.classes == ()


def test_stays_silent_for_draws_from_one_population():
    """Of 200 random splits of one population 1 % may be called drifted."""
    codes = np.repeat([0, 1, 2], [300, 60, 30])
    rng = np.random.default_rng(0)
    drifted = 0
    for _ in range(200):
        drawn = rng.permutation(codes)
        case = SimpleNamespace(
            n_train=260,
            n_classes=3,
            subject=SimpleNamespace(codes=drawn),
            counts=np.bincount(drawn[:260], minlength=3),
        )
        drifted += CHECK._moved(CHECK._shares(case)) != ([], [])
    assert drifted <= 4


def test_not_applicable_without_a_test_set(drifted, case_of, examine):
    case = case_of(LogisticRegression(), drifted().without_test(), cv=3)
    with pytest.raises(CheckNotApplicable, match="no test set"):
        examine(CHECK, case)


def test_without_probabilities_it_is_a_tip_and_the_remedy_cannot_act(drifted, case_of, examine):
    case = case_of(LinearSVC(), drifted())
    assert examine(CHECK, case).status == "tip"
    with pytest.raises(NotTried, match="no probabilities"):
        case.lab.effects("prior-correction")


def test_given_probabilities_are_enough(drifted, case_of, examine):
    problem = drifted()
    model = LogisticRegression().fit(problem.X, problem.y)
    given = ms.Predictions(proba=model.predict_proba(problem.X_test), labels=model.classes_)
    found = examine(CHECK, case_of(given, problem))
    assert found.status in ("issue", "tip")
    assert "30.0% in the test set" in found.sentence


@pytest.mark.parametrize("threshold", [{"least_ratio": 100.0}, {"level": 1 - 1e-200}], ids=["ratio", "level"])
def test_what_counts_as_drift_are_thresholds(threshold, drifted, case_of, examine):
    assert examine(replace(CHECK, **threshold), case_of(GaussianNB(), drifted())).status == "passed"


def test_the_p_value_is_that_of_a_table_by_hand(drifted, case_of, examine):
    case = case_of(RandomForestClassifier(5, random_state=0), drifted())
    found = examine(CHECK, case)
    expected = chi2_contingency([[600, 300, 25], [400, 300, 300]], correction=False).pvalue
    assert found.evidence[0].value == pytest.approx(expected)


def test_shares_without_labels_are_those_of_an_exact_model():
    """Two normal classes with known densities: posteriors under equal shares, rows drawn at 90 to 10."""
    rng = np.random.default_rng(0)
    y = rng.random(20_000) < 0.1
    x = rng.standard_normal(y.size) + 2.0 * y
    odds = np.exp(2.0 * x - 2.0)
    proba = np.stack([1 / (1 + odds), odds / (1 + odds)], axis=1)
    found = shares_by_em(proba, np.array([0.5, 0.5]))
    assert found.sum() == pytest.approx(1)
    assert found[1] == pytest.approx(0.1, abs=0.01)


def test_the_correction_is_the_rule_of_bayes():
    proba = np.array([[0.8, 0.15, 0.05]])
    train, test = np.array([0.6, 0.3, 0.1]), np.array([0.2, 0.3, 0.5])
    scores = ToShares(tuple(test))(proba, train)
    by_hand = proba * test / train
    assert np.allclose(np.exp(scores), by_hand)
    assert np.allclose(ToShares((0.2, 0.0, 0.8))(proba[:, :2], np.array([0.5, 0.5])), np.log([[0.32, 0.24]]))


@pytest.mark.parametrize("seed", [0, 1])
def test_a_share_beyond_an_even_one_is_drift_all_the_same(seed, drifted):
    """Its own correction overshoots, so that equal shares are the proof."""
    found = drifted(tested=(150, 150, 300), seed=seed).diagnose(LogisticRegression())
    assert found["cow"].cause == "share-drift"


def test_a_drift_that_explains_little_is_left_to_imbalance(drifted):
    found = drifted(tested=(600, 300, 50)).diagnose(LogisticRegression())
    assert found["cow"].cause == "imbalance"


def test_a_weighted_model_is_not_corrected(drifted, case_of):
    case = case_of(LogisticRegression(class_weight="balanced"), drifted())
    with pytest.raises(NotTried, match="class weights"):
        case.lab.effects("prior-correction")
