"""Labels and answers alone: what is said, and what is said to need features."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import marginscope as ms
from marginscope.diagnosis.intervals import wilson_interval
from marginscope.diagnosis.without_features import NEEDS_FEATURES, WITHOUT_FEATURES
from marginscope.exceptions import ModelError, UsageError

LABELS = np.array(["cat", "dog", "emu"])


def answers(n: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels with a rare class, and probabilities whose prior alone hides it."""
    rng = np.random.default_rng(seed)
    codes = rng.choice(3, n, p=[0.62, 0.3, 0.08])
    scores = rng.standard_normal((n, 3)) + 2.0 * np.eye(3)[codes] + np.log([0.62, 0.3, 0.08])
    proba = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return LABELS[codes], proba


def test_recall_rivals_and_intervals_are_those_of_the_answers() -> None:
    y, proba = answers()
    guess = LABELS[proba.argmax(axis=1)]
    d = ms.diagnose(ms.Predictions(guess), None, y)
    for label in LABELS:
        own = y == label
        assert d[label].recall == pytest.approx(np.mean(guess[own] == label))
        assert d[label].recall_interval == pytest.approx(wilson_interval(np.sum(guess[own] == label), own.sum()))
        others = {other: np.sum(guess[own] == other) for other in LABELS if other != label}
        assert d[label].rival == max(others, key=lambda one: others[one])
    table = [[np.sum((y == a) & (guess == b)) for b in LABELS] for a in LABELS]
    np.testing.assert_array_equal(d.confusion, table)


def test_every_check_is_listed_and_those_that_need_features_say_so() -> None:
    y, proba = answers()
    d = ms.diagnose(ms.Predictions(proba=proba), None, y)
    for one in d.findings:
        if one.slug not in WITHOUT_FEATURES:
            assert (str(one.status), one.sentence) == ("not_applicable", NEEDS_FEATURES)
        assert str(one.status) != "errored"
    assert d.data.features == 0
    assert "400 rows of answers" in str(d)


def test_probabilities_alone_tell_imbalance_and_the_adjustment_that_repairs_it() -> None:
    y, proba = answers(1200)
    d = ms.diagnose(ms.Predictions(proba=proba), None, y)
    assert d["emu"].cause == "imbalance"
    ledger = d.remedy("emu")
    assert ledger.winner == "logit-adjustment"
    # The adjustment by hand, with the shares of all rows in place of the folds'.
    shares = np.array([np.mean(y == label) for label in LABELS])
    own = y == "emu"
    by_hand = np.mean((np.log(proba[own]) - np.log(shares)).argmax(axis=1) == 2)
    trial = next(one for one in ledger.trials if one.slug == "logit-adjustment")
    assert trial.recall["emu"] == pytest.approx(by_hand, abs=0.03)


def test_labels_alone_leave_imbalance_open() -> None:
    y, proba = answers()
    d = ms.diagnose(ms.Predictions(LABELS[proba.argmax(axis=1)]), None, y)
    assert str(d.finding("imbalance").status) == "not_applicable"
    assert "probabilities" in d.finding("imbalance").sentence


def test_test_labels_come_alone_too() -> None:
    y, proba = answers()
    truth = np.append(y[:200], "fox")
    guess = np.append(LABELS[proba[:200].argmax(axis=1)], "dog")
    d = ms.diagnose(ms.Predictions(guess), None, y, y_test=truth)
    assert d["fox"].verdict == "absent"
    assert d["cat"].recall == pytest.approx(np.mean(guess[truth == "cat"] == "cat"))
    assert d["cat"].rows == np.sum(y == "cat")


@pytest.mark.parametrize("with_proba", [True, False])
def test_two_spellings_are_one_class_where_the_answers_do_not_tell_them_apart(with_proba: bool) -> None:
    rng = np.random.default_rng(1)
    names = np.array(["Dog", "cat", "dog"])
    codes = rng.choice(3, 600, p=[0.08, 0.5, 0.42])
    real = np.where(codes == 1, 1, 2)
    scores = rng.standard_normal((600, 3)) + 3.0 * np.eye(3)[real]
    scores[:, 0] = scores[:, 2] - 2.0 + 0.1 * rng.standard_normal(600)
    proba = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    model = ms.Predictions(proba=proba) if with_proba else ms.Predictions(names[proba.argmax(axis=1)])
    d = ms.diagnose(model, None, names[codes])
    assert str(d.finding("label-map").status) == "issue"
    assert "given answers" in d.finding("label-map").sentence
    assert d["Dog"].cause == "label-map"


@pytest.mark.parametrize("with_proba", [True, False])
def test_two_spellings_that_the_answers_tell_apart_are_a_tip(with_proba: bool) -> None:
    rng = np.random.default_rng(2)
    names = np.array(["Dog", "cat", "dog"])
    codes = rng.choice(3, 600, p=[0.1, 0.5, 0.4])
    scores = rng.standard_normal((600, 3)) + 3.0 * np.eye(3)[codes]
    proba = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    model = ms.Predictions(proba=proba) if with_proba else ms.Predictions(names[proba.argmax(axis=1)])
    assert str(ms.diagnose(model, None, names[codes]).finding("label-map").status) == "tip"


def test_scores_become_probabilities_by_softmax() -> None:
    from scipy.special import softmax

    y, proba = answers()
    scores = np.log(proba) + 5.0
    with pytest.raises(ModelError, match="apply softmax"):
        ms.Predictions(proba=scores)
    one = ms.diagnose(ms.Predictions(proba=softmax(scores, axis=1)), None, y)
    other = ms.diagnose(ms.Predictions(proba=proba), None, y)
    assert [c.to_dict() for c in one.classes] == [c.to_dict() for c in other.classes]


def test_the_page_of_answers_alone(tmp_path: Path) -> None:
    y, proba = answers()
    d = ms.diagnose(ms.Predictions(proba=proba), None, y)
    d.save_html(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "400 rows, no features, 3 classes" in text
    assert "no features" in d._repr_html_()


@pytest.mark.parametrize(
    ("model", "options", "match"),
    [
        (None, {}, "features are needed to fit a model, but X is None with no model"),
        ("logistic", {}, "X is None with the model LogisticRegression"),
        ("answers", {"X_test": np.eye(3), "y_test": [0, 1, 2]}, "X is needed together with X_test"),
    ],
)
def test_what_needs_features_is_refused(model: Any, options: dict[str, Any], match: str) -> None:
    from sklearn.linear_model import LogisticRegression

    y, proba = answers()
    made = {"logistic": LogisticRegression(), "answers": ms.Predictions(proba=proba)}.get(model)
    with pytest.raises(UsageError, match=match):
        ms.diagnose(made, None, y, **options)


def test_other_numbers_of_rows_are_refused() -> None:
    y, proba = answers()
    with pytest.raises(ModelError, match="400 predictions for 399 rows"):
        ms.diagnose(ms.Predictions(proba=proba), None, y[:-1])


@pytest.mark.parametrize("seed", range(8))
def test_answers_by_a_coin_learn_no_class_though_one_is_often_hit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    guess = np.where(rng.random(400) < 0.6, "a", "b")
    d = ms.diagnose(ms.Predictions(guess), None, np.repeat(["a", "b"], [300, 100]))
    is_by_chance = abs(np.mean(guess[:300] == "a") - np.mean(guess[300:] == "a")) < 0.05
    assert d["a"].recall > 0.5
    assert d["a"].verdict == "unlearned" or not is_by_chance
