"""Data too large for counterfactuals on all rows: a stated subsample, and recall on all rows all the same."""

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

import marginscope as ms

CHECKS = ["class-absent", "few-rows", "imbalance", "conflicting-labels"]


@pytest.fixture(scope="module")
def large(blobs):
    return blobs([6000, 3500, 40], [[0, 0], [5, 0], [0, 2]], test=0.5)


@pytest.fixture(scope="module")
def case(case_of, large):
    return case_of(GaussianNB(), large.without_test(), cv=3)


def test_counterfactuals_use_a_subsample_that_keeps_small_classes(case, large):
    lab = case.lab
    assert lab.rows.size < large.y.size
    assert np.array_equal(lab.raw.codes, case.subject.codes[lab.rows])
    kept = np.bincount(lab.raw.codes)
    assert kept[2] >= 30
    assert kept[0] / kept[1] == pytest.approx(6000 / 3500, rel=0.01)
    assert lab.raw.take(np.arange(5)) == pytest.approx(large.X[lab.rows[:5]])
    assert lab.design.n_rows == lab.rows.size


def test_recall_is_measured_on_all_rows(case, large):
    assert case.scores.n_scored.tolist() == [6000, 3500, 40]
    assert case.scores.confusion.sum() == pytest.approx(large.y.size)


@pytest.mark.parametrize("test_rows", [True, False])
def test_the_subsample_is_said(test_rows, large):
    problem = large if test_rows else large.without_test()
    found = problem.diagnose(GaussianNB(), cv=3, checks=CHECKS)
    (note,) = [one for one in found.notes if "subsample" in one]
    assert "of 9,540 rows" in note or f"of {9540 + large.y_test.size:,} rows" in note
    assert found.data.rows == 9540
    assert found["cow"].rows == 40
    assert not [one.sentence for one in found.findings if one.status == "errored"]


def test_recall_on_test_rows_is_that_of_a_fit_on_all_training_rows(large):
    found = large.diagnose(GaussianNB(), checks=CHECKS[:2])
    guess = GaussianNB().fit(large.X, large.y).predict(large.X_test)
    for one in found.classes:
        assert one.recall == pytest.approx(np.mean(guess[large.y_test == one.label] == one.label), abs=0.01)


def test_given_answers_are_matched_to_the_rows_of_the_subsample(large):
    guess = GaussianNB().fit(large.X, large.y).predict(large.X)
    found = ms.diagnose(ms.Predictions(guess), large.X, large.y, cv=3, checks=CHECKS)
    for one in found.classes:
        assert one.recall == pytest.approx(np.mean(guess[large.y == one.label] == one.label))


def test_the_seed_draws_the_subsample(large):
    one, two = (large.diagnose(GaussianNB(), checks=CHECKS[:3], rng=4).to_json() for _ in range(2))
    assert one == two
