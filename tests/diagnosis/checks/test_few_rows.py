"""Too few rows to judge."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from marginscope.diagnosis.checks.few_rows import FewRows

MODELS = {"logistic": LogisticRegression(), "svm": make_pipeline(StandardScaler(), SVC())}


@pytest.fixture(scope="module")
def small(blobs):
    """A class of a few rows among those of another one."""

    def make(n):
        return blobs([60, 60, n], [[0, 0, 0], [6, 0, 0], [6, 0, 0]], test=0)

    return make


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("n", [1, 2, 5])
def test_fires_for_a_class_of_a_handful(n, model, small, case_of, examine):
    found = examine(FewRows(), case_of(model, small(n), cv=3))
    assert found.status == "issue"
    assert found.classes == ("cow",)
    assert found.evidence[0].value == (0 if n == 1 else n)


def test_dat015_a_class_of_one_row_has_no_recall_and_is_not_called_unlearned(small):
    one = small(1).diagnose(LogisticRegression(), cv=3)["cow"]
    assert one.recall is None
    assert one.recall_interval is None
    assert one.precision is None or 0 <= one.precision <= 1
    assert one.verdict == "undecided"
    assert one.cause == "few-rows"
    assert "one row only" in one.reason


@pytest.mark.parametrize("n", [2, 5])
def test_too_few_rows_are_the_first_cause(n, small):
    one = small(n).diagnose(LogisticRegression(), cv=3)["cow"]
    assert one.verdict in ("unlearned", "undecided", "weak")
    assert one.cause == "few-rows"
    assert one.rows == n


def test_dat016_a_class_without_test_rows_has_no_recall(healthy):
    from dataclasses import replace

    kept = healthy.y_test != "cow"
    found = replace(healthy, X_test=healthy.X_test[kept], y_test=healthy.y_test[kept]).diagnose(LogisticRegression())
    one = found["cow"]
    assert one.recall is None
    assert one.verdict == "undecided"
    assert "no test rows" in one.reason


def test_stays_silent_for_large_classes(healthy_case, examine):
    found = examine(FewRows(), healthy_case)
    assert found.status == "passed"
    assert found.evidence[0].value == 80.0


def test_a_small_class_that_is_learned_for_sure_can_be_judged(blobs, case_of, examine):
    problem = blobs([60, 60, 12], [[0, 0, 0], [9, 0, 0], [0, 20, 0]], test=0)
    assert examine(FewRows(), case_of(LogisticRegression(), problem, cv=3)).status == "passed"


def test_a_small_class_that_an_intervention_brings_back_can_be_judged(blobs, case_of, examine):
    from marginscope.diagnosis.checks.over_regularised import OverRegularised

    problem = blobs([80, 60, 20], [[0, 0, 0], [9, 0, 0], [0, 20, 0]], test=1)
    case = case_of(LogisticRegression(C=1e-6), problem)
    check = FewRows(widest=0.1)
    assert examine(check, case).classes == ("cow",)
    assert "cow" in examine(OverRegularised(), case).classes
    assert examine(check, case).status == "passed"


def test_an_absent_class_is_not_called_small(healthy, case_of, examine):
    from dataclasses import replace

    kept = healthy.y != "cow"
    case = case_of(LogisticRegression(), replace(healthy, X=healthy.X[kept], y=healthy.y[kept]))
    assert examine(FewRows(), case).status == "passed"


@pytest.mark.parametrize("threshold", [{"widest": 1.0}, {"least_rows": 3}, {"good_recall": 0.0}])
def test_thresholds_decide(threshold, small, case_of, examine):
    case = case_of(LogisticRegression(), small(5), cv=3)
    assert examine(FewRows(), case).status == "issue"
    assert examine(FewRows(**threshold), case).status == "passed"


def test_the_panel_shows_the_interval_under_everything_that_was_tried(small, case_of, examine):
    from marginscope.diagnosis.checks.over_regularised import OverRegularised

    case = case_of(LogisticRegression(), small(5), cv=3)
    examine(OverRegularised(), case)
    found = examine(FewRows(), case)
    (series,) = found.panels["cow"].series
    assert series.x[0] == "now"
    assert any(str(name).startswith("weaker-penalty") for name in series.x)
    assert np.all(np.array(series.low) <= np.array(series.high))
