"""What was skipped or failed is said in Python as on the terminal, and where a class has no cause."""

import re

import pytest
from sklearn.linear_model import LogisticRegression

from marginscope.cli.table import diagnosis_lines
from marginscope.diagnosis.checks.low_capacity import LowCapacity
from marginscope.diagnosis.want_of_time import with_want_of_time
from marginscope.findings import ClassDiagnosis, Finding, Status, Verdict


def flat(text):
    return re.sub(r"\s+", " ", text)


def test_what_was_not_run_is_said_in_the_same_words(penalised, monkeypatch):
    def broken(self, case):
        raise ZeroDivisionError("x")

    monkeypatch.setattr(LowCapacity, "examine", broken)
    found = penalised.diagnose(LogisticRegression(C=1e-5), budget=0)
    skipped = [one for one in found.findings if one.status is Status.SKIPPED]
    in_python = flat(str(found))
    on_terminal = flat("\n".join(line.plain for line in diagnosis_lines(found, 80)))
    for text in (in_python, on_terminal):
        assert "errored low-capacity: the check failed (ZeroDivisionError: x); please report it" in text
        assert "skipped imbalance: the time budget was spent before class-weights could be tried" in text
        assert all(one.slug in text for one in skipped)
    assert len(skipped) > 3
    assert found["cow"].cause is None
    assert found["cow"].reason.endswith(f"; {len(skipped)} checks were skipped for want of time")


def test_with_time_nothing_is_added(penalised):
    found = penalised.diagnose(LogisticRegression(C=1e-5), checks=["class-absent"])
    assert "want of time" not in str(found)
    assert "skipped " in str(found)


@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("cause", [None, "imbalance"])
def test_only_a_class_without_a_cause_is_told(verdict, cause):
    one = ClassDiagnosis("a", 5, 0.5, 0.1, None, None, None, verdict, cause=cause, reason="why")
    late = Finding("smote", Status.SKIPPED, "the time budget was spent before x could be tried")
    (told,) = with_want_of_time([one], [late, Finding("b", Status.SKIPPED, "not asked for")])
    is_told = cause is None and verdict is not Verdict.HEALTHY
    assert told.reason == ("why; 1 check was skipped for want of time" if is_told else "why")
