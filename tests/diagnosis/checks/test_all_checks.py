"""What every check owes: being listed means being held to this."""

from dataclasses import fields, is_dataclass, replace

import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier

from marginscope.diagnosis.candidates import NEVER_A_CAUSE, PREFERENCE
from marginscope.diagnosis.case import NotTried
from marginscope.diagnosis.checks import CHECKS
from marginscope.exceptions import CheckNotApplicable
from marginscope.findings import Finding, Status
from marginscope.remedies import REMEDIES

every_check = pytest.mark.parametrize("check", CHECKS, ids=[one.slug for one in CHECKS])


@pytest.fixture(scope="module")
def cases(healthy_case, given_case, imbalanced_case, penalised_case, case_of, healthy):
    return {
        "healthy": healthy_case,
        "predictions only": given_case,
        "imbalanced": imbalanced_case,
        "penalised": penalised_case,
        "one answer": case_of(DummyClassifier(), healthy),
        "trees": case_of(HistGradientBoostingClassifier(max_iter=8, min_samples_leaf=5), healthy),
    }


def test_slugs_are_distinct_and_ranked():
    slugs = [one.slug for one in CHECKS]
    assert len(set(slugs)) == len(slugs)
    assert set(slugs) <= set(PREFERENCE) | NEVER_A_CAUSE
    assert not set(PREFERENCE) & NEVER_A_CAUSE


def test_the_order_between_equals_is_that_of_the_contract():
    assert PREFERENCE == (
        "label-map",
        "class-absent",
        "conflicting-labels",
        "knob-ignored",
        "mislabelled",
        "few-rows",
        "share-drift",
        "not-converged",
        "dead-units",
        "flat-loss",
        "unscaled-features",
        "over-regularised",
        "overfit",
        "one-vs-rest-masking",
        "shared-interference",
        "imbalance",
        "low-capacity",
        "no-signal",
        "rival-overlap",
    )
    assert {"infinite-parameters", "weights-vanish", "non-identifiable"} == NEVER_A_CAUSE


@every_check
def test_a_check_names_itself_and_its_thresholds(check):
    assert is_dataclass(check)
    assert type(check).__module__.rpartition(".")[2] == check.slug.replace("-", "_")
    assert check.title
    assert check.title[0].islower()
    assert check.cost in ("free", "solve", "refit")
    thresholds = [one.name for one in fields(check) if one.name not in ("slug", "title", "cost")]
    for name in thresholds:
        value = getattr(check, name)
        assert isinstance(value, int | float)
        assert getattr(replace(check, **{name: value + 1}), name) == value + 1


@every_check
@pytest.mark.parametrize("name", ["healthy", "predictions only", "imbalanced", "penalised", "one answer", "trees"])
def test_a_check_comes_to_a_finding_or_says_why_not(check, name, cases, examine):
    case = cases[name]
    try:
        found = examine(check, case)
    except (CheckNotApplicable, NotTried) as reason:
        found = Finding(check.slug, Status.NOT_APPLICABLE, str(reason))
    assert isinstance(found, Finding)
    assert len(found.sentence) > 10
    if found.status is Status.NOT_APPLICABLE:
        return
    assert found.slug == check.slug
    assert found.status in (Status.ISSUE, Status.TIP, Status.PASSED)
    assert found.sentence[0] == found.sentence[0].upper()
    assert found.sentence.endswith(".")
    assert set(found.classes) <= set(case.names)
    assert set(found.panels) <= set(case.names)
    assert set(found.reasons) <= set(case.names)
    assert set(found.remedies) <= {one.slug for one in REMEDIES}
    assert all(0 <= row < case.subject.codes.size for row in found.rows)
    if found.status is Status.PASSED:
        assert not found.classes
    if found.status is Status.ISSUE:
        assert found.evidence, "an issue is decided by numbers"


@every_check
def test_looking_twice_gives_the_same_finding(check, cases, examine):
    case = cases["imbalanced"]
    try:
        one = examine(check, case)
    except (CheckNotApplicable, NotTried):
        return
    two = examine(check, case)
    assert one.to_dict() == two.to_dict()
