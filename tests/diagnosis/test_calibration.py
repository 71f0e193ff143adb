"""Log-loss and calibration error."""

import numpy as np
import pytest
from sklearn.metrics import log_loss as sklearn_log_loss

from marginscope.diagnosis.calibration import calibration_error, log_loss, log_loss_interval, probability_changes
from marginscope.diagnosis.trials import trial_of_predictions


@pytest.fixture(scope="module")
def answers():
    rng = np.random.default_rng(0)
    proba = rng.dirichlet([1, 1, 1], 400)
    codes = np.array([rng.choice(3, p=p) for p in proba])
    return proba, codes


def test_log_loss_is_that_of_sklearn(answers):
    proba, codes = answers
    assert log_loss(proba, codes) == pytest.approx(sklearn_log_loss(codes, proba))


def test_a_sure_and_wrong_answer_has_a_finite_loss():
    assert np.isfinite(log_loss(np.array([[1.0, 0.0]]), np.array([1])))


def test_calibration_error_is_the_plain_loop_over_bins(answers):
    proba, codes = answers
    confidence, right = proba.max(axis=1), proba.argmax(axis=1) == codes
    total = 0.0
    for low in np.arange(15) / 15:
        inside = (confidence >= low) & (confidence < low + 1 / 15) | ((low == 14 / 15) & (confidence == 1))
        if inside.any():
            total += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert calibration_error(proba, codes) == pytest.approx(total)


def test_honest_probabilities_are_calibrated_and_boasting_ones_are_not(answers):
    proba, codes = answers
    boast = np.where(proba == proba.max(axis=1, keepdims=True), 1.0, 0.0)
    assert calibration_error(proba, codes) < 0.1 < 0.3 < calibration_error(boast, codes)


def test_changes_of_a_model_against_itself_are_zero(answers):
    proba, codes = answers
    one = trial_of_predictions("a", proba.argmax(axis=1), proba, 3)
    assert probability_changes(one, one, codes, None) == (0.0, 0.0)


def test_without_probabilities_there_is_no_change(answers):
    proba, codes = answers
    one = trial_of_predictions("a", proba.argmax(axis=1), proba, 3)
    mute = trial_of_predictions("b", proba.argmax(axis=1), None, 3)
    assert probability_changes(one, mute, codes, None) == (None, None)
    assert probability_changes(mute, one, codes, None) == (None, None)


def test_merged_labels_are_scored_under_their_new_name(answers):
    proba, codes = answers
    base = trial_of_predictions("a", proba.argmax(axis=1), proba, 3)
    merged = proba.copy()
    merged[:, 1] += merged[:, 2]
    merged[:, 2] = 0.0
    other = trial_of_predictions("b", merged.argmax(axis=1), merged, 3)
    log_change, _ = probability_changes(base, other, codes, {2: 1})
    target = np.where(codes == 2, 1, codes)
    assert log_change == pytest.approx(log_loss(merged, target) - log_loss(proba, codes), abs=1e-6)
    assert log_change < 0


def test_the_interval_of_the_log_loss_is_that_of_paired_differences(answers):
    proba, codes = answers
    other = 0.7 * proba + 0.1
    base, flat = (trial_of_predictions("x", one.argmax(axis=1), one, 3) for one in (proba, other))
    own = [np.log(proba[i, k]) - np.log(other[i, k]) for i, k in enumerate(codes)]
    half = 1.96 * np.std(own) / np.sqrt(len(own))
    low, high = log_loss_interval(base, flat, codes, None)
    assert (low, high) == pytest.approx((np.mean(own) - half, np.mean(own) + half), abs=1e-4)
    mute = trial_of_predictions("b", proba.argmax(axis=1), None, 3)
    assert log_loss_interval(base, mute, codes, None) is None
