"""The checks run by skore itself, on its reports."""

from __future__ import annotations

import pickle
import sys
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression

import marginscope as ms
from marginscope.diagnosis.checks import CHECKS
from marginscope.exceptions import MissingExtra, UsageError

FEW = ["over-regularised", "class-absent", "knob-ignored"]


def report(model: Any, **options: Any) -> Any:
    skore = pytest.importorskip("skore")
    X, y = load_iris(return_X_y=True)
    return skore.evaluate(model, X, y, **options)


def sections(made: Any) -> dict[str, str]:
    frame = made.checks.summarize().frame()
    return {code: section for code, section in zip(frame["code"], frame["section"], strict=True) if code[:3] == "MS-"}


def test_without_skore_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skore", None)
    monkeypatch.delitem(sys.modules, "marginscope.integrations.skore_check", raising=False)
    with pytest.raises(MissingExtra, match=r"marginscope\[skore\]"):
        ms.integrations.skore_checks()


pytestmark = pytest.mark.filterwarnings("ignore")


def test_one_check_each_with_stable_codes_and_links() -> None:
    pytest.importorskip("skore")
    made = ms.integrations.skore_checks()
    assert [one.code for one in made] == ["MS-CLASSES", *(f"MS-{check.slug.upper()}" for check in CHECKS)]
    for one, check in zip(made[1:], CHECKS, strict=True):
        assert one.title == f"{check.slug}: {check.title}"
        assert one.docs_url.endswith(f"/src/marginscope/explain/{check.slug}.md")
        assert one.slow


def test_an_unknown_slug_is_refused() -> None:
    pytest.importorskip("skore")
    with pytest.raises(UsageError, match="'luck' is none"):
        ms.integrations.skore_checks(checks=["luck"])


def test_a_report_of_one_split_says_what_diagnose_says(monkeypatch: pytest.MonkeyPatch) -> None:
    made = report(LogisticRegression(C=1e-5), splitter=0.3)
    from marginscope.integrations import skore_check

    calls: list[Any] = []
    original = skore_check.diagnose
    monkeypatch.setattr(skore_check, "diagnose", lambda *a, **k: calls.append(1) or original(*a, **k))
    made.checks.add(ms.integrations.skore_checks())
    found = sections(made)
    assert calls == [1]
    d = ms.diagnose(made.estimator_, made.X_train, made.y_train, X_test=made.X_test, y_test=made.y_test)
    assert d["1"].cause == "over-regularised"
    for one in d.findings:
        expected = str(one.status) if one.status.is_decided else "not_applicable"
        assert found[f"MS-{one.slug.upper()}"] == expected, one.slug
    assert found["MS-CLASSES"] == "issue"
    frame = made.checks.summarize(ignore=["MS-OVER-REGULARISED"]).frame()
    text = str(frame[frame["code"] == "MS-CLASSES"]["explanation"].iloc[0])
    assert "of 3 classes are not learned" in text
    assert "cause over-regularised" in text
    assert "MS-OVER-REGULARISED" in set(frame[frame["section"] == "ignored"]["code"])
    assert set(made.checks.summarize(fast_mode=True).frame()["code"]) >= {"MS-CLASSES"}


def test_a_cross_validation_report_is_diagnosed_on_its_own_splits() -> None:
    made = report(LogisticRegression(max_iter=500), splitter=4)
    shared = ms.integrations.skore_checks(checks=FEW)
    made.checks.add(shared)
    assert sections(made) == {
        "MS-CLASSES": "passed",
        "MS-OVER-REGULARISED": "passed",
        "MS-CLASS-ABSENT": "passed",
        "MS-KNOB-IGNORED": "not_applicable",
    }
    d = shared[0].shared.of(made)
    assert d.recall_note == "Recall is out of sample: 4 given splits."


def test_one_list_of_checks_serves_two_reports() -> None:
    bad, good = report(LogisticRegression(C=1e-5), splitter=0.3), report(LogisticRegression(max_iter=500), splitter=0.3)
    checks = ms.integrations.skore_checks(checks=FEW)
    for one in (bad, good):
        one.checks.add(checks)
    assert sections(bad)["MS-CLASSES"] == "issue"
    assert sections(good)["MS-CLASSES"] == "passed"


def test_a_comparison_names_the_report() -> None:
    skore = pytest.importorskip("skore")
    both = skore.compare(
        {
            "tight": report(LogisticRegression(C=1e-5), splitter=0.3),
            "free": report(LogisticRegression(max_iter=500), splitter=0.3),
        }
    )
    both.checks.add(ms.integrations.skore_checks(checks=FEW))
    frame = both.checks.summarize().frame()
    told = frame[frame["code"] == "MS-OVER-REGULARISED"]["explanation"].iloc[0]
    assert set(told) == {"tight"}


def test_a_report_with_checks_goes_through_a_pickle() -> None:
    made = report(LogisticRegression(C=1e-5), splitter=0.3)
    made.checks.add(ms.integrations.skore_checks(checks=FEW))
    before = sections(made)
    again = pickle.loads(pickle.dumps(made))
    assert sections(again) == before


def test_a_model_without_training_rows_is_known_by_its_answers() -> None:
    skore = pytest.importorskip("skore")
    X, y = load_iris(return_X_y=True)
    made = skore.EstimatorReport(LogisticRegression(max_iter=500).fit(X, y), X_test=X, y_test=y)
    made.checks.add(ms.integrations.skore_checks(checks=["class-absent"]))
    assert sections(made) == {"MS-CLASSES": "passed", "MS-CLASS-ABSENT": "passed"}


def test_a_regression_is_not_applicable() -> None:
    skore = pytest.importorskip("skore")
    X, _ = load_iris(return_X_y=True)
    made = skore.evaluate(LinearRegression(), X, X @ np.arange(1.0, 5.0), splitter=0.3)
    made.checks.add(ms.integrations.skore_checks(checks=FEW))
    assert set(sections(made).values()) == {"not_applicable"}
