"""The tables of a diagnosis and of a ledger as text."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import replace

import numpy as np
import pytest
from rich.cells import cell_len
from rich.text import Text

from marginscope.cli.ledger_table import ledger_lines
from marginscope.cli.table import command_lines, diagnosis_lines, first_cause
from marginscope.diagnosis.result import DataSummary, Diagnosis, ModelSummary
from marginscope.findings import ClassDiagnosis, Finding, Status, Verdict
from marginscope.remedies.ledger import Change, RemedyLedger, RemedyTrial, Selection


def _class(
    label: str, share: float, recall: float | None, verdict: Verdict, cause: str | None = None
) -> ClassDiagnosis:
    interval = None if recall is None else (max(0.0, recall - 0.1), min(1.0, recall + 0.1))
    reason = f"a sentence on {label[:20]} that is long enough to need two lines on any screen" if cause else "learned"
    return ClassDiagnosis(label, 20, share, recall, interval, None, None, verdict, cause, reason=reason)


def _diagnosis(classes: list[ClassDiagnosis], findings: list[Finding] | None = None) -> Diagnosis:
    return Diagnosis(
        tuple(classes),
        tuple(findings or []),
        DataSummary(640, 9, len(classes), "data.csv", "ab", "label"),
        ModelSummary("LogisticRegression", {"C": 1e-5, "prepare__names": ["x"] * 50}),
        tuple(one.label for one in classes),
    )


def _text(lines: list[Text]) -> str:
    return "\n".join(line.plain for line in lines)


SICK = [
    _class("lynx", 0.03, 0.0, Verdict.UNLEARNED, "over-regularised"),
    _class("fox", 0.25, 0.31, Verdict.WEAK, "no-signal"),
    _class("ghost", 0.0, None, Verdict.ABSENT, "class-absent"),
]


def test_every_class_is_named_with_its_numbers_and_cause() -> None:
    shown = _text(diagnosis_lines(_diagnosis([*SICK, _class("owl", 0.03, 1.0, Verdict.HEALTHY)]), 80))
    assert "lynx     20  3.0 %  0.00 [0.00, 0.10]  unlearned  over-regularised" in shown
    assert "ghost    20    0 %  -                  absent     class-absent" in shown
    assert "owl      20  3.0 %  1.00 [0.90, 1.00]  healthy    learned" in shown
    assert "LogisticRegression (C=1e-05)" in shown


@pytest.mark.parametrize("width", [40, 80, 110])
@pytest.mark.parametrize("label", ["owl", "狐狸" * 40, "a b" * 300, "\x1b[31m\n"])
def test_sentences_keep_to_the_width_and_labels_are_safe(width: int, label: str) -> None:
    classes = [dataclasses.replace(SICK[0], label=label), *SICK[1:]]
    findings = [Finding("label-map", Status.TIP, f"the labels {label[:30]!r} and so on are alike, " * 3)]
    lines = diagnosis_lines(_diagnosis(classes, findings), width)
    table = [line for line in lines if " %  " in line.plain or line.plain.startswith("class ")]
    assert all(cell_len(line.plain) <= max(width, 74) for line in table)
    assert all(len(line.plain) <= width for line in lines if line not in table)
    assert all(line.plain.isprintable() for line in lines)


def test_a_reason_that_classes_share_is_told_once() -> None:
    alike = [dataclasses.replace(one, reason="one sentence for all of them") for one in SICK]
    assert _text(diagnosis_lines(_diagnosis(alike), 80)).count("one sentence for all of them") == 1


def test_a_class_without_a_cause_says_so_where_its_reason_was_told_before() -> None:
    alike = [dataclasses.replace(one, cause=None, reason="no cause was proved") for one in SICK]
    lines = [line.plain.strip() for line in diagnosis_lines(_diagnosis(alike), 80)]
    after = [lines[1 + next(k for k, line in enumerate(lines) if line.startswith(one.label))] for one in SICK]
    assert after == ["no cause was proved", "as for 'lynx'", "as for 'lynx'"]


def test_every_issue_and_tip_is_on_the_screen_by_name() -> None:
    """What --fail-on may fail by: a first cause, a note, or one of those that were found besides."""
    findings = [
        Finding("over-regularised", Status.ISSUE, "the winner", ("lynx",)),
        Finding("imbalance", Status.ISSUE, "a loser", ("lynx",)),
        Finding("low-capacity", Status.ISSUE, "another", ("lynx", "fox", "ghost", "\x1b[31m", "owl", "elk")),
        Finding("few-rows", Status.TIP, "a tip that lost", ("fox",)),
        Finding("overfit", Status.PASSED, "no", ("fox",)),
    ]
    classes = [*SICK, *(_class(label, 0.1, 0.2, Verdict.WEAK, "no-signal") for label in ("\x1b[31m", "owl", "elk"))]
    lines = diagnosis_lines(_diagnosis(classes, findings), 300)
    also = [line.plain for line in lines if line.plain.startswith("also found: ")]
    many = "low-capacity ('lynx', 'fox', 'ghost', '\\x1b[31m' and 2 more)"
    assert also == [f"also found: imbalance ('lynx'), {many}, few-rows ('fox')"]
    assert "also found" not in _text(diagnosis_lines(_diagnosis(SICK, findings[:1]), 80))


def test_a_cause_or_note_that_there_is_no_room_for_is_named() -> None:
    sick = [_class(f"s{i}", 0.02, 0.0, Verdict.UNLEARNED, "imbalance") for i in range(20)]
    sick += [_class("last", 0.02, 0.4, Verdict.WEAK, "overfit")]
    findings = [Finding("imbalance", Status.ISSUE, "x", ("s0",)), Finding("overfit", Status.ISSUE, "x", ("last",))]
    notes = [Finding(f"note-{i}", Status.ISSUE, "something else") for i in range(9)]
    shown = " ".join(_text(diagnosis_lines(_diagnosis(sick, [*findings, *notes]), 80)).split())
    assert "also found: overfit ('last'), note-6, note-7, note-8" in shown


def test_many_healthy_classes_are_one_line_but_a_rare_one_is_seen() -> None:
    healthy = [_class(f"c{i}", 0.07, 0.9 + i / 200, Verdict.HEALTHY) for i in range(12)]
    rare = _class("rare", 0.01, 0.97, Verdict.HEALTHY)
    shown = _text(diagnosis_lines(_diagnosis([*SICK, *healthy, rare]), 80))
    assert "... and 12 healthy classes (recall 0.90 to 0.96)" in shown
    assert "rare" in shown
    assert "c3" not in shown


def test_one_healthy_class_more_is_said_in_the_singular() -> None:
    rare = [_class(f"rare{i}", 0.01, 0.9, Verdict.HEALTHY) for i in range(5)]
    usual = _class("usual", 0.9, 0.95, Verdict.HEALTHY)
    assert "... and 3 healthy classes" in _text(diagnosis_lines(_diagnosis([*rare, usual]), 80))


@pytest.mark.parametrize(("n_sick", "n_notes"), [(40, 0), (40, 20), (3, 20), (12, 1)])
def test_no_more_than_about_a_dozen_findings(n_sick: int, n_notes: int) -> None:
    sick = [_class(f"s{i}", 0.02, 0.0, Verdict.UNLEARNED, "imbalance") for i in range(n_sick)]
    notes = [Finding(f"note-{i}", Status.ISSUE, "something else") for i in range(n_notes)]
    shown = _text(diagnosis_lines(_diagnosis(sick, notes), 80))
    assert shown.count("  imbalance\n") + shown.count("something else") <= 12
    assert ("not healthy:" in shown) == (n_sick > 11)


def test_a_finding_that_lost_is_no_note_but_one_about_the_fit_is() -> None:
    findings = [
        Finding("over-regularised", Status.ISSUE, "the winner", ("lynx",)),
        Finding("low-capacity", Status.ISSUE, "a loser", ("lynx",)),
        Finding("infinite-parameters", Status.ISSUE, "two have no finite value", ("lynx",)),
        Finding("rival-overlap", Status.ISSUE, "a loose end", ("lynx", "otter")),
        Finding("label-map", Status.TIP, "two look alike"),
        Finding("few-rows", Status.PASSED, "plenty"),
    ]
    shown = _text(diagnosis_lines(_diagnosis(SICK, findings), 80))
    for sentence, is_shown in [
        ("the winner", False),
        ("a loser", False),
        ("two have no finite value", True),
        ("a loose end", True),
        ("two look alike", True),
        ("plenty", False),
    ]:
        assert (sentence in shown) is is_shown, sentence


def test_what_was_not_checked_is_said_with_its_reason() -> None:
    findings = [
        Finding("low-capacity", Status.SKIPPED, "the time was spent"),
        Finding("no-signal", Status.SKIPPED, "the time was spent"),
        Finding("imbalance", Status.ERRORED, "it failed"),
        Finding("knob-ignored", Status.NOT_APPLICABLE, "no weights"),
    ]
    shown = _text(diagnosis_lines(_diagnosis(SICK, findings), 80))
    assert "skipped low-capacity, no-signal: the time was spent" in shown
    assert "errored imbalance: it failed" in shown
    assert "knob-ignored" not in shown
    assert "1 check does not apply here (the reason is in --json and the report)" in shown
    assert "skipped" not in _text(diagnosis_lines(_diagnosis(SICK, findings), 80, with_unchecked=False))


def test_the_cause_to_explain_first() -> None:
    healthy = [_class("owl", 0.5, 1.0, Verdict.HEALTHY)]
    issue = Finding("infinite-parameters", Status.ISSUE, "...")
    assert first_cause(_diagnosis(SICK)) == "over-regularised"
    assert first_cause(_diagnosis(healthy, [issue])) == "infinite-parameters"
    assert first_cause(_diagnosis(healthy)) is None


def test_commands_are_quoted_and_never_wrapped() -> None:
    words = ["marginscope", "fix", "my data.csv", "-t", "it's", *["--drop", "column"] * 20]
    lines = command_lines([("next", words), ("why", None)], "report.html")
    assert lines[1].plain == "next:   marginscope fix 'my data.csv' -t 'it'\"'\"'s'" + " --drop column" * 20
    assert lines[2].plain == "report: report.html"
    assert len(lines) == 3


TRIALS = (
    RemedyTrial(
        "class-weights",
        "balanced class weights",
        "tried",
        recall={"lynx": 0.5, "fox": 0.1},
        change={"lynx": Change(0.5, (0.3, 0.7)), "fox": None},
        balanced=Change(0.1, (0.0, 0.2)),
        worst_other=("a very long name indeed", -0.2),
        log_loss=0.4,
        seconds=0.2,
    ),
    RemedyTrial(
        "weaker-penalty",
        "a weaker penalty",
        "tried",
        recall={"lynx": 0.98, "fox": 0.1},
        change={"lynx": Change(0.98, (0.9, 1.0)), "fox": Change(-0.01, (-0.1, 0.1))},
        balanced=Change(0.3, (0.2, 0.4)),
        worst_other=("otter", -0.02),
        helps=("lynx",),
        seconds=0.4,
        snippet="model.set_params(C=0.001)\nmodel.fit(X, y)",
    ),
    RemedyTrial("scaling", "standardised features", "could_not_act", "the model scales already"),
    RemedyTrial("smote", "SMOTE", "failed", "too few neighbours"),
    RemedyTrial("over-sampling", "random over-sampling", "could_not_act", "the package is missing"),
    RemedyTrial("under-sampling", "random under-sampling", "could_not_act", "the package is missing"),
)
LEDGER = RemedyLedger(("lynx", "fox"), {"lynx": 0.0, "fox": 0.11}, TRIALS, "weaker-penalty", "A weaker penalty helps.")


def test_the_ledger_ranks_marks_the_winner_and_ends_with_the_code() -> None:
    lines = [line.plain for line in ledger_lines(LEDGER, 100)]
    assert lines[0] == "class lynx"
    assert lines[2].split() == ["present", "model", "0.00"]
    assert lines[3].startswith("* weaker-penalty  0.98    +0.98 [+0.90, +1.00]")
    assert lines[4].startswith("  class-weights   0.50    +0.50 [+0.30, +0.70]")
    costs = lines.index("what it changes besides")
    assert not any(line.startswith("*") for line in lines[5:costs])
    heading = "remedy balanced worst other log-loss time calibration"
    assert " ".join(lines[costs + 1].split()) == heading
    besides = {line[2:].split()[0]: line for line in lines[costs + 2 : lines.index("", costs)]}
    assert "+0.30" in besides["weaker-penalty"]
    assert "+0.10     -0.20 a very long..  " in besides["class-weights"]
    assert "  scaling: the model scales already" in lines
    assert "  over-sampling, under-sampling: the package is missing" in lines
    assert "\n".join(lines).count("the package is missing") == str(LEDGER).count("the package is missing") == 1
    assert "  smote: too few neighbours" in lines
    assert lines[-4:] == ["A weaker penalty helps.", "", "    model.set_params(C=0.001)", "    model.fit(X, y)"]


def test_at_most_twelve_remedies_are_shown_and_the_others_named() -> None:
    def tried(number: int) -> RemedyTrial:
        change = {"lynx": Change(0.02 * number, (0.0, 0.5))}
        return RemedyTrial(
            f"r{number}", "x", "tried", change=change, recall={"lynx": 0.5}, balanced=Change(0.0, (0, 0))
        )

    many = RemedyLedger(("lynx",), {"lynx": 0.0}, tuple(map(tried, range(20))), None, "Nothing.")
    text = "\n".join(line.plain for line in ledger_lines(many, 80))
    rule = "fewer classes for sure or {} less (mean change of the targets plus that of balanced recall)"
    said = " ".join(text.split())
    assert f"... and 8 more, which lift {rule.format('gain')}: r7, r6, r5, r4, r3, r2, r1, r0 (--json)" in said
    assert text.count("+0.38") == 1
    assert "+0.14" not in text
    one = " ".join(line.plain for line in ledger_lines(replace(many, trials=many.trials[:13]), 200))
    assert f"... and 1 more, which lifts {rule.format('gains')}: r0 (--json)" in one


def test_what_is_left_out_comes_after_what_is_shown_by_the_rule_that_is_said() -> None:
    rng = np.random.default_rng(0)

    def tried(number: int) -> RemedyTrial:
        lifts = rng.uniform(-0.2, 0.6, 2)
        change = {name: Change(lift, (lift - 0.1, lift + 0.1)) for name, lift in zip("ab", lifts, strict=True)}
        helps = tuple(name for name, lift in zip("ab", lifts, strict=True) if lift > 0.3)
        balanced = Change(rng.uniform(-0.1, 0.1), (-0.2, 0.2))
        return RemedyTrial(f"r{number:02d}", "x", "tried", change=change, balanced=balanced, helps=helps)

    trials = {one.slug: one for one in map(tried, range(25))}
    best = max(trials.values(), key=lambda one: (len(one.helps), one.balanced.value if one.balanced else 0.0))
    ledger = RemedyLedger(("a", "b"), {}, tuple(trials.values()), best.slug, "One helps.")
    text = " ".join(line.plain for line in ledger_lines(ledger, 100))
    left = re.findall(r"r\d\d", re.search(r"and 13 more.*?\(--json\)", text).group())  # type: ignore[union-attr]
    shown = set(trials) - set(left) - {best.slug}
    assert len(left) == 13

    def worth(slug: str) -> tuple[int, float]:
        one = trials[slug]
        assert one.balanced is not None
        lifts = [change.value for change in one.change.values() if change is not None]
        return len(one.helps), sum(lifts) / 2 + one.balanced.value

    assert min(map(worth, shown)) >= max(map(worth, left))


def test_where_nothing_was_tried_the_sentence_comes_first_and_no_table_of_the_present_model() -> None:
    said = "Nothing could be tried on 'lynx' with what was given: only predicted labels are known."
    ledger = replace(LEDGER, trials=LEDGER.trials[2:], winner=None, sentence=said)
    lines = [line.plain for line in ledger_lines(ledger, 100)]
    assert lines[:3] == [said, "", "could not act:"]
    assert "  smote: too few neighbours" in lines
    assert not any("present model" in line or line.startswith("class ") for line in lines)
    assert lines[-1]
    learned = replace(ledger, targets=(), trials=(), sentence="Every class that was scored is learned.")
    assert [line.plain for line in ledger_lines(learned, 100)] == ["Every class that was scored is learned."]


def test_what_the_choice_flatters_is_said_where_it_is_a_note() -> None:
    selection = Selection(9, 0.20, 0.15)
    for notes in ((), (selection.sentence,)):
        ledger = replace(LEDGER, selection=selection, notes=notes)
        text = " ".join(" ".join(line.plain for line in ledger_lines(ledger, 80)).split())
        assert ("The best of 9 trials was chosen on the rows" in text) is bool(notes)
    assert "+0.20 of balanced recall there, +0.15 where" in text
    assert "2 remedies were tried in 9 trials (some have several strengths), 3 could not act, 1 failed." in text


def test_costs_are_shown_before_and_after_the_correction_and_in_groups() -> None:
    loss, weights = ({"balanced": Change(0.1, (0.0, 0.2)), "changes": frozenset(moves), "family": name}
                     for name, moves in (("loss", {"path", "limit"}), ("weights", {"path"})))  # fmt: skip
    trials = (
        RemedyTrial("weights-a", "x", "tried", log_loss=0.3, log_loss_corrected=-0.01, **weights),
        RemedyTrial("loss-a", "x", "tried", **loss),
        RemedyTrial("weights-b", "x", "tried", log_loss=0.2, caveat="cannot move the limit: proved", **weights),
    )
    lines = [line.plain for line in ledger_lines(RemedyLedger(("a",), {}, trials, None, "Nothing."), 100)]
    start = lines.index("what it changes besides")
    words = ["moves", "weights-a", "weights-b", "moves", "loss-a"]
    assert [line.split()[0] for line in lines[start + 2 : start + 7]] == words
    assert lines[start + 2].startswith("moves the path only")
    assert "+0.30 (-0.01)" in lines[start + 3]
    assert lines[start + 5] == "moves the limit of training too"
    assert "  weights-b: cannot move the limit: proved" in lines


@pytest.mark.parametrize("width", [60, 80, 110])
def test_the_ledger_gives_up_columns_before_it_overflows(width: int) -> None:
    lines = [line.plain for line in ledger_lines(LEDGER, width)]
    assert max(map(len, lines)) <= width
    heading = lines[lines.index("what it changes besides") + 1]
    assert ("calibration" in heading) is (width > 60)
    assert "balanced" in heading
    assert "change" in lines[1]
