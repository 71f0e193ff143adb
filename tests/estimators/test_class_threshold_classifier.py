"""ClassThresholdClassifier: out-of-fold tuning that helps where it can and keeps still where it cannot."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.svm import LinearSVC

import marginscope as ms
from marginscope.estimators.class_factors import score_of, tune_factors
from marginscope.estimators.count_scores import COUNT_SCORES
from marginscope.estimators.gain_error import gain_error
from marginscope.exceptions import UsageError

BALANCED = COUNT_SCORES["balanced_accuracy"]


def _imbalanced(n=2_000, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.choice(3, n, p=[0.85, 0.1, 0.05])
    return rng.standard_normal((n, 4)) + 1.2 * np.eye(3, 4)[y], np.array(["big", "mid", "rare"])[y]


def test_factors_are_those_of_out_of_fold_probabilities():
    X, y = _imbalanced(600)
    inner = LogisticRegression(max_iter=1_000)
    model = ms.ClassThresholdClassifier(inner, cv=4).fit(X, y)
    proba = cross_val_predict(inner, X, y, cv=StratifiedKFold(4), method="predict_proba")
    codes = np.unique(y, return_inverse=True)[1]
    assert model.tuned_factors_ == pytest.approx(tune_factors(proba, codes, np.ones(600), BALANCED).factors)
    assert model.base_score_ == pytest.approx(balanced_accuracy_score(codes, proba.argmax(axis=1)))
    assert model.predict_proba(X) == pytest.approx(inner.fit(X, y).predict_proba(X))
    chosen = (model.predict_proba(X) * model.factors_).argmax(axis=1)
    assert np.array_equal(model.predict(X), model.classes_[chosen])


def test_rare_classes_are_found_on_new_rows():
    X, y = _imbalanced()
    new_X, new_y = _imbalanced(seed=1)
    model = ms.ClassThresholdClassifier().fit(X, y)
    plain = ms.MarginClassifier().fit(X, y)
    before = balanced_accuracy_score(new_y, plain.predict(new_X))
    after = balanced_accuracy_score(new_y, model.predict(new_X))
    assert after > before + 0.15
    # what was promised on folds without part in the tuning holds on new rows
    assert after - before == pytest.approx(model.gain_, abs=4 * model.gain_error_ + 0.03)
    assert np.any(model.factors_ != 1.0)


@pytest.mark.parametrize("seed", range(6))
def test_a_placebo_reaches_no_score_above_chance(seed):
    X, y = _imbalanced(400, seed)
    y = np.random.default_rng(seed).permutation(y)
    new_X, new_y = _imbalanced(4_000, seed + 100)
    model = ms.ClassThresholdClassifier().fit(X, y)
    new_y = np.random.default_rng(seed + 1).permutation(new_y)
    assert balanced_accuracy_score(new_y, model.predict(new_X)) < 1 / 3 + 0.05
    # tuned on its own rows it would look better than chance
    proba = model.predict_proba(X)
    codes = np.unique(y, return_inverse=True)[1]
    assert tune_factors(proba, codes, np.ones(400), BALANCED).score > 1 / 3 + 0.05


def test_a_placebo_gain_is_as_often_below_zero_as_above():
    gains = []
    for seed in range(12):
        X, y = _imbalanced(300, seed)
        gains.append(ms.ClassThresholdClassifier().fit(X, np.random.default_rng(seed).permutation(y)).gain_)
    # a sign test at one per cent: more than ten of twelve would be a bias
    assert 1 <= sum(gain > 0.0 for gain in gains) <= 10


def test_without_a_gain_the_decisions_are_those_of_the_estimator():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 100)
    X = rng.standard_normal((300, 3)) + 4.0 * np.eye(3)[y]
    model = ms.ClassThresholdClassifier().fit(X, y)
    assert model.factors_.tolist() == [1.0, 1.0, 1.0]
    assert np.array_equal(model.predict(X), model.estimator_.predict(X))


def test_caution_decides():
    X, y = _imbalanced(300)
    assert np.any(ms.ClassThresholdClassifier(caution=0.0).fit(X, y).factors_ != 1.0)
    assert np.all(ms.ClassThresholdClassifier(caution=1e9).fit(X, y).factors_ == 1.0)


def test_the_gain_is_that_of_folds_without_part_in_the_tuning():
    X, y = _imbalanced(500)
    codes = np.unique(y, return_inverse=True)[1]
    folds = StratifiedKFold(5)
    model = ms.ClassThresholdClassifier(cv=folds).fit(X, y)
    proba = cross_val_predict(ms.MarginClassifier(), X, y, cv=folds, method="predict_proba")
    tuned = np.zeros(500, int)
    for others, part in folds.split(X, y):
        factors = tune_factors(proba[others], codes[others], np.ones(len(others)), BALANCED).factors
        tuned[part] = (proba[part] * factors).argmax(axis=1)
    plain = proba.argmax(axis=1)
    assert model.gain_ == pytest.approx(balanced_accuracy_score(codes, tuned) - balanced_accuracy_score(codes, plain))
    rng = np.random.default_rng(0)
    gains = []
    for _ in range(600):
        rows = rng.integers(0, 500, 500)
        before, after = (balanced_accuracy_score(codes[rows], one[rows]) for one in (plain, tuned))
        gains.append(after - before)
    # a bootstrap of 600 knows its standard deviation to three per cent; the rest is that rows per class vary
    assert model.gain_error_ == pytest.approx(np.std(gains), rel=0.15)


@pytest.mark.parametrize("name", COUNT_SCORES)
def test_the_standard_error_is_near_that_of_leaving_single_rows_out(name):
    rng = np.random.default_rng(0)
    n, score = 400, COUNT_SCORES[name]
    codes = rng.choice(3, n, p=[0.6, 0.3, 0.1])
    before, after = (np.where(rng.random(n) < right, codes, rng.integers(0, 3, n)) for right in (0.4, 0.6))

    def gain(kept):
        return np.subtract(
            *(
                score_of(np.ones(3), np.eye(3)[one[kept]], codes[kept], np.ones(len(kept)), score)
                for one in (after, before)
            )
        )

    without = np.array([gain(np.delete(np.arange(n), i)) for i in range(n)])
    jackknife = np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
    found = gain_error(before, after, codes, np.ones(n), 3, score)
    assert found == pytest.approx(jackknife, rel=0.03)
    assert gain_error(before, after, codes, np.full(n, 4.0), 3, score) == pytest.approx(found / 2.0, rel=1e-6)


def test_two_classes_tune_one_threshold():
    from sklearn.model_selection import TunedThresholdClassifierCV

    X, y = _imbalanced(1_500)
    y = (y == "rare").astype(int)
    inner = LogisticRegression(max_iter=1_000)
    ours = ms.ClassThresholdClassifier(inner, caution=0.0).fit(X, y)
    theirs = TunedThresholdClassifierCV(inner, scoring="balanced_accuracy", cv=5, thresholds=100).fit(X, y)
    ratio = ours.factors_[0] / ours.factors_[1]
    # the threshold on p_1 is f_0 / (f_0 + f_1); theirs is the mean of folds on a grid
    assert ratio / (1.0 + ratio) == pytest.approx(theirs.best_threshold_, abs=0.05)
    assert ours.decision_function(X).shape == (1_500,)


def test_scores_without_probabilities_are_calibrated_first():
    X, y = _imbalanced(800)
    model = ms.ClassThresholdClassifier(LinearSVC()).fit(X, y)
    assert model.predict_proba(X).sum(axis=1) == pytest.approx(1.0)
    assert balanced_accuracy_score(y, model.predict(X)) > balanced_accuracy_score(y, LinearSVC().fit(X, y).predict(X))


def hits_of_the_last_class(hits, predicted, rows):
    return hits[..., -1]


@pytest.mark.parametrize("scoring", [*COUNT_SCORES, hits_of_the_last_class])
def test_every_score_can_be_tuned(scoring):
    X, y = _imbalanced(300)
    model = ms.ClassThresholdClassifier(scoring=scoring, caution=0.0).fit(X, y)
    score = COUNT_SCORES.get(scoring, scoring) if isinstance(scoring, str) else scoring
    proba = cross_val_predict(ms.MarginClassifier(), X, y, cv=5, method="predict_proba")
    codes = np.unique(y, return_inverse=True)[1]
    found = score_of(model.tuned_factors_, proba, codes, np.ones(300), score)
    assert found >= score_of(np.ones(3), proba, codes, np.ones(300), score)


def test_a_class_of_two_rows_is_no_trouble():
    X, y = _imbalanced(200)
    y[:] = np.where(y == "rare", "mid", y)
    y[:2] = "tiny"
    model = ms.ClassThresholdClassifier().fit(X, y)
    assert model.classes_.tolist() == ["big", "mid", "tiny"]
    assert np.all(np.isfinite(model.tuned_factors_))


@pytest.mark.parametrize("parameters", [{"scoring": "roc_auc"}, {"caution": -1.0}, {"probability": "x"}], ids=str)
def test_what_cannot_be_meant_is_refused(parameters):
    with pytest.raises(UsageError, match="but got"):
        ms.ClassThresholdClassifier(**parameters).fit(*_imbalanced(100))
