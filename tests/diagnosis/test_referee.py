"""Verdicts, causes and runners-up: the rules of the contract, one by one."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marginscope as ms
from marginscope.diagnosis.candidates import NEVER_A_CAUSE, PREFERENCE
from marginscope.diagnosis.effects import compare, with_placebo
from marginscope.diagnosis.intervals import wilson_interval
from marginscope.diagnosis.referee import Referee
from marginscope.diagnosis.trials import trial_of_predictions
from marginscope.findings import Counterfactual, Evidence, Finding, Status


def answers_of(classes):
    """Labels and answers: ``classes`` maps a name to (rows, hits, name of the wrong answers)."""
    y, predicted = [], []
    for name, (rows, hits, wrong) in classes.items():
        y += [name] * rows
        predicted += [name] * hits + [wrong] * (rows - hits)
    return np.array(y), np.array(predicted)


@pytest.fixture(scope="session")
def case_with(case_of, healthy):
    """A real case whose recalls are chosen: the model is a list of answers."""

    def make(classes):
        y, predicted = answers_of(classes)
        rows = np.arange(y.size, dtype=float)[:, None]
        return case_of(ms.Predictions(predicted), replace(healthy, X=rows, y=y, X_test=None, y_test=None))

    return make


def judge(case, *findings, referee=None, name=None):
    classes, _ = (referee or Referee()).judge(case, findings)
    return {one.label: one for one in classes}[name] if name else classes


def issue(slug, *names, lift=None, cost=0.0, status=Status.ISSUE):
    """A finding; with ``lift`` one that an intervention proved."""
    claims = ()
    if lift is not None:
        claims = tuple(
            Counterfactual(f"by-{slug}", name, 0.05, lift, (lift - 0.05, lift + 0.05), 0.01, cost, placebo=0.0)
            for name in names
        )
    return Finding(slug, status, f"Sentence of {slug}.", names, (Evidence("x", 1.0),), counterfactuals=claims)


def tried(case, slug, classes, *, called_before=None, called_after=None, placebo=True):
    """Put an intervention among those tried: its answers on the case's rows, and what the placebo did."""
    _, predicted = answers_of(classes)
    codes = np.searchsorted(np.array(case.names), predicted)
    other = trial_of_predictions(slug, codes, None, case.n_classes)
    effect = compare(case.lab.base, other, case.lab.raw.codes, case.n_classes, z_simultaneous=3.0)
    if placebo:
        before = np.zeros(case.n_classes) if called_before is None else called_before
        after = before if called_after is None else called_after
        effect = with_placebo(effect, before, after)
    case.lab._effects[slug] = (effect,)
    return case


LEARNED = {"big": (400, 390, "mid"), "mid": (200, 195, "big")}


# verdicts ------------------------------------------------------------------------------------------------


def test_a_rare_class_that_is_learned_is_healthy(case_with):
    one = judge(case_with({**LEARNED, "rare": (40, 37, "big")}), name="rare")
    assert one.verdict == "healthy"
    assert one.cause is None
    assert one.runner_up is None
    assert one.share == pytest.approx(40 / 640)


@pytest.mark.parametrize(("rows", "hits"), [(50, 0), (50, 4), (1000, 99), (5, 0), (29, 2)])
def test_recall_below_a_tenth_is_unlearned(rows, hits, case_with):
    assert judge(case_with({**LEARNED, "low": (rows, hits, "big")}), name="low").verdict == "unlearned"


@pytest.mark.parametrize("recall", [0.2, 0.4])
def test_no_better_than_permuted_labels_is_unlearned_whatever_the_recall(recall, case_with):
    """Every class is called 'low' at the same rate: its own rows are told from no others."""
    hits = int(60 * recall)
    case = case_with({"big": (400, 400 - int(400 * recall), "low"), "low": (60, hits, "big")})
    assert case.scores.chance[1] > 0.05
    one = judge(case, name="low")
    assert one.verdict == "unlearned"
    assert one.reason.startswith("called by its name no more often than other classes are (p = ")


def test_a_large_class_that_takes_all_rows_and_has_no_signal_is_unlearned(case_with):
    case = case_with({"big": (400, 400, "low"), "low": (60, 0, "big")})
    assert judge(case, issue("no-signal", "big", "low"), name="big").verdict == "unlearned"


@pytest.mark.parametrize(("rows", "hits"), [(30, 14), (60, 8), (100, 30), (400, 199)])
def test_recall_below_one_half_is_weak(rows, hits, case_with):
    assert judge(case_with({**LEARNED, "low": (rows, hits, "big")}), name="low").verdict == "weak"


@pytest.mark.parametrize(("rows", "hits"), [(30, 15), (400, 200), (60, 40)])
def test_recall_of_one_half_and_more_is_healthy_if_nothing_lifts_it(rows, hits, case_with):
    assert judge(case_with({**LEARNED, "so": (rows, hits, "big")}), name="so").verdict == "healthy"


@given(st.integers(2, 120).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
@settings(max_examples=60)
def test_undecided_only_if_the_interval_spans_a_boundary_and_there_are_fewer_than_30_rows(case_with, table):
    rows, hits = table
    verdict = judge(case_with({**LEARNED, "so": (rows, hits, "big")}), name="so").verdict
    low, high = wilson_interval(hits, rows)
    spans = low < 0.1 < high or low < 0.5 < high
    assert verdict in ("healthy", "weak", "unlearned", "undecided")
    if verdict == "undecided":
        assert rows < 30
        assert spans
    if verdict == "healthy":
        assert hits >= 0.5 * rows
    if verdict == "weak":
        assert 0.1 * rows <= hits < 0.5 * rows
    if hits < 0.1 * rows:
        assert verdict == ("undecided" if rows < 5 else "unlearned")


@pytest.mark.parametrize(("rows", "hits"), [(2, 0), (4, 0), (4, 1), (3, 0)])
def test_fewer_rows_than_a_proof_needs_condemn_no_class(rows, hits, case_with):
    case = case_with({**LEARNED, "so": (rows, hits, "big")})
    one = judge(case, issue("few-rows", "so"), name="so")
    assert (one.verdict, one.cause) == ("undecided", "few-rows")
    case.lab.proof = replace(case.lab.proof, least_rows=rows)
    assert judge(case, issue("few-rows", "so"), name="so").verdict == ("undecided" if hits else "unlearned")


def test_a_handful_that_is_learned_for_sure_is_healthy(case_with):
    assert judge(case_with({**LEARNED, "so": (4, 4, "big")}), name="so").verdict == "healthy"


@pytest.mark.parametrize(("rows", "hits"), [(10, 5), (20, 9), (29, 14), (29, 16)])
def test_a_small_class_near_one_half_is_undecided(rows, hits, case_with):
    assert judge(case_with({**LEARNED, "so": (rows, hits, "big")}), name="so").verdict == "undecided"


def test_a_class_of_one_row_has_no_recall_and_is_undecided(blobs, case_of):
    from sklearn.linear_model import LogisticRegression

    case = case_of(LogisticRegression(), blobs([30, 30, 1], 8 * np.eye(3), test=0), cv=2)
    one = judge(case, name="cow")
    assert (one.recall, one.recall_interval, one.precision) == (None, None, None)
    assert one.verdict == "undecided"
    assert one.rival is None


def test_a_class_without_training_rows_is_absent_and_has_no_recall(healthy, case_of):
    kept = healthy.y != "cow"
    problem = replace(healthy, X=healthy.X[kept], y=healthy.y[kept])
    case = case_of(ms.Predictions(healthy.y_test), problem)
    one = judge(case, issue("class-absent", "cow"), name="cow")
    assert (one.verdict, one.cause) == ("absent", "class-absent")
    assert one.recall is None
    assert one.recall_interval is None


BEFORE = {"big": (400, 390, "mid"), "mid": (200, 195, "big"), "so": (100, 60, "big")}


@pytest.fixture
def passable(case_with):
    return case_with(BEFORE)


def test_a_passable_class_is_weak_if_an_intervention_lifts_it(passable):
    tried(passable, "class-weights", {**BEFORE, "so": (100, 90, "big")})
    one = judge(passable, name="so")
    assert one.verdict == "weak"
    assert one.reason.startswith("passable, but lifted: recall +0.30 [")
    assert "nothing that was tried" not in one.reason
    proved = judge(passable, issue("imbalance", "so", lift=0.3), name="so")
    assert proved.reason.startswith("passable, but lifted: recall +0.30 [+0.25, +0.35] by by imbalance")
    assert judge(passable, name="mid").verdict == "healthy"


@pytest.mark.parametrize(
    ("after", "options"),
    [
        ({**BEFORE, "so": (100, 64, "big")}, {}),
        ({**BEFORE, "so": (100, 90, "big"), "mid": (200, 60, "big")}, {}),
        ({"big": (400, 250, "so"), "mid": (200, 195, "big"), "so": (100, 90, "big")}, {}),
        ({**BEFORE, "so": (100, 90, "big")}, {"placebo": False}),
        (
            {**BEFORE, "so": (100, 90, "big"), "mid": (200, 180, "so")},
            {"called_before": np.array([0.6, 0.3, 0.1]), "called_after": np.array([0.05, 0.05, 0.9])},
        ),
    ],
    ids=["too small", "balanced recall falls", "rivals pay as much", "no placebo", "the placebo does as much"],
)
def test_a_passable_class_stays_healthy_if_nothing_is_proved(after, options, passable):
    tried(passable, "class-weights", after, **options)
    assert judge(passable, name="so").verdict == "healthy"


def test_thresholds_are_fields(case_with):
    case = case_with({**LEARNED, "so": (100, 30, "big")})
    assert judge(case, name="so").verdict == "weak"
    assert judge(case, name="so", referee=Referee(unlearned=0.35)).verdict == "unlearned"
    assert judge(case, name="so", referee=Referee(good=0.25)).verdict == "healthy"
    assert judge(case, name="so", referee=Referee(least_rows=101, good=0.32)).verdict == "undecided"


# causes --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def poor(case_with):
    """One class that is not learned, with rows enough to judge."""
    return case_with({**LEARNED, "low": (100, 2, "big")})


def test_a_healthy_class_has_no_cause_even_if_a_finding_names_it(poor):
    found = issue("no-signal", "big", "low"), issue("few-rows", "big")
    assert judge(poor, *found, name="mid").cause is None
    one = judge(poor, issue("imbalance", "mid"), name="mid")
    assert one.cause is None
    assert one.findings == ("imbalance",)


def test_a_class_without_any_proof_has_no_cause_and_says_so(poor):
    one = judge(poor, name="low")
    assert one.verdict == "unlearned"
    assert one.cause is None
    assert "no cause was proved" in one.reason


@pytest.mark.parametrize("rows", [3, 12, 25])
def test_a_small_class_without_any_proof_is_blamed_on_its_rows_only_by_a_finding(rows, case_with):
    """The first cause is always an issue that names the class; what no check found is no cause."""
    case = case_with({**LEARNED, "low": (rows, 0, "big")})
    passed = Finding("few-rows", Status.PASSED, "Every class has enough rows.")
    one = judge(case, passed, name="low")
    assert one.cause is None
    assert judge(case, issue("few-rows", "low"), name="low").cause == "few-rows"


@pytest.mark.parametrize("slug", PREFERENCE)
def test_the_only_issue_of_a_class_is_its_cause(slug, poor):
    one = judge(poor, issue(slug, "low", lift=0.6), name="low")
    assert one.cause == slug
    assert one.findings == (slug,)
    assert one.reason


@pytest.mark.parametrize(("first", "second"), list(pairwise(PREFERENCE)))
def test_between_equals_the_earlier_in_the_order_wins(first, second, poor):
    one = judge(poor, issue(second, "low", lift=0.6), issue(first, "low", lift=0.6), name="low")
    assert one.cause == first
    assert one.runner_up == second
    assert one.runner_up_reason


def test_about_equal_is_equal_and_the_thresholds_are_fields(poor):
    found = issue("over-regularised", "low", lift=0.55), issue("imbalance", "low", lift=0.62)
    assert judge(poor, *found, name="low").cause == "over-regularised"
    strict = Referee(equal=0.01, equal_share=0.0)
    assert judge(poor, *found, name="low", referee=strict).cause == "imbalance"


def test_what_repairs_most_wins_over_the_order(poor):
    found = issue("over-regularised", "low", lift=0.2), issue("imbalance", "low", lift=0.9)
    one = judge(poor, *found, name="low")
    assert (one.cause, one.runner_up) == ("imbalance", "over-regularised")


def test_what_costs_the_rivals_least_wins_over_the_larger_lift(poor):
    found = issue("over-regularised", "low", lift=0.9, cost=0.7), issue("imbalance", "low", lift=0.8, cost=0.05)
    assert judge(poor, *found, name="low").cause == "imbalance"


@pytest.mark.parametrize("slug", sorted(NEVER_A_CAUSE))
def test_findings_about_the_fit_are_never_a_cause(slug, poor):
    one = judge(poor, issue(slug, "low", "big", lift=0.9), name="low")
    assert one.cause is None
    assert one.findings == (slug,)
    both = judge(poor, issue(slug, "low", lift=0.9), issue("imbalance", "low", lift=0.2), name="low")
    assert both.cause == "imbalance"
    assert both.runner_up != slug


@pytest.mark.parametrize("status", [Status.TIP, Status.PASSED, Status.SKIPPED, Status.ERRORED])
def test_only_an_issue_is_a_cause(status, poor):
    assert judge(poor, issue("label-map", "low", status=status), name="low").cause is None


def test_an_issue_of_another_class_is_no_cause(poor):
    assert judge(poor, issue("imbalance", "mid", lift=0.5), name="low").cause is None


def test_a_claim_that_is_no_proof_does_not_count_as_a_lift(poor):
    claim = Counterfactual("weights", "low", 0.05, 0.9, (0.8, 1.0), 0.0, 0.0, 0.9, reason="the placebo does as much")
    unproved = replace(issue("imbalance", "low"), counterfactuals=(claim,))
    one = judge(poor, unproved, issue("over-regularised", "low", lift=0.7), name="low")
    assert one.cause == "over-regularised"


def test_without_rows_or_signal_an_intervention_that_works_wins(poor):
    for slug in ("few-rows", "no-signal", "rival-overlap"):
        one = judge(poor, issue(slug, "low"), issue("imbalance", "low", lift=0.9), name="low")
        assert one.cause == "imbalance"
        assert one.runner_up == slug


# runner-up -----------------------------------------------------------------------------------------------


def test_the_best_attempt_that_proved_nothing_is_the_runner_up_with_its_reason(case_with):
    before = {**LEARNED, "low": (100, 2, "big")}
    case = case_with(before)
    tried(case, "class-weights", {"big": (400, 300, "low"), "mid": (200, 195, "big"), "low": (100, 25, "big")})
    attempt = Finding(
        "imbalance",
        Status.PASSED,
        "Nothing is recovered.",
        counterfactuals=(case.lab.claim("class-weights", case.names.index("low"), "low"),),
    )
    one = judge(case, issue("no-signal", "low"), attempt, name="low")
    assert one.cause == "no-signal"
    assert one.runner_up == "imbalance"
    assert "rivals" in one.runner_up_reason


def attempt(slug, name, lift, reason):
    """A check that passed: its intervention proved nothing."""
    claim = Counterfactual(f"by-{slug}", name, 0.05, lift, (lift - 0.3, lift + 0.3), 0.0, 0.0, 0.0, reason=reason)
    return Finding(slug, Status.PASSED, "Nothing recovers a class.", counterfactuals=(claim,))


def test_where_nothing_is_proved_the_best_attempt_and_its_reason_are_said(poor):
    found = (
        attempt("low-capacity", "low", 0.1, "the interval of the change reaches zero"),
        attempt("imbalance", "low", 0.23, "the rivals lose about as much"),
        attempt("over-regularised", "mid", 0.5, "balanced recall falls"),
    )
    one = judge(poor, *found, name="low")
    assert one.cause is None
    assert "no cause was proved" in one.reason
    assert (one.runner_up, one.runner_up_reason) == ("imbalance", "the rivals lose about as much")


def test_the_reason_of_the_loser_is_kept_with_its_finding(poor):
    found = issue("over-regularised", "low", lift=0.2), issue("imbalance", "low", lift=0.9)
    _, kept = Referee().judge(poor, found)
    (loser,) = [one for one in kept if one.slug == "over-regularised"]
    assert any("runner-up" in row.name and "low" in row.name for row in loser.evidence)


def test_classes_come_worst_first(case_with):
    case = case_with({**LEARNED, "weak": (100, 30, "big"), "low": (100, 2, "big"), "so": (20, 9, "big")})
    verdicts = [one.verdict for one in judge(case)]
    assert verdicts[0] == "unlearned"
    assert verdicts.index("weak") == 1
    assert verdicts[-2:] == ["healthy", "healthy"]


def test_a_class_that_is_named_for_every_row_is_right_by_default(case_with):
    case = case_with({"ant": (90, 90, "bee"), "bee": (40, 0, "ant"), "cow": (20, 0, "ant")})
    assert judge(case, name="ant").reason.startswith("right by default: other rows are called by its name as often")
    case = case_with({"ant": (90, 90, "bee"), "bee": (40, 30, "ant"), "cow": (20, 18, "ant")})
    assert judge(case, name="ant").reason == "learned"
