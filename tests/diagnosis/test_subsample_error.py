"""The error of a subsample, against draws from a finite population."""

from __future__ import annotations

import numpy as np
import pytest

import marginscope as ms
from marginscope.diagnosis.plan import Plan
from marginscope.diagnosis.subsample_error import ClassCounts, subsample_error

NAMES = ("ant", "bee", "cow")


def counts(drawn: list[int], whole: list[int]) -> ClassCounts:
    return ClassCounts(*(np.array(one) for one in (drawn, whole, drawn, whole)))


def test_the_standard_error_is_that_of_repeated_draws() -> None:
    rng = np.random.default_rng(0)
    hits, n = rng.random(1000) < 0.7, 300
    means = [rng.choice(hits, n, replace=False).mean() for _ in range(4000)]
    found = subsample_error("the recall", ("ant",), counts([n], [1000]), np.array([hits.mean()]))
    assert found.standard_error[0] == pytest.approx(np.std(means), rel=0.05)


def test_a_class_that_is_whole_adds_no_error_and_an_unscored_one_has_none() -> None:
    found = subsample_error("the recall", NAMES, counts([30, 100, 0], [30, 1000, 5]), np.array([0.5, 0.9, np.nan]))
    assert found.standard_error[0] == 0
    assert found.standard_error[1] == pytest.approx(np.sqrt(92 / 104 * 12 / 104 / 100 * 0.9))
    assert np.isnan(found.standard_error[2])
    assert found.overdrawn[0] == pytest.approx(30 / 130 / (30 / 1035))
    assert found.sentence == (
        "That adds a standard error of at most 0.030 to a recall ('bee'); 'ant' has 8.0 times its share there."
    )
    assert found.evidence[0].value == pytest.approx(found.standard_error[1])


def test_a_recall_of_zero_is_not_free_of_error() -> None:
    found = subsample_error("the recall", ("ant",), counts([20], [2000]), np.array([0.0]))
    assert found.standard_error[0] > 0.05


def test_the_measured_difference_is_said() -> None:
    found = subsample_error(
        "interventions", NAMES, counts([100] * 3, [1000] * 3), np.array([0.5, 0.9, 0.2]), np.array([0.5, 0.8, 0.6])
    )
    assert "differs by at most -0.40 ('cow')" in found.sentence


@pytest.fixture
def small_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    from marginscope.diagnosis import bench

    monkeypatch.setattr(bench, "make_plan", lambda n, *rest, n_splits: Plan(800, 400, n_splits, 1))


@pytest.mark.usefixtures("small_plan")
def test_notes_and_evidence_of_a_diagnosis_say_it() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat(["ant", "bee", "cow"], [1500, 480, 20])
    X = rng.standard_normal((2000, 3)) + 1.5 * (y[:, None] == np.array(NAMES))
    d = ms.diagnose(None, X, y, checks=["few-rows", "over-regularised", "imbalance"])
    assert sum("adds a standard error of at most" in note for note in d.notes) == 2
    names = [row["name"] for one in d.to_dict()["findings"] for row in one["evidence"]]
    assert sum(name.startswith("standard error that the subsample for the recall adds") for name in names) == 1
    assert sum(name.startswith("standard error that the subsample for interventions adds") for name in names) == 2


@pytest.mark.usefixtures("small_plan")
def test_given_answers_are_all_scored() -> None:
    y = np.repeat(["ant", "bee"], [1500, 500])
    guess = y.copy()
    guess[:100] = "bee"
    d = ms.diagnose(ms.Predictions(guess), np.random.default_rng(0).standard_normal((2000, 3)), y, checks=["few-rows"])
    assert d["ant"].recall == pytest.approx(1400 / 1500)
    assert d.confusion.sum() == 2000
