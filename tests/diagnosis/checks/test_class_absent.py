"""A class without training rows."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

import marginscope as ms
from marginscope.diagnosis.checks.class_absent import ClassAbsent


@pytest.fixture(scope="module")
def without_cows(healthy):
    kept = healthy.y != "cow"
    return replace(healthy, X=healthy.X[kept], y=healthy.y[kept])


@pytest.mark.parametrize("model", [LogisticRegression(), RandomForestClassifier(10)], ids=["logistic", "forest"])
def test_fires_for_a_tested_class_without_training_rows(model, without_cows, case_of, examine):
    found = examine(ClassAbsent(), case_of(model, without_cows))
    assert found.status == "issue"
    assert found.classes == ("cow",)
    assert "80 test rows" in found.sentence
    assert found.evidence[0].value == 0.0


def test_names_every_absent_class(healthy, case_of, examine):
    y_test = healthy.y_test.astype("U8")
    y_test[:9] = "yak"
    y_test[9:20] = "zebu"
    found = examine(ClassAbsent(), case_of(LogisticRegression(), replace(healthy, y_test=y_test)))
    assert set(found.classes) == {"yak", "zebu"}
    assert "9 test rows" in found.reasons["yak"]


def test_stays_silent_where_every_class_trains(healthy_case, examine):
    found = examine(ClassAbsent(), healthy_case)
    assert found.status == "passed"
    assert found.evidence[0].value == 40.0


def test_a_class_that_is_not_tested_is_not_absent(healthy, case_of, examine):
    kept = healthy.y_test != "cow"
    problem = replace(healthy, X_test=healthy.X_test[kept], y_test=healthy.y_test[kept])
    assert examine(ClassAbsent(), case_of(LogisticRegression(), problem)).status == "passed"


def test_applies_to_predictions_too(without_cows, case_of, examine):
    model = ms.Predictions(without_cows.y_test)
    assert examine(ClassAbsent(), case_of(model, without_cows)).classes == ("cow",)


def test_the_number_of_rows_is_a_threshold(healthy_case, examine):
    assert examine(ClassAbsent(least_rows=40), healthy_case).status == "passed"
    assert examine(ClassAbsent(least_rows=41), healthy_case).classes == ("cow",)


def test_dat017_a_class_of_the_test_alone_is_absent_and_has_no_recall(without_cows):
    one = without_cows.diagnose(LogisticRegression(), checks=["class-absent"])["cow"]
    assert (one.verdict, one.cause, one.rows) == ("absent", "class-absent", 0)
    assert one.recall is None
    assert one.recall_interval is None
    assert one.reason


def test_dat018_a_declared_category_without_rows_is_reported_and_not_fitted(healthy):
    pd = pytest.importorskip("pandas")
    y = pd.Series(pd.Categorical(healthy.y, categories=["ant", "bee", "cow", "yak"]))
    found = ms.diagnose(LogisticRegression(), healthy.X, y, cv=3, checks=["class-absent"])
    said = [*found.notes, found.finding("class-absent").sentence]
    assert any("yak" in text for text in said)
    fitted = {one.label for one in found.classes if one.recall is not None}
    assert fitted == {"ant", "bee", "cow"}


def test_a_class_that_a_table_declares_is_absent(tmp_path):
    from marginscope.diagnosis.diagnose import diagnose_table
    from marginscope.tables.read import read_table

    rng = np.random.default_rng(0)
    lines = ["@relation farm", "@attribute a numeric", "@attribute kind {ant,bee,yak}", "@data"]
    lines += [f"{rng.normal() + 4 * (k % 2):.3f},{('ant', 'bee')[k % 2]}" for k in range(60)]
    path = tmp_path / "farm.arff"
    path.write_text("\n".join(lines) + "\n")
    found = diagnose_table(read_table(path, target="kind"), checks=["class-absent"])
    assert found["yak"].verdict == "absent"
    assert found["yak"].cause == "class-absent"
    assert found["yak"].recall is None


def test_a_fitted_model_that_was_never_shown_a_class_does_not_know_it(healthy, without_cows, case_of, examine):
    model = LogisticRegression().fit(without_cows.X, without_cows.y)
    found = examine(ClassAbsent(), case_of(model, healthy))
    assert found.status == "issue"
    assert found.classes == ("cow",)
    assert "trained without" in found.sentence
    one = healthy.diagnose(model)["cow"]
    assert (one.verdict, one.cause) == ("unlearned", "class-absent")
    # Fitted anew on every fold it is shown the class.
    assert examine(ClassAbsent(), case_of(model, healthy.without_test())).status == "passed"
    # A frozen one is not.
    assert examine(ClassAbsent(), case_of(FrozenEstimator(model), healthy.without_test())).classes == ("cow",)
