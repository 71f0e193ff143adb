"""Scores from counts against scikit-learn, and factors against all that could be tried."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from marginscope.estimators.class_factors import _between, score_of, tune_factors
from marginscope.estimators.count_scores import COUNT_SCORES

SCORERS = {
    "balanced_accuracy": metrics.balanced_accuracy_score,
    "accuracy": metrics.accuracy_score,
    "f1_macro": lambda y, p, sample_weight: metrics.f1_score(
        y, p, average="macro", sample_weight=sample_weight, zero_division=0
    ),
    "f1_weighted": lambda y, p, sample_weight: metrics.f1_score(
        y, p, average="weighted", sample_weight=sample_weight, zero_division=0
    ),
    "matthews_corrcoef": metrics.matthews_corrcoef,
    "cohen_kappa": lambda y, p, sample_weight: metrics.cohen_kappa_score(y, p, sample_weight=sample_weight),
}


def _problem(K, n, seed, *, integers=True):
    rng = np.random.default_rng(seed)
    y = np.r_[np.arange(K), rng.choice(K, n - K, p=np.arange(1, K + 1) / sum(range(1, K + 1)))]
    logits = rng.standard_normal((n, K)) + np.eye(K)[y] + np.linspace(0.0, 2.0, K)
    proba = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return proba, y, rng.integers(1, 4, n).astype(float) if integers else rng.random(n)


@pytest.mark.parametrize("name", COUNT_SCORES)
@pytest.mark.parametrize("seed", range(4))
def test_a_score_is_that_of_scikit_learn(name, seed):
    proba, y, weights = _problem(4, 30, seed)
    predicted = proba.argmax(axis=1)
    ours = score_of(np.ones(4), proba, y, weights, COUNT_SCORES[name])
    assert ours == pytest.approx(SCORERS[name](y, predicted, sample_weight=weights))


def test_every_score_has_an_oracle():
    assert set(SCORERS) == set(COUNT_SCORES)


@pytest.mark.parametrize("name", COUNT_SCORES)
def test_predicting_one_class_only_has_a_finite_score(name):
    proba = np.tile([0.7, 0.2, 0.1], (6, 1))
    value = score_of(np.ones(3), proba, np.array([0, 0, 1, 1, 2, 2]), np.ones(6), COUNT_SCORES[name])
    assert np.isfinite(value)


def _every_threshold(proba, y, weights, score):
    """Return the highest score over all ratios of two factors that decide differently."""
    ratios = np.unique(proba[:, 0] / proba[:, 1])
    tried = np.r_[ratios[0] / 2, np.sqrt(ratios[:-1] * ratios[1:]), ratios[-1] * 2]
    return max(score_of(np.array([1.0, ratio]), proba, y, weights, score) for ratio in tried)


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.sampled_from(sorted(COUNT_SCORES)))
def test_for_two_classes_no_threshold_is_better(seed, name):
    proba, y, weights = _problem(2, 25, seed, integers=False)
    tuned = tune_factors(proba, y, weights, COUNT_SCORES[name])
    assert tuned.score == pytest.approx(_every_threshold(proba, y, weights, COUNT_SCORES[name]), abs=1e-12)
    assert score_of(tuned.factors, proba, y, weights, COUNT_SCORES[name]) == pytest.approx(tuned.score, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", ["balanced_accuracy", "f1_macro", "accuracy"])
def test_no_single_factor_of_three_can_be_changed_for_the_better(seed, name):
    proba, y, weights = _problem(3, 40, seed)
    score = COUNT_SCORES[name]
    tuned = tune_factors(proba, y, weights, score)
    assert score_of(tuned.factors, proba, y, weights, score) == pytest.approx(tuned.score)
    assert tuned.score >= score_of(np.ones(3), proba, y, weights, score)
    for k, factor in itertools.product(range(3), np.geomspace(1e-3, 1e3, 400)):
        other = tuned.factors.copy()
        other[k] *= factor
        assert score_of(other, proba, y, weights, score) <= tuned.score + 1e-12


def test_they_come_near_the_best_on_a_grid_of_two_free_factors():
    proba, y, weights = _problem(3, 60, 7)
    score = COUNT_SCORES["balanced_accuracy"]
    grid = np.geomspace(1e-2, 1e2, 60)
    best = max(score_of(np.array([1.0, a, b]), proba, y, weights, score) for a in grid for b in grid)
    assert tune_factors(proba, y, weights, score).score >= best - 0.01


def test_a_weight_is_so_many_copies():
    proba, y, weights = _problem(3, 40, 3)
    copies = np.repeat(np.arange(40), weights.astype(int))
    for score in COUNT_SCORES.values():
        weighted = tune_factors(proba, y, weights, score)
        repeated = tune_factors(proba[copies], y[copies], np.ones(len(copies)), score)
        assert weighted.factors == pytest.approx(repeated.factors)
        assert weighted.score == pytest.approx(repeated.score)


def test_equal_factors_stay_where_nothing_is_gained():
    proba, y = np.eye(3)[[0, 1, 2, 0]] * 0.9 + 0.1 / 3, np.array([0, 1, 2, 0])
    assert tune_factors(proba, y, np.ones(4), COUNT_SCORES["accuracy"]).factors.tolist() == [1.0, 1.0, 1.0]


def test_probabilities_of_zero_and_one_are_no_trouble():
    proba = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])
    y = np.array([0, 1, 2, 1, 2])
    tuned = tune_factors(proba, y, np.ones(5), COUNT_SCORES["balanced_accuracy"])
    assert np.all(np.isfinite(tuned.factors))
    # row 3 can be won for class 1; row 4 cannot be won for class 2 at all
    assert tuned.score == pytest.approx((1.0 + 1.0 + 0.5) / 3.0)


def test_there_is_a_factor_in_every_gap_and_none_between_equal_breakpoints():
    found = _between(np.array([0.0, 1.0, 1.0, 4.0, np.inf]))
    # before 0 nothing, (0, 1), none, (1, 4), beyond 4, beyond infinity nothing
    assert found == pytest.approx([np.nan, 0.5, np.nan, 2.0, 8.0, np.nan], nan_ok=True)
    assert _between(np.array([np.inf])) == pytest.approx([1.0, np.nan], nan_ok=True)
