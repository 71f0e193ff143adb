"""Splits: who trains, who is scored, and how often."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginscope.diagnosis.folds import cross_validation, single_split, stratified_subsample


def codes_of(sizes, seed=0):
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))


def times_scored(design):
    """Number of splits that score each row, per repeat."""
    times = np.zeros((design.n_repeats, design.n_rows), dtype=int)
    for split in design.splits:
        times[split.repeat, split.test] += 1
    return times


def make(codes, n_splits=5, n_repeats=1, seed=0):
    return cross_validation(codes, n_splits=n_splits, n_repeats=n_repeats, rng=np.random.default_rng(seed))


@given(st.lists(st.integers(1, 12), min_size=2, max_size=6), st.integers(2, 6), st.integers(1, 3), st.integers(0, 99))
def test_every_row_of_a_class_of_two_and_more_is_scored_once_in_every_repeat(sizes, n_splits, n_repeats, seed):
    codes = codes_of(sizes, seed)
    times = times_scored(make(codes, n_splits, n_repeats, seed))
    assert np.array_equal(times, np.tile(np.bincount(codes)[codes] > 1, (n_repeats, 1)))


@given(st.lists(st.integers(1, 12), min_size=2, max_size=6), st.integers(2, 6), st.integers(0, 99))
def test_no_row_trains_and_is_scored_and_none_is_left_out(sizes, n_splits, seed):
    codes = codes_of(sizes, seed)
    for split in make(codes, n_splits, 2, seed).splits:
        assert np.array_equal(np.union1d(split.train, split.test), np.arange(codes.size))
        assert np.intersect1d(split.train, split.test).size == 0


@pytest.mark.parametrize("rows", [1, 2, 3, 4])
def test_small_classes_train_in_every_split(rows):
    codes = codes_of([40, rows])
    for split in make(codes).splits:
        assert (codes[split.train] == 1).any()
        assert (codes[split.test] == 1).sum() <= 1


def test_a_class_of_one_row_always_trains_and_is_never_scored():
    codes = codes_of([20, 1])
    design = make(codes, n_repeats=3)
    assert not design.scored[codes == 1].any()
    assert design.scored[codes == 0].all()
    assert all((codes[split.train] == 1).sum() == 1 for split in design.splits)


@given(st.lists(st.integers(2, 40), min_size=2, max_size=6), st.integers(2, 6), st.integers(0, 99))
def test_folds_are_stratified(sizes, n_splits, seed):
    codes = codes_of(sizes, seed)
    dealt = np.zeros((n_splits, len(sizes)), dtype=int)
    for k, split in enumerate(make(codes, n_splits, 1, seed).splits):
        dealt[k] = np.bincount(codes[split.test], minlength=len(sizes))
    assert (dealt.max(axis=0) - dealt.min(axis=0)).max() <= 1
    assert dealt.sum(axis=1).max() - dealt.sum(axis=1).min() <= 1


def test_repeats_are_dealt_anew():
    design = make(codes_of([30, 30]), n_repeats=2)
    tests = [{tuple(split.test) for split in design.splits if split.repeat == r} for r in (0, 1)]
    assert len(tests[0]) == len(tests[1]) == 5
    assert not tests[0] & tests[1]


def test_the_same_seed_deals_the_same_folds_and_another_seed_others():
    codes = codes_of([30, 12, 5])
    one, again, other = (make(codes, 5, 2, seed) for seed in (3, 3, 4))
    assert all(np.array_equal(a.test, b.test) for a, b in zip(one.splits, again.splits, strict=True))
    assert any(not np.array_equal(a.test, b.test) for a, b in zip(one.splits, other.splits, strict=True))


def test_the_sentence_says_what_was_done():
    assert make(codes_of([20, 20]), 4, 3).sentence == "4-fold stratified cross-validation, 3 times"


def test_single_split_trains_on_the_first_rows_and_scores_the_others():
    design = single_split(7, 3)
    (split,) = design.splits
    assert split.train.tolist() == list(range(7))
    assert split.test.tolist() == [7, 8, 9]
    assert design.scored.tolist() == [False] * 7 + [True] * 3
    assert design.n_repeats == 1


def test_a_subsample_of_all_rows_is_all_rows():
    codes = codes_of([30, 3])
    rows = stratified_subsample(codes, 33, least=5, rng=np.random.default_rng(0))
    assert np.array_equal(rows, np.arange(33))


@given(st.lists(st.integers(1, 300), min_size=2, max_size=6), st.integers(1, 400), st.integers(1, 40))
def test_a_subsample_keeps_every_class_and_the_shares(sizes, n_rows, least):
    codes = codes_of(sizes)
    rows = stratified_subsample(codes, n_rows, least=least, rng=np.random.default_rng(0))
    assert np.all(np.diff(rows) > 0)
    kept = np.bincount(codes[rows], minlength=len(sizes))
    if codes.size <= n_rows:
        assert np.array_equal(rows, np.arange(codes.size))
        return
    for size, k in zip(sizes, kept, strict=True):
        wanted = round(n_rows / codes.size * size)
        assert k == min(size, max(least, wanted))


def test_a_subsample_repeats_with_its_seed():
    codes = codes_of([300, 200])
    drawn = [stratified_subsample(codes, 90, least=10, rng=np.random.default_rng(s)) for s in (1, 1, 2)]
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])
