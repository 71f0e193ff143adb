"""The assertion passes learned classes, rare ones too, and says why others are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import marginscope as ms
from marginscope.diagnosis.intervals import wilson_interval
from marginscope.exceptions import UsageError

Table = tuple[np.ndarray, np.ndarray]


def blobs(sizes: dict[str, int], seed: int = 0, spread: float = 1.0) -> Table:
    """Three far blobs in the plane."""
    rng = np.random.default_rng(seed)
    places = {"lynx": (0.0, 6.0), "fox": (6.0, 0.0), "owl": (-6.0, -3.0)}
    X = np.concatenate([spread * rng.standard_normal((n, 2)) + places[name] for name, n in sizes.items()])
    return X, np.repeat(list(sizes), list(sizes.values()))


RARE = {"lynx": 150, "fox": 150, "owl": 12}


def test_a_rare_class_that_is_learned_passes() -> None:
    ms.assert_classes_learned(LogisticRegression(), *blobs(RARE))


def test_what_passes_is_not_refitted_for_causes(monkeypatch: pytest.MonkeyPatch) -> None:
    from marginscope.integrations import class_assertion

    asked: list[Any] = []
    original = class_assertion.diagnose

    def watched(*args: Any, **options: Any) -> Any:
        asked.append(options.get("checks"))
        return original(*args, **options)

    monkeypatch.setattr(class_assertion, "diagnose", watched)
    ms.assert_classes_learned(LogisticRegression(), *blobs(RARE))
    assert asked == [("class-absent", "few-rows")]


def test_the_message_names_class_recall_cause_remedy_and_command() -> None:
    X, y = blobs({"lynx": 150, "fox": 90, "owl": 60})
    with pytest.raises(AssertionError) as caught:
        ms.assert_classes_learned(LogisticRegression(C=1e-6), X, y)
    text = str(caught.value)
    for part in (
        "2 of 3 classes are not learned by LogisticRegression on 300 rows",
        "'owl' is unlearned, recall 0.00 [0.00, ",
        "cause over-regularised",
        "remedies: weaker-penalty",
        "marginscope explain over-regularised",
    ):
        assert part in text
    assert "\n" not in text


def test_only_the_classes_asked_for() -> None:
    X, y = blobs({"lynx": 150, "fox": 90, "owl": 60})
    ms.assert_classes_learned(LogisticRegression(C=1e-6), X, y, classes=["lynx"])
    with pytest.raises(AssertionError, match="1 of 3 classes is not learned"):
        ms.assert_classes_learned(LogisticRegression(C=1e-6), X, y, classes=["lynx", "owl"])


@pytest.mark.parametrize("allow", [["fox", "owl"], ["over-regularised"], "over-regularised"])
def test_what_is_allowed_passes(allow: Any) -> None:
    X, y = blobs({"lynx": 150, "fox": 90, "owl": 60})
    ms.assert_classes_learned(LogisticRegression(C=1e-6), X, y, allow=allow)


def answers(hits: int, n: int) -> tuple[ms.Predictions, None, np.ndarray]:
    """A class of n rows with so many hits, beside one that is all right."""
    y = np.array(["a"] * n + ["b"] * 100)
    guess = y.copy()
    guess[: n - hits] = "b"
    return ms.Predictions(guess), None, y


def test_the_bound_must_lie_above_the_whole_interval() -> None:
    # 70 of 100 leave 0.60 to 0.78; 14 of 20 leave 0.48 to 0.85.
    assert wilson_interval(70, 100)[1] < 0.8 < wilson_interval(14, 20)[1]
    ms.assert_classes_learned(*answers(70, 100))
    with pytest.raises(AssertionError, match=r"'a' is healthy, recall 0.70.*a recall of 0.8 is asked for"):
        ms.assert_classes_learned(*answers(70, 100), least_recall=0.8)
    ms.assert_classes_learned(*answers(14, 20), least_recall=0.8, allow=["few-rows"])


def test_undecided_passes_unless_strict() -> None:
    ms.assert_classes_learned(*answers(3, 8))
    with pytest.raises(AssertionError, match=r"'a' is undecided.*few-rows"):
        ms.assert_classes_learned(*answers(3, 8), strict=True)


def test_a_class_without_training_rows_fails() -> None:
    y = np.repeat(["a", "b"], 50)
    test = np.array([*y, "c"])
    model = ms.Predictions(np.where(test == "c", "a", test))
    with pytest.raises(AssertionError, match=r"'c' is absent.*class-absent"):
        ms.assert_classes_learned(model, None, y, y_test=test)


def test_thorough_finds_a_passable_class_that_can_be_lifted() -> None:
    rng = np.random.default_rng(3)
    codes = rng.choice(2, 1500, p=[0.85, 0.15])
    scores = 2.6 * np.eye(2)[codes] + rng.standard_normal((1500, 2)) + np.log([0.85, 0.15])
    proba = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    y = np.array(["many", "few"])[codes]
    model = ms.Predictions(proba=proba, labels=["many", "few"])
    ms.assert_classes_learned(model, None, y)
    with pytest.raises(AssertionError, match=r"'few' is weak.*imbalance"):
        ms.assert_classes_learned(model, None, y, thorough=True)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"least_recall": 1.5}, "least_recall is a share"),
        ({"classes": ["wolf"]}, "classes must be labels of the data"),
        ({"allow": ["wolf"]}, "'wolf' is neither"),
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, Any], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        ms.assert_classes_learned(LogisticRegression(), *blobs(RARE), **options)
