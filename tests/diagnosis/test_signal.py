"""Areas under the curve and their tests."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from marginscope.diagnosis.signal import auc, forest_auc, permutation_test, rank_test


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=60))
def test_auc_is_that_of_sklearn_ties_included(rows):
    scores = np.array([s for s, _ in rows], dtype=float)
    positive = np.array([p for _, p in rows])
    if positive.all() or not positive.any():
        assert auc(scores, positive) == 0.5
    else:
        assert auc(scores, positive) == pytest.approx(roc_auc_score(positive, scores))


def test_auc_is_the_share_of_ordered_pairs():
    rng = np.random.default_rng(0)
    scores, positive = rng.integers(0, 6, 40).astype(float), rng.random(40) < 0.3
    pairs = [np.sign(a - b) / 2 + 0.5 for a in scores[positive] for b in scores[~positive]]
    assert auc(scores, positive) == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize("shift", [0.0, 0.4, -0.8])
def test_rank_test_is_that_of_scipy(shift):
    rng = np.random.default_rng(1)
    positive = rng.random(80) < 0.3
    scores = rng.standard_normal(80) + shift * positive
    ours = rank_test(scores, positive)
    theirs = mannwhitneyu(scores[positive], scores[~positive], alternative="greater")
    assert ours.p_value == pytest.approx(theirs.pvalue)
    assert ours.auc == pytest.approx(roc_auc_score(positive, scores))
    assert ours.null == ()


@pytest.mark.parametrize("value", [True, False])
def test_rank_test_of_one_side_only_says_nothing(value):
    test = rank_test(np.arange(4.0), np.full(4, value))
    assert (test.auc, test.p_value) == (0.5, 1.0)


def planted(rng, n=120, gap=0.0):
    positive = np.zeros(n, dtype=bool)
    positive[rng.permutation(n)[: n // 4]] = True
    X = rng.standard_normal((n, 3))
    X[positive, 0] += gap
    return X, positive


def test_forest_area_finds_signal_that_no_line_can():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, 3))
    positive = X[:, 0] * X[:, 1] > 0
    assert forest_auc(X, positive, 0) > 0.85


def test_forest_area_without_signal_is_about_one_half():
    areas = [forest_auc(*planted(np.random.default_rng(s), n=200), s) for s in range(5)]
    assert np.mean(areas) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("n", [2, 3, 4, 6])
def test_a_handful_of_rows_has_an_area_although_some_trees_leave_none_out(n):
    X = np.random.default_rng(n).standard_normal((n, 2))
    for seed in range(6):
        assert 0 <= forest_auc(X, np.arange(n) % 2 == 0, seed) <= 1


def test_forest_area_of_rows_that_are_all_equal_is_that_of_a_coin():
    positive = np.arange(40) % 3 == 0
    assert forest_auc(np.ones((40, 2)), positive, 0) == pytest.approx(0.5, abs=0.15)


def test_forest_area_repeats_with_its_seed():
    X, positive = planted(np.random.default_rng(3), gap=1.0)
    assert forest_auc(X, positive, 7) == forest_auc(X, positive, 7)


def run(X, positive, seed, n_permutations=39, enough=4):
    return permutation_test(X, positive, n_permutations=n_permutations, enough=enough, rng=np.random.default_rng(seed))


def test_signal_gets_the_smallest_p_value_there_is():
    X, positive = planted(np.random.default_rng(0), gap=2.5)
    test = run(X, positive, 0, n_permutations=19)
    assert test.p_value == pytest.approx(1 / 20)
    assert test.auc > 0.85
    assert len(test.null) == 19
    assert max(test.null) < test.auc


def test_sampling_ends_when_enough_permutations_are_as_good():
    X, positive = planted(np.random.default_rng(4))
    test = run(X, positive, 1, n_permutations=99, enough=2)
    as_good = sum(value >= test.auc for value in test.null)
    assert as_good == 2
    assert test.null[-1] >= test.auc
    assert test.p_value == pytest.approx(2 / len(test.null))


def p_values(n_runs):
    seeds = range(n_runs)
    return np.array(
        [run(*planted(np.random.default_rng(s), n=40), s, n_permutations=9, enough=3).p_value for s in seeds]
    )


def test_p_values_without_signal_are_seldom_small():
    p = p_values(6)
    assert (p <= 0.1).sum() <= 2
    assert p.mean() > 0.2


@pytest.mark.slow
def test_p_values_without_signal_are_roughly_uniform():
    """Besag and Clifford: the p-value is valid, P(p <= u) <= u, and not far below."""
    p = p_values(60)
    for u in (0.1, 0.3, 0.5, 0.75):
        assert (p <= u).mean() == pytest.approx(u, abs=0.2)


def test_permutation_test_repeats_with_its_generator():
    X, positive = planted(np.random.default_rng(5), gap=0.5)
    assert run(X, positive, 3, n_permutations=3) == run(X, positive, 3, n_permutations=3)


def test_a_permutation_test_can_be_ended_between_two_refits():
    X, positive = planted(np.random.default_rng(5), gap=0.5)
    calls = []

    def proceed():
        calls.append(1)
        if len(calls) == 3:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        permutation_test(X, positive, n_permutations=20, enough=20, rng=np.random.default_rng(0), proceed=proceed)
    assert len(calls) == 3
