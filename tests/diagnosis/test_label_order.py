"""Ids that begin again, and ids that are off by one."""

import numpy as np
import pytest

from marginscope.diagnosis import label_order
from marginscope.diagnosis.label_order import restarted_ids
from marginscope.diagnosis.trials import trial_of_predictions

NAMES = ["0", "1", "2"]


def given_answers(predicted):
    return trial_of_predictions("given", np.asarray(predicted), None, 8)


def test_two_rising_blocks_are_a_restart():
    codes = np.repeat([0, 1, 2, 0, 1, 2], 10)
    assert restarted_ids(NAMES, codes) == (30, (0, 1, 2))


def test_classes_with_few_rows_on_one_side_are_left_out():
    codes = np.concatenate([np.repeat([0, 1, 2], 10), np.repeat([0, 1], 10), np.repeat(2, 3)])
    assert restarted_ids(NAMES, codes) == (30, (0, 1))


@pytest.mark.parametrize(
    "codes",
    [
        np.repeat([0, 1, 2], 20),
        np.repeat([2, 1, 0], 20),
        np.repeat([0, 1, 2, 0, 1, 2, 0, 1, 2], 10),
        np.random.default_rng(0).integers(0, 3, 60),
        np.repeat([0, 1, 2, 0], 10),
        np.array([], dtype=np.int64),
    ],
    ids=["one rise", "one fall a class", "three blocks", "shuffled", "one class in both", "no rows"],
)
def test_other_orders_are_no_restart(codes):
    assert restarted_ids(NAMES, codes) is None


def test_names_that_are_no_integers_have_no_order():
    assert restarted_ids(["a", "b", "c"], np.repeat([0, 1, 2, 0, 1, 2], 10)) is None


def test_the_order_is_that_of_the_numbers_and_not_of_the_texts():
    names = ["10", "2", "9"]  # as text they are sorted; as numbers 2 < 9 < 10
    codes = np.array([1, 2, 0])
    assert restarted_ids(names, np.tile(np.repeat(codes, 10), 2)) == (30, (0, 1, 2))


@pytest.mark.parametrize("offset", [-1, 1])
def test_an_offset_is_found_with_its_sign(offset):
    names = [str(i) for i in range(6)]
    codes = np.repeat(np.arange(1, 5), 10)
    predicted = np.where(np.arange(40) % 10 < 8, codes + offset, codes)
    found = label_order.test_offset(names, codes, given_answers(predicted))
    assert found[0] == offset
    assert found[1:] == pytest.approx((0.8, 0.2))


def test_right_answers_have_no_offset():
    codes = np.repeat(np.arange(4), 10)
    _, share, direct = label_order.test_offset([str(i) for i in range(4)], codes, given_answers(codes))
    assert (share, direct) == (0.0, 1.0)


def test_unscored_rows_do_not_count():
    codes = np.array([0, 0, 1, 1])
    found = label_order.test_offset(["0", "1"], codes, given_answers([-1, 1, -1, 1]))
    assert found == (1, 0.5, 0.5)


def test_an_offset_needs_integers():
    codes = np.repeat([0, 1], 5)
    assert label_order.test_offset(["cat", "dog"], codes, given_answers(codes)) is None
