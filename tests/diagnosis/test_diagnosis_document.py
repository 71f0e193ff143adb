"""The JSON document, and what a diagnosis always holds."""

import importlib
import json
import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

import marginscope as ms
from marginscope.diagnosis.checks import CHECKS
from marginscope.exceptions import DataError
from marginscope.findings import Status, Verdict

ROOT = ["schema", "data", "model", "classes", "findings", "not_checked", "provenance"]
DATA = ["file", "sha256", "target", "rows", "features", "n_classes"]
CLASS = ["label", "rows", "share", "recall", "recall_interval", "precision", "rival", "verdict", "cause", "reason"]
FINDING = ["slug", "status", "classes", "sentence", "evidence", "remedies"]


@pytest.fixture(scope="module")
def diagnoses(imbalanced, penalised, healthy, rings, scaled_logistic):
    return {
        "imbalanced": imbalanced.diagnose(scaled_logistic),
        "penalised": penalised.diagnose(LogisticRegression(C=1e-5)),
        "rings": rings.diagnose(scaled_logistic),
        "healthy": healthy.diagnose(None),
        "folds": healthy.without_test().diagnose(LogisticRegression(), cv=3, checks=["few-rows", "imbalance"]),
        "one answer": healthy.diagnose(DummyClassifier(), checks=["class-absent", "few-rows"]),
        "given": healthy.diagnose(ms.Predictions(healthy.y_test)),
        "no time": penalised.diagnose(LogisticRegression(C=1e-5), budget=0),
    }


NAMES = ["imbalanced", "penalised", "rings", "healthy", "folds", "one answer", "given", "no time"]
every_diagnosis = pytest.mark.parametrize("name", NAMES)


@every_diagnosis
def test_the_document_has_exactly_the_keys_of_the_contract(name, diagnoses):
    document = diagnoses[name].to_dict()
    assert list(document) == ROOT
    assert document["schema"] == "marginscope.diagnosis/1"
    assert list(document["data"]) == DATA
    assert list(document["model"]) == ["kind", "params"]
    assert list(document["provenance"]) == ["version", "seed", "command", "packages"]
    for one in document["classes"]:
        assert list(one) == [*CLASS, "runner_up", "findings"]
    for one in document["findings"]:
        assert list(one) == FINDING
        for row in one["evidence"]:
            assert list(row) == ["name", "value", "threshold", "interval"]
    for one in document["not_checked"]:
        assert list(one) == ["slug", "reason"]


@every_diagnosis
def test_the_text_is_the_dictionary(name, diagnoses):
    found = diagnoses[name]
    assert json.loads(found.to_json()) == found.to_dict()
    assert json.loads(found.to_json(indent=None)) == found.to_dict()


def leaves(value):
    if isinstance(value, dict):
        for one in value.values():
            yield from leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one)
    else:
        yield value


@every_diagnosis
def test_num015_there_is_never_a_nan(name, diagnoses):
    document = diagnoses[name].to_dict()
    for value in leaves(document):
        assert value is None or type(value) in (str, int, float, bool)
        assert not isinstance(value, float) or math.isfinite(value)
    text = diagnoses[name].to_json()
    assert "NaN" not in text
    assert "Infinity" not in text


def test_num015_a_class_that_is_never_predicted_has_no_precision(diagnoses):
    found = diagnoses["one answer"]
    assert found["cow"].precision is None
    assert found["cow"].recall == 0.0
    assert found["ant"].precision == pytest.approx(120 / 300)


@every_diagnosis
def test_every_check_reports_exactly_once(name, diagnoses):
    found = diagnoses[name]
    assert sorted(one.slug for one in found.findings) == sorted(one.slug for one in CHECKS)
    assert not [one for one in found.findings if one.status is Status.ERRORED]
    undecided = {one.slug: one.sentence for one in found.findings if not one.status.is_decided}
    assert {one["slug"]: one["reason"] for one in found.to_dict()["not_checked"]} == undecided
    assert all(undecided.values())


@every_diagnosis
def test_the_reason_of_every_class_is_in_the_document(name, diagnoses):
    """Where no cause was proved, the reason is all that is known."""
    found = diagnoses[name]
    for one, row in zip(found.classes, found.to_dict()["classes"], strict=True):
        assert row["reason"] == one.reason
        assert (row["cause"] is None) <= (row["verdict"] == "healthy" or "no cause" in row["reason"])


def test_a_reason_that_does_not_exist_is_null(diagnoses):
    bare = replace(diagnoses["healthy"].classes[0], reason="")
    assert bare.to_dict()["reason"] is None


@every_diagnosis
def test_findings_come_in_the_order_of_their_status(name, diagnoses):
    order = [list(Status).index(one.status) for one in diagnoses[name].findings]
    assert order == sorted(order)


@every_diagnosis
def test_classes_are_whole(name, diagnoses):
    found = diagnoses[name]
    assert sorted(one.label for one in found.classes) == sorted(found.labels)
    assert sum(one.share for one in found.classes) == pytest.approx(1.0)
    assert sum(one.rows for one in found.classes) == found.data.rows
    for one in found.classes:
        assert one.reason
        if one.recall is None:
            assert one.recall_interval is None
        else:
            low, high = one.recall_interval
            assert 0 <= low <= high <= 1
            assert low - 1e-9 <= one.recall <= high + 1e-9


@every_diagnosis
def test_verdicts_causes_and_findings_agree(name, diagnoses):
    found = diagnoses[name]
    for one in found.classes:
        assert (one.verdict is Verdict.HEALTHY) <= (one.cause is None)
        named = {finding.slug for finding in found.findings if one.label in finding.classes}
        assert set(one.findings) == named
        if one.cause is not None:
            assert one.cause in one.findings
            assert found.finding(one.cause).status is Status.ISSUE
        assert (one.runner_up is None) or (one.runner_up != one.cause and one.runner_up_reason)
        assert (one.cause is None) <= (one.runner_up is None or one.verdict is not Verdict.HEALTHY)
    assert found.not_learned == tuple(one for one in found.classes if one.verdict != "healthy")


def test_a_class_whose_lift_is_proved_is_not_healthy(diagnoses):
    """A proof says that the class can be learned better: weak at least."""
    for found in diagnoses.values():
        for finding in found.findings:
            if finding.status is Status.ISSUE:
                for claim in finding.counterfactuals:
                    assert not (claim.is_proof and found[claim.label].verdict == "healthy"), finding.sentence


def test_there_is_no_file_in_python(diagnoses):
    data = diagnoses["healthy"].to_dict()["data"]
    assert (data["file"], data["sha256"], data["target"]) == (None, None, None)
    assert (data["rows"], data["features"], data["n_classes"]) == (150, 3, 3)


def test_the_model_is_named_with_what_was_set(diagnoses):
    model = diagnoses["penalised"].to_dict()["model"]
    assert model == {"kind": "LogisticRegression", "params": {"C": 1e-5}}
    assert diagnoses["healthy"].to_dict()["model"]["kind"].startswith("reference")
    assert diagnoses["given"].to_dict()["model"]["kind"] == "Predictions"


def test_the_confusion_counts_the_scored_rows(diagnoses, imbalanced):
    found = diagnoses["imbalanced"]
    assert found.confusion.sum() == imbalanced.y_test.size
    assert found.labels == ("ant", "bee", "cow")
    recall = np.diag(found.confusion) / found.confusion.sum(axis=1)
    assert [found[name].recall for name in found.labels] == pytest.approx(recall)


def test_given_labels_are_scored_as_sklearn_scores_them(healthy):
    from sklearn.metrics import precision_score, recall_score

    rng = np.random.default_rng(0)
    answers = np.where(rng.random(healthy.y_test.size) < 0.3, "bee", healthy.y_test)
    found = healthy.diagnose(ms.Predictions(answers), checks=["class-absent"])
    names = ["ant", "bee", "cow"]
    expected = recall_score(healthy.y_test, answers, labels=names, average=None)
    assert [found[name].recall for name in names] == pytest.approx(expected)
    expected = precision_score(healthy.y_test, answers, labels=names, average=None)
    assert [found[name].precision for name in names] == pytest.approx(expected)


@every_diagnosis
def test_texts_and_frames_hold_every_class(name, diagnoses):
    found = diagnoses[name]
    text, frame = str(found), found.frame()
    for one in found.classes:
        assert one.label in text
    assert len(frame) == len(found.classes)
    assert {"label", "recall", "verdict", "cause", "reason", "recall_low", "recall_high"} <= set(frame.columns)
    assert found._repr_html_()


def test_classes_are_found_by_label_and_findings_by_slug(diagnoses):
    found = diagnoses["healthy"]
    assert found["ant"].label == "ant"
    assert found.finding("few-rows").slug == "few-rows"
    with pytest.raises(KeyError, match="'yak'"):
        found["yak"]
    with pytest.raises(KeyError, match="few-rows"):
        found.finding("yak")


@every_diagnosis
def test_the_text_names_every_issue_and_tip(name, diagnoses):
    found = diagnoses[name]
    tip = replace(found.findings[-1], status=Status.TIP, slug="a-tip", sentence="something to know")
    text = str(replace(found, findings=(*found.findings, tip)))
    for one in found.findings:
        assert (one.status is not Status.ISSUE) or (f"{one.slug}: " in text)
    assert "  a-tip: something to know" in text.splitlines()


def test_iteration_gives_the_classes_worst_first(diagnoses):
    found = diagnoses["imbalanced"]
    assert [one.label for one in found] == [one.label for one in found.classes]
    assert len(set(map(id, found))) == 3
    assert found.classes[0] in found
    assert "cow" in found
    assert "yak" not in found


def test_integer_labels_are_found_as_they_are_written():
    found = ms.diagnose(ms.Predictions([1, 1, 2, 2] * 5), None, [1, 1, 2, 2] * 5, checks=["class-absent"])
    assert 2 in found
    assert 0 not in found
    assert sorted(one.label for one in found) == ["1", "2"]


def test_a_list_of_diagnoses_is_no_table_of_their_classes(diagnoses):
    """numpy takes what has a length and items for a sequence, and would ask a diagnosis for its class 0."""
    both = [diagnoses["healthy"], diagnoses["imbalanced"]]
    assert np.array(both, dtype=object).shape == (2,)


def test_every_threshold_is_on_record(diagnoses):
    thresholds = diagnoses["healthy"].thresholds
    assert {one.slug for one in CHECKS} <= set(thresholds)
    assert thresholds["verdicts"]["unlearned"] == 0.1
    assert thresholds["verdicts"]["good"] == 0.5
    assert thresholds["verdicts"]["least_rows"] == 30
    assert thresholds["proof"]["least_lift"] == 0.05
    assert thresholds["few-rows"]["least_rows"] == 30


def test_notes_say_how_the_recall_was_got(diagnoses):
    assert any("test rows that were given" in note for note in diagnoses["healthy"].notes)
    assert any("3-fold" in note for note in diagnoses["folds"].notes)


# faults inside -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Broken:
    error: Exception
    slug: str = "broken"
    title: str = "breaks"
    cost: str = "free"

    def examine(self, case):
        raise self.error


@pytest.fixture
def with_broken(monkeypatch, healthy):
    engine = importlib.import_module("marginscope.diagnosis.examination")

    def run(error):
        monkeypatch.setattr(engine, "CHECKS", (CHECKS[0], Broken(error), CHECKS[-1]))
        return healthy.diagnose(LogisticRegression())

    return run


@pytest.mark.parametrize("error", [ZeroDivisionError("by zero"), DataError("rows are needed, got none; add rows")])
def test_a_check_that_fails_is_errored_and_the_others_are_kept(error, with_broken):
    found = with_broken(error)
    assert found.finding("broken").status == "errored"
    assert str(error) in found.finding("broken").sentence
    assert found.finding(CHECKS[0].slug).status == "passed"
    assert found.finding(CHECKS[-1].slug).status == "passed"
    assert {one.verdict for one in found.classes} == {"healthy"}
    assert [one["slug"] for one in found.to_dict()["not_checked"]] == ["broken"]
