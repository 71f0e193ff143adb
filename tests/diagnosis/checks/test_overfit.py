"""Learned on the training rows, lost out of sample, and a tighter model keeps it."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from marginscope.diagnosis.checks.overfit import Overfit
from marginscope.exceptions import CheckNotApplicable


@pytest.fixture(scope="module")
def noisy(blobs):
    """Clouds that are easy to tell, with four labels in ten drawn at random."""
    rng = np.random.default_rng(3)
    clean = blobs([150, 150, 150], [[0, 0], [6, 0], [0, 6]], test=2.0)

    def blur(y):
        drawn = rng.random(y.size) < 0.4
        return np.where(drawn, rng.choice(np.unique(y), y.size), y)

    return replace(clean, y=blur(clean.y), y_test=blur(clean.y_test))


@pytest.fixture(scope="module")
def wide(blobs):
    """As many features as rows, three of which know the class."""
    return blobs([60, 60, 60], np.pad(3.0 * np.eye(3), ((0, 0), (0, 174))))


MODELS = {
    "tree": (DecisionTreeClassifier(random_state=0), "noisy"),
    "neighbours": (KNeighborsClassifier(1), "noisy"),
    "ridge": (RidgeClassifier(alpha=1e-3), "wide"),
}


@pytest.mark.parametrize(("model", "where"), MODELS.values(), ids=MODELS)
def test_fires_for_models_that_learn_by_heart(model, where, case_of, examine, request):
    found = examine(Overfit(), case_of(model, request.getfixturevalue(where)))
    assert found.status == "issue"
    assert len(found.classes) == 3
    assert set(found.remedies) <= {"stronger-penalty", "smaller-model", "early-stopping"}


def test_it_is_the_first_cause(noisy):
    found = noisy.diagnose(DecisionTreeClassifier(random_state=0))
    assert {one.cause for one in found.classes} == {"overfit"}


def test_the_gap_is_that_of_the_two_recalls(noisy, case_of, examine):
    tree = DecisionTreeClassifier(random_state=0)
    found = examine(Overfit(), case_of(tree, noisy))
    tree.fit(noisy.X, noisy.y)
    right = tree.predict(noisy.X_test) == noisy.y_test
    for row in found.evidence:
        if row.name.startswith("recall of"):
            name = row.name.split("'")[1]
            assert row.value == pytest.approx(1.0 - right[noisy.y_test == name].mean())


def test_stays_silent_for_a_pruned_tree(noisy, case_of, examine):
    case = case_of(DecisionTreeClassifier(min_samples_leaf=20, random_state=0), noisy)
    found = examine(Overfit(), case)
    assert found.status == "passed"
    assert case.lab.tried() == {}


def test_a_gap_alone_is_no_finding(mute, case_of, examine):
    """A forest remembers rows of a class that nothing tells; no smaller forest learns it."""
    case = case_of(RandomForestClassifier(20, random_state=0), mute)
    train = case.lab.base.train_recall[case.names.index("fox")]
    assert train > 0.8
    assert "fox" not in examine(Overfit(), case).classes


def test_a_model_without_room_to_turn_has_nothing_to_say(case_of, examine, wide):
    case = case_of(GaussianNB(), wide)
    with pytest.raises(CheckNotApplicable, match="penalty"):
        examine(Overfit(gap=-1.0, trained=0.0, learned=1.1), case)


def test_given_predictions_have_no_training_recall(given_case, examine):
    with pytest.raises(CheckNotApplicable, match="training rows"):
        examine(Overfit(), given_case)
