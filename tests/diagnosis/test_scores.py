"""Recall, precision, rivals and chance of every class."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom
from sklearn.metrics import confusion_matrix, precision_score, recall_score

from marginscope.diagnosis.intervals import wilson_interval
from marginscope.diagnosis.scores import score_classes, whole_counts
from marginscope.diagnosis.trials import Trial


def trial(*repeats):
    predicted = np.array(repeats, dtype=np.int16)
    return Trial("made up", predicted, None, np.full(8, np.nan), 0.0)


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 4, 200)
    guess = np.where(rng.random(200) < 0.5, codes, rng.integers(0, 4, 200))
    return codes, guess, score_classes(trial(guess), codes, 4)


def test_recall_and_precision_are_those_of_sklearn(drawn):
    codes, guess, scores = drawn
    assert scores.recall == pytest.approx(recall_score(codes, guess, average=None))
    assert scores.precision == pytest.approx(precision_score(codes, guess, average=None))
    assert np.array_equal(scores.confusion, confusion_matrix(codes, guess))
    assert scores.n_scored.tolist() == np.bincount(codes).tolist()


def test_the_rival_is_the_class_that_gets_most_of_the_errors(drawn):
    codes, guess, scores = drawn
    for k in range(4):
        wrong = guess[(codes == k) & (guess != k)]
        assert scores.rival[k] == np.bincount(wrong, minlength=4).argmax()


def test_intervals_are_wilsons_on_the_scored_rows(drawn):
    codes, guess, scores = drawn
    for k in range(4):
        own = codes == k
        assert scores.interval[k] == pytest.approx(wilson_interval((guess[own] == k).sum(), own.sum()))


def test_chance_is_the_p_value_of_permuted_labels(drawn):
    codes, guess, scores = drawn
    for k in range(4):
        hits = ((codes == k) & (guess == k)).sum()
        expected = hypergeom.sf(hits - 1, codes.size, (codes == k).sum(), (guess == k).sum())
        assert scores.chance[k] == pytest.approx(expected)


def test_chance_agrees_with_really_permuted_labels():
    rng = np.random.default_rng(2)
    codes = np.repeat([0, 1], [40, 10])
    guess = np.where(rng.random(50) < 0.3, codes, rng.integers(0, 2, 50))
    scores = score_classes(trial(guess), codes, 2)
    hits = ((codes == 1) & (guess == 1)).sum()
    permuted = [(rng.permutation(codes) == 1)[guess == 1].sum() for _ in range(8000)]
    assert scores.chance[1] == pytest.approx(np.mean(np.array(permuted) >= hits), abs=0.02)


def test_num015_what_does_not_exist_is_nan_and_not_zero():
    codes = np.array([0, 0, 1, 1, 2])
    scores = score_classes(trial([0, 0, 0, 0, -1]), codes, 3)
    assert scores.recall == pytest.approx([1.0, 0.0, np.nan], nan_ok=True)
    assert scores.precision == pytest.approx([0.5, np.nan, np.nan], nan_ok=True)
    assert scores.n_scored.tolist() == [2, 2, 0]
    assert np.isnan(scores.chance[2])
    assert scores.rival.tolist() == [-1, 0, -1]


def test_equal_repeats_are_as_good_as_one():
    codes = np.array([0, 0, 1, 1, 1])
    answers = [0, 1, 1, 1, 0]
    one, two = score_classes(trial(answers), codes, 2), score_classes(trial(answers, answers), codes, 2)
    assert one.recall.tolist() == two.recall.tolist()
    assert one.interval == two.interval
    assert np.array_equal(one.confusion, two.confusion)


def test_rows_scored_in_some_repeats_only_keep_the_interval_around_the_recall():
    codes = np.repeat([0, 1], 20)
    rng = np.random.default_rng(0)
    predicted = np.full((4, 40), -1)
    for repeat in range(4):
        rows = rng.permutation(40)[:12]
        predicted[repeat, rows] = codes[rows]
    scores = score_classes(trial(*predicted), codes, 2)
    for k in range(2):
        low, high = scores.interval[k]
        assert low <= scores.recall[k] <= high
        assert scores.interval[k] == pytest.approx(wilson_interval(scores.n_scored[k], scores.n_scored[k]))


@given(st.lists(st.lists(st.integers(0, 9), min_size=4, max_size=4), min_size=4, max_size=4), st.integers(1, 4))
def test_whole_counts_keep_the_rows_of_every_class_and_are_next_to_the_means(counts, repeats):
    """Counts over repeats: every row of the table is a mean whose sum is whole."""
    table = np.array(counts)
    table[:, 0] += -table.sum(axis=1) % repeats
    means = table / repeats
    whole = whole_counts(means)
    assert whole.sum(axis=1).tolist() == np.rint(means.sum(axis=1)).tolist()
    assert (np.abs(whole - means) < 1).all()
    if repeats == 1:
        assert np.array_equal(whole, table)


def test_the_largest_remainders_are_rounded_up_and_the_largest_count_first():
    assert whole_counts(np.array([[4 / 3, 1 / 3, 7 / 3]])).tolist() == [[1, 0, 3]]
    assert whole_counts(np.array([[1.5, 2.5, 0.0]])).tolist() == [[1, 3, 0]]
