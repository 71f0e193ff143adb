"""Folds, splitters and pairs of indices through ``diagnose(cv=...)``."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    KFold,
    PredefinedSplit,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedKFold,
    StratifiedShuffleSplit,
    cross_val_predict,
)

import marginscope as ms
from marginscope.diagnosis.given_splits import given_splits
from marginscope.diagnosis.trials import Subject
from marginscope.exceptions import DataError, MarginscopeError, UsageError

FREE = ["class-absent", "few-rows"]


@pytest.fixture(scope="module")
def rows(blobs):
    problem = blobs([40, 30, 20], [[0, 0], [2, 0], [0, 2]], test=0)
    return problem.X, problem.y


def diagnose(rows, cv, checks=FREE):
    return ms.diagnose(LogisticRegression(), *rows, cv=cv, checks=checks)


SPLITTERS = {
    "stratified": StratifiedKFold(3),
    "plain": KFold(4, shuffle=True, random_state=0),
    "predefined": PredefinedSplit(np.arange(90) % 3),
    "pairs": [(np.arange(45), np.arange(45, 90)), (np.arange(45, 90), np.arange(45))],
    "lists": [(list(range(45)), list(range(45, 90)))],
}


@pytest.mark.parametrize("name", SPLITTERS)
def test_recall_is_that_of_sklearn_on_the_same_splits(name, rows):
    X, y = rows
    cv = SPLITTERS[name]
    pairs = list(cv.split(X, y)) if hasattr(cv, "split") else cv
    hits, total = dict.fromkeys("abc", 0), dict.fromkeys("abc", 0)
    for train, test in pairs:
        guess = LogisticRegression().fit(X[train], y[train]).predict(X[test])
        for label, right in zip(y[test], guess == y[test], strict=True):
            hits[label[0]] += right
            total[label[0]] += 1
    found = diagnose(rows, cv)
    for one in found.classes:
        assert one.recall == pytest.approx(hits[one.label[0]] / total[one.label[0]])


def test_a_generator_of_pairs_is_read_once(rows):
    X, y = rows
    found = diagnose(rows, StratifiedKFold(3).split(X, y))
    expected = cross_val_predict(LogisticRegression(), X, y, cv=StratifiedKFold(3))
    for one in found.classes:
        assert one.recall == pytest.approx(np.mean(expected[y == one.label] == one.label))


def test_repeated_splits_average_per_row(rows):
    found = diagnose(rows, RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0))
    assert all(one.recall_interval[0] <= one.recall <= one.recall_interval[1] for one in found.classes)


@pytest.mark.parametrize("cls", [ShuffleSplit, StratifiedShuffleSplit])
def test_splits_that_score_rows_unequally_often_keep_recall_and_interval_together(cls, rows):
    found = diagnose(rows, cls(8, test_size=0.2, random_state=0))
    for one in found.classes:
        low, high = one.recall_interval
        assert low <= one.recall <= high


def test_no_answer_is_lost_where_test_sets_overlap_unevenly(rows):
    """A row that several splits score counts with the mean of all its answers."""
    X, y = rows
    pairs = list(ShuffleSplit(25, test_size=0.1, random_state=0).split(X))
    answers = {}
    for train, test in pairs:
        guess = LogisticRegression().fit(X[train], y[train]).predict(X[test])
        for row, right in zip(test.tolist(), guess == y[test], strict=True):
            answers.setdefault(row, []).append(right)
    found = diagnose(rows, pairs)
    for one in found.classes:
        means = [np.mean(right) for row, right in answers.items() if y[row] == one.label]
        assert one.recall == pytest.approx(np.mean(means))


def test_within_a_repeat_every_row_is_scored_at_most_once(rows):
    X, y = rows
    test_sets = [[0, 1], [1, 2], [2, 4], [2, 5]]
    pairs = [(np.setdiff1d(np.arange(90), test), np.array(test)) for test in test_sets]
    subject = Subject((X,), np.unique(y, return_inverse=True)[1], np.unique(y), 90)
    design = given_splits(pairs, subject)
    scored = np.zeros((design.n_repeats, 90), dtype=int)
    for split in design.splits:
        scored[split.repeat, split.test] += 1
    assert scored.max() == 1
    assert scored.sum(axis=0)[:6].tolist() == [1, 2, 3, 0, 1, 1]


def test_the_users_splits_are_said(rows):
    found = diagnose(rows, KFold(4))
    assert any("4 given splits" in note for note in found.notes)


@pytest.mark.parametrize("n", [2, 3, np.int64(3)])
def test_a_number_of_folds(n, rows):
    assert len(diagnose(rows, n).classes) == 3


def test_more_folds_than_rows_of_a_class_are_coped_with(blobs):
    problem = blobs([30, 20, 3], [[0, 0], [4, 0], [0, 9]], test=0)
    found = problem.diagnose(LogisticRegression(), cv=10, checks=FREE)
    assert found["cow"].recall is not None


def test_dat015_a_stratified_split_that_cannot_deal_a_class_of_one_row_says_which(rows):
    X, y = rows
    X, y = np.vstack([X, [[9.0, 9.0]]]), np.append(y, "elk")
    with pytest.raises(ValueError, match="elk"):
        diagnose((X, y), StratifiedShuffleSplit(3, random_state=0))


def test_splits_that_share_rows_are_refused(rows):
    with pytest.raises(DataError, match="apart"):
        diagnose(rows, [(np.arange(50), np.arange(40, 90))])


def test_rows_counted_from_the_end_are_the_same_rows(rows):
    """Row -90 is row 0: a split that trains and scores it under two numbers is refused, one way or the other."""
    with pytest.raises(DataError):
        diagnose(rows, [(np.arange(-90, -40), np.arange(50))])


def test_masks_are_read_as_masks_or_refused_as_such(rows):
    mask = np.arange(90) < 45
    try:
        said: object = recall_counts(diagnose(rows, [(mask, ~mask)]))
    except MarginscopeError as error:
        said = "mask" in str(error) or "bool" in str(error)
    assert said in (True, recall_counts(diagnose(rows, [(np.arange(45), np.arange(45, 90))])))


def recall_counts(found):
    return {one.label: one.recall for one in found.classes}


@pytest.mark.parametrize(
    "cv",
    [
        0,
        1,
        -1,
        True,
        2.5,
        "five",
        [],
        [(np.arange(45),)],
        [(np.arange(45), np.arange(45, 300))],
        [(np.arange(45), [])],
        [([], np.arange(45))],
        [(np.arange(45), ["a", "b"])],
    ],
    ids=[
        "0",
        "1",
        "-1",
        "True",
        "2.5",
        "text",
        "no pairs",
        "one part",
        "beyond the rows",
        "nothing to score",
        "nothing to train",
        "no numbers",
    ],
)
def test_what_cannot_be_a_split_is_refused_in_a_sentence(cv, rows):
    with pytest.raises((UsageError, DataError)) as caught:
        diagnose(rows, cv)
    assert len(str(caught.value)) > 20


def test_a_splitter_that_fails_is_an_error_of_usage(rows):
    from sklearn.model_selection import GroupKFold

    with pytest.raises(MarginscopeError, match="groups"):
        diagnose(rows, GroupKFold(3))


def test_a_training_set_without_a_class_makes_no_fault(rows):
    is_cow = rows[1] == "cow"
    found = diagnose(rows, [(np.flatnonzero(~is_cow), np.flatnonzero(is_cow))])
    assert found["cow"].recall == 0.0
    assert found["ant"].recall is None


def test_interventions_use_the_given_splits_too(rows):
    X, y = rows
    pairs = [(np.arange(60), np.arange(60, 90))]
    found = diagnose((X, y), pairs, checks=["over-regularised", "imbalance"])
    ledger = found.remedy("cow")
    tried = [one for one in ledger.trials if one.outcome == "tried"]
    assert tried
    assert ledger.base_recall["cow"] == pytest.approx(found["cow"].recall)


def test_test_rows_go_before_folds(blobs):
    problem = blobs([40, 30, 20], [[0, 0], [2, 0], [0, 2]], test=1)
    one, two = (problem.diagnose(LogisticRegression(), cv=cv, checks=FREE) for cv in (2, 7))
    assert one.to_dict()["classes"] == two.to_dict()["classes"]
    assert replace(problem, X_test=None, y_test=None).diagnose(LogisticRegression(), cv=2, checks=FREE) != one
