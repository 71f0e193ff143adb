"""The features do not know the class."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

import marginscope as ms
from marginscope.diagnosis.case import BudgetSpent
from marginscope.diagnosis.checks.label_map import LabelMap
from marginscope.diagnosis.checks.no_signal import NoSignal
from marginscope.exceptions import CheckNotApplicable


@pytest.fixture(scope="module")
def mute_case(case_of, mute, scaled_logistic):
    return case_of(scaled_logistic, mute)


@pytest.fixture(scope="module")
def fired(mute_case, examine):
    return examine(NoSignal(), mute_case)


def test_fires_for_a_class_drawn_from_the_others(fired):
    assert fired.status == "issue"
    assert fired.classes == ("fox",)
    assert fired.evidence[0].threshold == NoSignal().level
    assert fired.evidence[0].value > NoSignal().level
    assert fired.reasons["fox"]


def test_the_panel_shows_the_permuted_refits_and_the_true_one(fired):
    panel = fired.panels["fox"]
    null = panel.series[0].x
    assert len(null) >= 5
    assert np.mean(null) == pytest.approx(0.5, abs=0.1)
    assert dict(panel.marks)["coin"] == 0.5


def test_fires_for_trees_too(mute, case_of, examine):
    found = examine(NoSignal(), case_of(RandomForestClassifier(25, min_samples_leaf=2), mute))
    assert "fox" in found.classes


def test_it_is_the_first_cause_of_the_class(mute, scaled_logistic):
    one = mute.diagnose(scaled_logistic)["fox"]
    assert one.verdict == "unlearned"
    assert one.cause == "no-signal"


def test_dat012_constant_features_know_nothing(healthy):
    y = np.repeat(["ant", "bee"], [20, 16])
    flat = replace(healthy, X=np.ones((36, 2)), y=y, X_test=np.ones((36, 2)), y_test=y)
    found = flat.diagnose(LogisticRegression(), checks=["no-signal"])
    assert set(found.finding("no-signal").classes) == {"ant", "bee"}
    assert all(one.verdict == "unlearned" for one in found.classes), "recall 1.0 of the only answer is no learning"


def test_stays_silent_where_every_class_is_told(healthy_case, examine):
    assert examine(NoSignal(), healthy_case).status == "passed"


@pytest.mark.parametrize("name", ["penalised_case", "imbalanced_case"])
def test_stays_silent_for_classes_that_a_reference_tells(name, request, examine):
    found = examine(NoSignal(), request.getfixturevalue(name))
    assert found.status == "passed"
    assert found.evidence, "the class in doubt was tested"


def test_signal_that_no_line_sees_is_signal(rings, scaled_logistic, case_of, examine):
    assert examine(NoSignal(), case_of(scaled_logistic, rings)).status == "passed"


def test_classes_too_small_for_a_permutation_test(blobs, case_of, examine):
    problem = blobs([60, 60, 5], [[0, 0, 0], [6, 0, 0], [5.5, 0, 0]])
    with pytest.raises(CheckNotApplicable, match="too few for a permutation test"):
        examine(NoSignal(), case_of(LogisticRegression(), problem))


def test_applies_to_given_predictions(mute, case_of, examine):
    answers = np.where(mute.X_test[:, 0] > 3, "bee", "ant")
    found = examine(NoSignal(), case_of(ms.Predictions(answers), mute))
    assert found.classes == ("fox",)


def test_the_level_is_a_threshold(mute_case, examine):
    assert examine(NoSignal(level=1.0), mute_case).status == "passed"


def test_the_least_number_of_rows_is_a_threshold(mute_case, examine):
    with pytest.raises(CheckNotApplicable, match="1000 rows"):
        examine(NoSignal(least_rows=1000), mute_case)


def test_where_the_rank_test_is_clear_nothing_is_refitted(mute_case, examine):
    found = examine(NoSignal(clear=1.0), mute_case)
    assert found.classes == ("fox",), "the rank test alone finds no signal either"
    assert found.panels["fox"].series[0].x == ()


def test_the_number_of_permutations_is_a_threshold(mute_case, examine):
    found = examine(NoSignal(n_permutations=2, enough=3), mute_case)
    assert len(found.panels["fox"].series[0].x) == 2


def test_the_answer_repeats(mute_case, examine, fired):
    again = examine(NoSignal(), mute_case)
    assert again.to_dict() == fired.to_dict()


def test_the_budget_is_asked_before_every_refit(mute, scaled_logistic, case_of, examine):
    case = case_of(scaled_logistic, mute)
    case.lab.reference()  # made while there is time
    case.lab.deadline = 0.0
    with pytest.raises(BudgetSpent, match="permutation test of 'fox'"):
        examine(NoSignal(), case)


@pytest.mark.parametrize("observed", [0.5, 0.7, 0.9, 0.97, 0.99])
def test_ending_a_test_early_decides_the_same(observed, monkeypatch):
    """With areas drawn at random in place of forests: fewer refits, equal verdicts."""
    from marginscope.diagnosis import signal

    rule = NoSignal()
    refits = {rule.enough: 0, rule.enough_of_many: 0}
    for seed in range(30):
        silent = set()
        for enough in refits:
            null = iter(np.random.default_rng(seed).random(1000))
            first = [observed]
            monkeypatch.setattr(signal, "forest_auc", lambda *a, f=first, n=null: f.pop() if f else next(n))
            test = signal.permutation_test(
                np.zeros((4, 1)),
                np.array([True, False, True, False]),
                n_permutations=rule.n_permutations,
                enough=enough,
                rng=np.random.default_rng(0),
            )
            silent.add(test.p_value > rule.level)
            refits[enough] += len(test.null)
        assert len(silent) == 1
    assert refits[rule.enough_of_many] <= refits[rule.enough]


def test_a_class_with_a_wrong_name_is_not_tested(mute, scaled_logistic, case_of, examine):
    """The class is drawn from the others, and two fifths of it go by another spelling."""
    rng = np.random.default_rng(0)
    y, y_test = (
        np.where((part == "fox") & (rng.random(part.size) < 0.4), "Fox", part) for part in (mute.y, mute.y_test)
    )
    case = case_of(scaled_logistic, replace(mute, y=y, y_test=y_test))
    assert set(examine(NoSignal(), case).classes) == {"fox", "Fox"}
    assert set(examine(LabelMap(), case).classes) == {"fox", "Fox"}
    with pytest.raises(CheckNotApplicable, match="wrong names"):
        examine(NoSignal(), case)


def test_other_classes_in_doubt_are_tested_all_the_same(mute_case, examine, fired):
    kept = dict(mute_case.notebook)
    try:
        mute_case.notebook["label-map"] = frozenset({"ant"})
        assert examine(NoSignal(), mute_case).to_dict() == fired.to_dict()
    finally:
        mute_case.notebook.clear()
        mute_case.notebook.update(kept)
