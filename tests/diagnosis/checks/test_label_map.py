"""Labels that are not what they seem."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

import marginscope as ms
from marginscope.diagnosis.case import BudgetSpent
from marginscope.diagnosis.checks.label_map import LabelMap

CENTRES = [[0, 0, 0], [6, 0, 0], [0, 6, 0]]
CHECK = LabelMap(n_permutations=19)


@pytest.fixture(scope="module")
def respelt(blobs):
    """A third of the rows of one cloud go by another spelling."""

    def make(commoner, rarer, sizes=(50, 50, 90), share=0.33, test=1.0):
        problem = blobs(list(sizes), CENTRES, names=("Owl", "Dog", commoner), test=test)
        rng = np.random.default_rng(1)

        def rename(y):
            if y is None:
                return None
            y = y.astype("U30")
            y[(y == commoner) & (rng.random(y.size) < share)] = rarer
            return y

        return replace(problem, y=rename(problem.y), y_test=rename(problem.y_test))

    return make


@pytest.fixture(scope="module")
def two_letters(blobs):
    """An alphabet that uses case: the two names are two clouds."""
    return blobs([50, 40, 40], CENTRES, names=("owl", "hid", "hId"))


@pytest.mark.parametrize("model", [LogisticRegression(), KNeighborsClassifier(9)], ids=["logistic", "neighbours"])
def test_fires_for_two_spellings_of_one_class(model, respelt, case_of, examine):
    found = examine(CHECK, case_of(model, respelt("Cat", "cat ")))
    assert found.status == "issue"
    assert set(found.classes) == {"Cat", "cat "}
    assert found.remedies == ("merge-labels",)
    assert any(one.is_proof and one.label == "cat " for one in found.counterfactuals)


@pytest.mark.parametrize(("commoner", "rarer"), [("Café", "CafÃ©"), ("1", "1.0"), ("Radiator Flow", "Rad Flow")])
def test_fires_for_every_kind_of_difference(commoner, rarer, respelt, case_of, examine):
    found = examine(CHECK, case_of(LogisticRegression(), respelt(commoner, rarer)))
    assert found.status == "issue"
    assert set(found.classes) == {commoner, rarer}


def test_it_is_the_first_cause_and_its_merger_the_remedy(respelt):
    found = respelt("Cat", "cat ").diagnose(LogisticRegression())
    assert found["cat "].cause == "label-map"
    assert found["Owl"].verdict == found["Dog"].verdict == "healthy"
    ledger = found.remedy("cat ")
    assert ledger.winner == "merge-labels"
    assert "cat " not in set(ledger.best_estimator_.classes_.tolist())


def test_names_that_a_learner_tells_apart_are_a_tip_and_no_cause(two_letters, case_of, examine):
    case = case_of(LogisticRegression(), two_letters)
    found = examine(CHECK, case)
    assert found.status == "tip"
    assert set(found.classes) == {"hid", "hId"}
    assert not case.merges


def test_the_area_that_counts_as_apart_is_a_threshold(two_letters, case_of, examine):
    case = case_of(LogisticRegression(), two_letters)
    assert examine(replace(CHECK, told_apart=1.01, n_permutations=3), case).status == "issue"


def test_the_level_that_counts_as_apart_is_a_threshold(two_letters, case_of, examine):
    case = case_of(LogisticRegression(), two_letters)
    assert examine(replace(CHECK, level=0.01), case).status == "issue", "p cannot be below 1 / 20"


def test_stays_silent_for_names_that_differ(healthy_case, examine):
    found = examine(CHECK, healthy_case)
    assert found.status == "passed"
    assert found.classes == ()


def moved(problem, step):
    return replace(problem, y=np.roll(problem.y, step), X_test=None, y_test=None)


@pytest.mark.parametrize("step", [1, -1])
def test_fires_for_a_column_that_is_shifted_by_one_row(step, healthy, case_of, examine):
    found = examine(CHECK, case_of(LogisticRegression(), moved(healthy, step), cv=3))
    assert found.status == "issue"
    assert "shifted" in found.sentence
    assert ("the row before" if step == 1 else "the row after") in found.sentence
    assert set(found.classes) <= {"ant", "bee", "cow"}


def test_a_shifted_column_is_the_first_cause(healthy):
    found = moved(healthy, 1).diagnose(LogisticRegression(), cv=3, checks=["label-map", "low-capacity", "imbalance"])
    poor = [one for one in found.classes if one.verdict != "healthy"]
    assert poor
    assert {one.cause for one in poor} == {"label-map"}


def test_a_column_in_blocks_is_not_called_shifted(healthy, case_of, examine):
    """Sorted rows: labels moved by one row are nearly right too."""
    order = np.argsort(healthy.y)
    sorted_rows = replace(healthy, X=healthy.X[order], y=healthy.y[order], X_test=None, y_test=None)
    case = case_of(LogisticRegression(C=1e-6), sorted_rows, cv=3)
    assert case.poor
    assert examine(CHECK, case).status == "passed"


def test_the_gain_that_counts_as_shifted_is_a_threshold(healthy, case_of, examine):
    case = case_of(LogisticRegression(), moved(healthy, 1), cv=3)
    assert examine(replace(CHECK, shift_gain=1.0), case).status == "passed"


@pytest.fixture(scope="module")
def restarted(blobs):
    """Six clouds in two files of three, each numbered from 0."""
    centres = np.vstack([8 * np.eye(3), -8 * np.eye(3)])
    rng = np.random.default_rng(0)
    X = np.repeat(centres, 20, axis=0) + rng.standard_normal((120, 3))
    return X, np.tile(np.repeat([0, 1, 2], 20), 2)


def test_fires_for_ids_that_begin_again(restarted, healthy, case_of, examine):
    X, y = restarted
    found = examine(CHECK, case_of(LogisticRegression(), replace(healthy, X=X, y=y, X_test=None, y_test=None), cv=3))
    assert found.status == "issue"
    assert "restart at row 60" in found.sentence
    assert found.classes == ("0", "1", "2")


def test_two_blocks_of_the_same_classes_are_no_restart(restarted, healthy, case_of, examine):
    X, y = restarted
    same = np.vstack([X[:60], X[:60] + 0.1])
    case = case_of(LogisticRegression(), replace(healthy, X=same, y=y, X_test=None, y_test=None), cv=3)
    assert examine(CHECK, case).status == "passed"


def test_the_area_of_a_restart_is_a_threshold(restarted, healthy, case_of, examine):
    X, y = restarted
    case = case_of(LogisticRegression(), replace(healthy, X=X, y=y, X_test=None, y_test=None), cv=3)
    assert examine(replace(CHECK, restart_auc=1.01, shift_gain=1.0), case).status == "passed"


@pytest.mark.parametrize("offset", [1, -1])
def test_fires_for_test_ids_that_are_off_by_one(offset, healthy, case_of, examine):
    ids = {"ant": 3, "bee": 4, "cow": 5}
    problem = healthy.mapped(ids)
    problem = replace(problem, y_test=problem.y_test + offset)
    found = examine(CHECK, case_of(LogisticRegression(), problem))
    assert found.status == "issue"
    assert f"off by {-offset:+d}" in found.sentence
    assert set(found.classes) == {str(one) for one in set(problem.y_test.tolist())}


def test_test_ids_in_step_are_silent(healthy, case_of, examine):
    case = case_of(LogisticRegression(), healthy.mapped({"ant": 3, "bee": 4, "cow": 5}))
    assert examine(CHECK, case).status == "passed"


def test_the_share_of_an_offset_is_a_threshold(healthy, case_of, examine):
    problem = healthy.mapped({"ant": 3, "bee": 4, "cow": 5})
    case = case_of(LogisticRegression(), replace(problem, y_test=problem.y_test + 1))
    assert examine(replace(CHECK, offset_share=1.01), case).status == "passed"


def test_it_looks_at_predictions_too(respelt, case_of, examine):
    problem = respelt("Cat", "cat ")
    model = ms.Predictions(np.where(problem.y_test == "cat ", "Cat", problem.y_test))
    found = examine(CHECK, case_of(model, problem))
    assert found.status == "issue"
    assert set(found.classes) == {"Cat", "cat "}


def test_dat027_near_equal_labels_are_kept_distinct(respelt):
    found = respelt("Cat", "cat ").diagnose(LogisticRegression(), checks=["class-absent"])
    assert {"Cat", "cat "} <= {one.label for one in found.classes}


def test_the_budget_is_asked_before_every_refit(respelt, case_of, examine):
    case = case_of(LogisticRegression(), respelt("Cat", "cat "))
    case.lab.deadline = 0.0
    with pytest.raises(BudgetSpent, match="spelling 'cat '"):
        examine(CHECK, case)
