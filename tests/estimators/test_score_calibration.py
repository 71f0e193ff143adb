"""Probabilities from scores: Platt's targets by hand, and slope and biases that are known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from marginscope.estimators.score_calibration import ScoreCalibration, class_scores, fit_calibration


def test_separable_scores_get_the_smoothed_targets():
    # three rows a class with one score each: the optimum is the target itself, (3 + 1) / (3 + 2)
    codes = np.array([0, 0, 0, 1, 1, 1])
    scores = class_scores(np.where(codes == 1, 2.0, -2.0))
    proba = fit_calibration(scores, codes).probabilities(scores)
    assert proba[np.arange(6), codes] == pytest.approx(0.8, abs=1e-6)
    # for three classes of two rows (2 + 1) / (2 + 3)
    codes = np.repeat([0, 1, 2], 2)
    proba = fit_calibration(np.eye(3)[codes], codes).probabilities(np.eye(3)[codes])
    assert proba[np.arange(6), codes] == pytest.approx(0.6, abs=1e-6)


def test_two_classes_are_the_scaling_of_platt():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2, 3_000)
    decision = 0.7 * codes + rng.standard_normal(3_000) - 0.2
    ours = fit_calibration(class_scores(decision), codes)
    # without penalty this is logistic regression on the score; the smoothing of 3,000 targets is small
    theirs = LogisticRegression(C=1e9, tol=1e-10).fit(decision[:, None], codes)
    assert ours.slope == pytest.approx(float(theirs.coef_[0, 0]), rel=5e-3)
    assert ours.biases[1] - ours.biases[0] == pytest.approx(float(theirs.intercept_[0]), abs=5e-3)


def test_known_slope_and_biases_are_found():
    rng = np.random.default_rng(1)
    scores = rng.standard_normal((20_000, 3))
    truth = ScoreCalibration(2.0, (0.5, -0.5, 0.0))
    codes = np.array([rng.choice(3, p=p) for p in truth.probabilities(scores)])
    found = fit_calibration(scores, codes)
    assert found.slope == pytest.approx(2.0, abs=0.1)
    assert found.biases == pytest.approx(truth.biases, abs=0.1)
    assert sum(found.biases) == pytest.approx(0.0, abs=1e-12)


def test_the_scale_of_the_scores_does_not_matter_and_weights_are_copies():
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 3, 200)
    scores = np.eye(3)[codes] + rng.standard_normal((200, 3))
    weights = rng.integers(0, 4, 200).astype(float)
    copies = np.repeat(np.arange(200), weights.astype(int))
    plain = fit_calibration(scores, codes, weights).probabilities(scores)
    assert fit_calibration(1e6 * scores, codes, weights).probabilities(1e6 * scores) == pytest.approx(plain, abs=1e-6)
    repeated = fit_calibration(scores[copies], codes[copies])
    assert repeated.probabilities(scores) == pytest.approx(plain, abs=1e-6)


def test_scores_that_say_nothing_give_the_smoothed_shares():
    codes = np.array([0] * 8 + [1] * 2)
    proba = fit_calibration(np.zeros((10, 2)), codes).probabilities(np.zeros((1, 2)))
    # the mean of the targets 9/10, 1/10 of eight rows and 1/4, 3/4 of two
    assert proba == pytest.approx(np.array([[0.77, 0.23]]), abs=1e-6)


def test_scores_against_the_classes_are_not_turned_round():
    codes = np.array([0, 0, 1, 1])
    found = fit_calibration(class_scores(np.array([1.0, 1.0, -1.0, -1.0])), codes)
    assert found.slope == 0.0
