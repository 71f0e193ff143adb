"""What an intervention does, against plain loops over rows and repeats."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginscope.diagnosis.effects import called_rate, compare, recall_of, with_placebo
from marginscope.diagnosis.intervals import Z95, paired_interval
from marginscope.diagnosis.trials import Trial, merge_codes, trial_of_predictions


def trial(name, predicted, n_classes):
    return Trial(name, predicted.astype(np.int16), None, np.full(n_classes, np.nan), 0.0)


def draw(seed, n_classes=4, n_rows=40, n_repeats=2, unscored=0.15):
    """True codes and two sets of answers that agree often; some rows are scored by neither."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, n_classes, n_rows)
    scored = rng.random(n_rows) > unscored
    answers = []
    for _ in range(2):
        guess = np.where(rng.random((n_repeats, n_rows)) < 0.6, codes, rng.integers(0, n_classes, (n_repeats, n_rows)))
        answers.append(trial("made up", np.where(scored, guess, -1), n_classes))
    return codes, *answers


def row_share(one, codes, i):
    """Share of repeats that got row i right, None if no repeat scores it."""
    answers = [p[i] for p in one.predicted if p[i] >= 0]
    return None if not answers else sum(a == codes[i] for a in answers) / len(answers)


def loop_lift(base, other, codes, target, k):
    before = [row_share(base, codes, i) for i in range(codes.size)]
    after = [row_share(other, target, i) for i in range(codes.size)]
    return [b - a for i, (a, b) in enumerate(zip(before, after, strict=True)) if codes[i] == k and a is not None]


def loop_cost(base, other, codes, target, k):
    """Recall that rivals lose to k, less what they win back from it; one number per rival."""
    n_repeats = base.predicted.shape[0]
    per_rival = {}
    for rival in set(codes.tolist()):
        moved = []
        for i in np.flatnonzero(codes == rival):
            if base.predicted[0, i] < 0:
                continue
            net = 0
            for r in range(n_repeats):
                before, after = base.predicted[r, i], other.predicted[r, i]
                net += before == codes[i] and after == k and target[i] != k
                net -= before == k and after == target[i] and codes[i] != k
            moved.append(net / n_repeats)
        per_rival[rival] = np.array(moved)
    return per_rival


@pytest.mark.parametrize("merges", [None, {3: 0}, {1: 2}])
@pytest.mark.parametrize("seed", range(6))
def test_compare_is_the_plain_loop(seed, merges):
    codes, base, other = draw(seed)
    target = merge_codes(codes, merges)
    effect = compare(base, other, codes, 4, z_simultaneous=3.0, merges=merges)
    lifts = []
    for k in range(4):
        d = np.array(loop_lift(base, other, codes, target, k))
        rivals = loop_cost(base, other, codes, target, k)
        cost = max(0.0, sum(m.mean() for m in rivals.values() if m.size))
        rivals_variance = sum(m.var() / m.size for m in rivals.values() if m.size)
        missing = 1 - np.mean(
            [row_share(base, codes, i) for i in np.flatnonzero(codes == k) if base.predicted[0, i] >= 0]
        )
        assert effect.lift[k] == pytest.approx(d.mean())
        assert (effect.low[k], effect.high[k]) == pytest.approx(paired_interval(d))
        assert effect.low_simultaneous[k] == pytest.approx(paired_interval(d, 3.0)[0])
        assert effect.cost[k] == pytest.approx(cost)
        # Which rivals blur the net gain is the engine's choice; no more than all of them, no less than none.
        own = d.var() / d.size
        assert effect.net_low[k] <= d.mean() - cost - Z95 * np.sqrt(own) + 1e-12
        assert effect.net_low[k] >= d.mean() - cost - Z95 * np.sqrt(own + rivals_variance) - 1e-12
        assert effect.repair[k] == pytest.approx(d.mean() / max(missing, 0.02))
        lifts.append(d)
    means = np.array([d.mean() for d in lifts])
    assert effect.balanced == pytest.approx(means.mean())
    # Four classes: half a row for better and half a row for worse in each.
    doubled = [np.concatenate([np.repeat(d, 2), [1.0, -1.0]]) for d in lifts]
    variance = sum(d.var() / (d.size / 2) for d in doubled) / 16
    centre = np.mean([d.mean() for d in doubled])
    assert effect.balanced_interval == pytest.approx((centre - Z95 * variance**0.5, centre + Z95 * variance**0.5))
    assert effect.balanced_error == pytest.approx(np.sqrt(sum(d.var() / d.size for d in lifts)) / 4)


def test_a_class_without_scored_rows_has_no_lift_and_does_not_count():
    codes = np.array([0, 0, 1, 1, 2])
    base = trial("a", np.array([[0, 1, 0, 1, -1]]), 3)
    other = trial("b", np.array([[0, 0, 1, 1, -1]]), 3)
    effect = compare(base, other, codes, 3, z_simultaneous=3.0)
    assert np.isnan(effect.lift[2])
    assert np.isnan(effect.low[2])
    assert effect.balanced == pytest.approx(0.5)


@given(st.integers(0, 10**6))
@settings(max_examples=60)
def test_comparing_a_trial_with_itself_changes_nothing(seed):
    codes, base, _ = draw(seed)
    effect = compare(base, base, codes, 4, z_simultaneous=3.0)
    assert np.nansum(np.abs(effect.lift)) == 0
    assert effect.cost.sum() == 0
    assert effect.balanced == 0
    assert effect.balanced_error == 0
    low, high = effect.balanced_interval
    assert -low == pytest.approx(high)
    assert high > 0


@given(st.integers(0, 10**6))
@settings(max_examples=60)
def test_the_way_back_undoes_the_lift(seed):
    codes, base, other = draw(seed)
    there, back = (compare(*pair, codes, 4, z_simultaneous=3.0) for pair in ((base, other), (other, base)))
    assert back.lift == pytest.approx(-there.lift, nan_ok=True)
    assert back.balanced == pytest.approx(-there.balanced)
    assert back.low == pytest.approx(-there.high, nan_ok=True)


def test_rows_taken_from_a_rival_are_its_cost_and_wrong_rows_are_free():
    codes = np.array([0] * 10 + [1] * 10 + [2] * 10)
    before, after = codes.copy(), codes.copy()
    before[10:20] = 0
    before[20:24] = 1  # wrong already: nobody pays if they go to class 1 or stay there
    after[20:24] = 1
    after[0:3] = 1  # three of ten rows of class 0 go to class 1
    effect = compare(trial("a", before[None], 3), trial("b", after[None], 3), codes, 3, z_simultaneous=3.0)
    assert effect.lift[1] == pytest.approx(1.0)
    assert effect.cost.tolist() == pytest.approx([0.0, 0.3, 0.0])
    assert effect.balanced == pytest.approx((1.0 - 0.3) / 3)


def test_merged_spellings_are_right_under_their_new_name():
    codes = np.repeat([0, 1, 2], 10)
    base = trial("a", np.repeat([0, 1, 1], 10)[None], 3)
    other = trial("b", np.repeat([0, 1, 1], 10)[None], 3)
    effect = compare(base, other, codes, 3, z_simultaneous=3.0, merges={2: 1})
    assert effect.lift.tolist() == [0.0, 0.0, 1.0]
    assert effect.cost.tolist() == [0.0, 0.0, 0.0]


def test_merging_codes_leaves_the_original_and_unscored_rows_alone():
    codes = np.array([0, 2, -1, 2, 1])
    assert merge_codes(codes, {2: 0}).tolist() == [0, 0, -1, 0, 1]
    assert codes.tolist() == [0, 2, -1, 2, 1]
    assert merge_codes(codes, None) is codes


def test_recall_of_is_the_share_of_right_answers():
    codes = np.array([0, 0, 0, 1, 1, 2])
    one = trial("a", np.array([[0, 0, 1, 1, 0, -1], [0, 1, 1, 1, 0, -1]]), 3)
    assert recall_of(one, codes, 3) == pytest.approx([0.5, 0.5, np.nan], nan_ok=True)


@given(st.integers(0, 10**6))
@settings(max_examples=60)
def test_called_rates_are_shares_of_the_scored_rows(seed):
    _, one, _ = draw(seed, unscored=0.5)
    flat = [a for p in one.predicted for a in p if a >= 0]
    expected = [sum(a == k for a in flat) / max(1, len(flat)) for k in range(4)]
    assert called_rate(one, 4) == pytest.approx(expected)


def test_called_rates_are_the_expected_recall_under_permuted_labels():
    rng = np.random.default_rng(0)
    codes = np.repeat([0, 1, 2], [60, 30, 10])
    guess = rng.integers(0, 3, codes.size)
    one = trial("a", guess[None], 3)
    recalls = [recall_of(one, rng.permutation(codes), 3) for _ in range(2000)]
    assert np.mean(recalls, axis=0) == pytest.approx(called_rate(one, 3), abs=0.01)


def test_the_placebo_is_a_change_and_a_share_of_what_was_missing():
    codes, base, other = draw(0)
    effect = compare(base, other, codes, 4, z_simultaneous=3.0)
    assert effect.placebo is None
    added = with_placebo(effect, np.array([0.5, 0.25, 0.0, 1.0]), np.array([0.75, 0.25, 0.3, 1.0]))
    assert added.placebo.tolist() == pytest.approx([0.25, 0.0, 0.3, 0.0])
    assert added.placebo_repair.tolist() == pytest.approx([0.5, 0.0, 0.3, 0.0])
    assert added.lift is effect.lift


def test_rows_scored_in_some_repeats_count_with_their_mean():
    """A splitter may score a row once and another row twice; both are one row."""
    codes = np.array([0, 0, 1, 1])
    predicted = np.array([[0, 1, 1, -1], [-1, 0, 0, 1]])
    base = trial("a", predicted, 2)
    taken = trial("b", np.array([[1, 1, 1, -1], [-1, 1, 0, 1]]), 2)
    effect = compare(base, taken, codes, 2, z_simultaneous=3.0)
    assert recall_of(base, codes, 2) == pytest.approx([0.75, 0.75])
    assert effect.lift == pytest.approx([-0.75, 0.0])
    assert effect.cost[1] == pytest.approx(0.75), "class 0 loses to class 1 all the recall it loses"


def test_given_answers_are_one_repeat_of_unknown_training():
    one = trial_of_predictions("given", np.array([1, 0, 1]), None, 2)
    assert one.predicted.shape == (1, 3)
    assert one.proba is None
    assert np.isnan(one.train_recall).all()
    assert one.correct(np.array([1, 1, 1])).tolist() == [1.0, 0.0, 1.0]
    assert one.called(1).tolist() == [1.0, 0.0, 1.0]
