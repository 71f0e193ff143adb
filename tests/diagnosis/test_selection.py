"""What choosing the best of many on the rows that score it adds."""

import numpy as np
import pytest

from marginscope.diagnosis.selection import chosen_elsewhere

N, K = 240, 3
CODES = np.repeat(np.arange(K), N // K)


def candidates(rng, truth):
    """Changes per row in {-1, 0, 1} whose mean is the truth, one array for each candidate."""
    made = []
    for effect in truth:
        up = rng.random(N) < 0.25 + effect / 2
        down = rng.random(N) < 0.25 - effect / 2
        made.append(up.astype(float) - down.astype(float))
    return made


def balanced(change):
    return np.mean([change[k == CODES].mean() for k in range(K)])


@pytest.fixture(scope="module")
def draws():
    """Two hundred ledgers of twelve candidates that do nothing, and of one that does something."""
    rng = np.random.default_rng(0)
    found = []
    for number in range(200):
        idle = candidates(rng, [0.0] * 12)
        real = candidates(rng, [0.0] * 11 + [0.2])
        found.append([chosen_elsewhere(one, CODES, [0], K, seed=number) for one in (idle, real)])
    return np.array(found)


def test_among_idle_candidates_the_best_looks_good_and_the_held_out_choice_does_not(draws):
    apparent, held_out = draws[:, 0].mean(axis=0)
    assert apparent > 0.04
    assert abs(held_out) < 0.01


def test_a_real_effect_is_kept(draws):
    apparent, held_out = draws[:, 1].mean(axis=0)
    assert held_out == pytest.approx(0.2, abs=0.02)
    assert apparent - held_out < 0.02


def test_the_apparent_score_is_that_of_the_best_by_a_plain_loop():
    rng = np.random.default_rng(1)
    changes = candidates(rng, [0.1, 0.0, 0.12, -0.2])
    scores = [balanced(one) for one in changes]
    worth = [
        score + one[CODES == 1].mean() if score >= max(scores) - 0.02 else -np.inf
        for score, one in zip(scores, changes, strict=True)
    ]
    assert chosen_elsewhere(changes, CODES, [1], K, seed=0)[0] == pytest.approx(scores[int(np.argmax(worth))])


def test_rows_that_some_candidate_does_not_score_are_left_out():
    rng = np.random.default_rng(2)
    changes = candidates(rng, [0.1, 0.0])
    dropped = np.arange(0, N, 7)
    kept = np.setdiff1d(np.arange(N), dropped)
    holes = [one.copy() for one in changes]
    holes[0][dropped] = np.nan
    expected = chosen_elsewhere([one[kept] for one in changes], CODES[kept], [0], K, seed=3)
    assert chosen_elsewhere(holes, CODES, [0], K, seed=3) == pytest.approx(expected)


def test_a_single_candidate_owes_nothing_to_a_choice():
    change = candidates(np.random.default_rng(4), [0.1])
    apparent, held_out = chosen_elsewhere(change, CODES, [0], K, seed=0)
    assert apparent == pytest.approx(held_out) == pytest.approx(balanced(change[0]))
