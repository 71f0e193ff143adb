"""The ledger as plain data."""

import json
from dataclasses import replace

import pytest

from marginscope.remedies import REMEDIES
from marginscope.remedies.changes import ALL, KINDS, LIMIT, OPTIMUM, PATH, kind_of
from marginscope.remedies.ledger import Change, RemedyLedger, RemedyTrial, Selection


@pytest.fixture
def ledger():
    tried = RemedyTrial(
        "class-weights",
        "balanced class weights",
        "tried",
        recall={"ant": 0.9, "bee": 0.5, "yak": None},
        change={"ant": Change(-0.05, (-0.1, 0.0)), "bee": Change(0.3, (0.1, 0.5)), "yak": None},
        balanced=Change(0.1, (0.0, 0.2)),
        worst_other=("ant", -0.05),
        log_loss=0.01,
        helps=("bee",),
        seconds=1.23456,
        recipe="class-weights",
        snippet="model.fit(X, y)",
        side_effects="none",
    )
    idle = RemedyTrial("scaling", "standardised features", "could_not_act", reason="scaled already")
    return RemedyLedger(("bee",), {"ant": 0.95, "bee": 0.2, "yak": None}, (tried, idle), "class-weights", "Best is x.")


def test_what_does_not_exist_is_null(ledger):
    document = json.loads(json.dumps(ledger.to_dict(), allow_nan=False))
    one, idle = document["remedies"]
    assert one["classes"][2] == {"label": "yak", "recall": None, "change": None, "interval": None}
    assert one["calibration_error_change"] is None
    assert one["reason"] is None
    assert one["seconds"] == 1.235
    assert idle["classes"] == []
    assert idle["balanced_recall_change"] is None
    assert idle["worst_other"] is None
    assert idle["recipe"] is None


def test_the_winners_snippet_is_the_ledgers(ledger):
    assert ledger.snippet == "model.fit(X, y)"
    assert ledger["scaling"].reason == "scaled already"
    with pytest.raises(KeyError, match="no remedy 'prayer'; the remedies are class-weights, scaling"):
        ledger["prayer"]


def test_iteration_gives_the_trials(ledger):
    assert [one.slug for one in ledger] == ["class-weights", "scaling"]
    assert "scaling" in ledger
    assert ledger.trials[1] in ledger
    assert "prayer" not in ledger
    assert replace(ledger, trials=()), "a ledger without trials is an answer too"


def test_the_text_names_every_remedy(ledger):
    text = str(ledger)
    assert "class-weights" in text
    assert "could not act: scaled already" in text
    assert "bee +0.30 [+0.10, +0.50]" in text


def test_the_frame_has_a_row_per_remedy_and_class(ledger):
    frame = ledger.frame()
    assert len(frame) == 4
    assert list(frame["remedy"]) == ["class-weights"] * 3 + ["scaling"]


def test_what_was_added_is_in_the_document_and_what_was_there_keeps_its_name(ledger):
    full = replace(
        ledger.trials[0],
        changes=frozenset({"path", "penalised optimum"}),
        family="weights",
        caveat="cannot move the limit: proved",
        log_loss_interval=(0.0, 0.02),
        log_loss_corrected=-0.001,
        calibration_corrected=0.0,
    )
    document = replace(ledger, trials=(full,), selection=Selection(7, 0.2, 0.15)).to_dict()
    assert document["selection"] == {
        "n_tried": 7,
        "n_remedies": 1,
        "balanced_recall_apparent": 0.2,
        "balanced_recall_held_out": 0.15,
    }
    assert document["separability"] is None
    (one,) = document["remedies"]
    assert one["changes"] == ["path", "penalised optimum"]
    assert (one["family"], one["caveat"]) == ("weights", "cannot move the limit: proved")
    assert (one["log_loss_change"], one["log_loss_change_corrected"]) == (0.01, -0.001)
    assert one["log_loss_interval"] == [0.0, 0.02]
    assert one["calibration_error_change_corrected"] == 0.0
    assert one["snippet"] == "model.fit(X, y)"
    assert Selection(7, 0.2, 0.15).optimism == pytest.approx(0.05)


def test_what_is_counted_is_said(ledger):
    tried, idle = ledger.trials
    other = replace(tried, slug="weaker-penalty")
    broken = [replace(idle, slug=slug, outcome="failed") for slug in ("smote", "ldam")]
    said = "2 remedies were tried in 7 trials (some have several strengths), 1 could not act, 2 failed."
    full = replace(ledger, trials=(tried, other, idle, *broken), selection=Selection(7, 0.2, 0.15))
    assert full.tally == full.to_dict()["tally"] == said
    assert full.to_dict()["selection"]["n_remedies"] == 2
    assert str(full).splitlines()[-1].strip() == said
    assert full.selection.sentence.startswith("The best of 7 trials was chosen on the rows that it is scored on")


def test_trials_are_counted_only_where_they_are_more_than_the_remedies(ledger):
    assert ledger.tally == "1 remedy was tried, 1 could not act."
    assert replace(ledger, selection=Selection(1, 0.2, 0.15)).tally == ledger.tally
    assert replace(ledger, trials=ledger.trials[1:]).tally == "No remedy was tried; 1 could not act."
    assert replace(ledger, trials=(), winner=None).to_dict()["tally"] is None


def test_remedies_with_one_caveat_stand_together(ledger):
    noted = [replace(ledger.trials[0], slug=slug, caveat="it is proved") for slug in ("smote", "ldam")]
    other = replace(ledger.trials[0], slug="cdt", caveat="")
    found = replace(ledger, trials=(*noted, other))
    assert found.caveats == ((("smote", "ldam"), "it is proved"),)
    assert "smote, ldam it is proved" in str(found)


def test_the_printed_ledger_has_a_heading_for_each_kind_of_change():
    change = {"a": Change(0.3, (0.1, 0.5))}
    moves = {"early-stopping": {PATH}, "class-weights": {PATH, OPTIMUM}, "class-margins": ALL, "unknown": ()}
    trials = tuple(
        RemedyTrial(slug, "x", "tried", change=change, changes=frozenset(one)) for slug, one in moves.items()
    )
    text = str(RemedyLedger(("a",), {}, (*trials, RemedyTrial("smote", "x", "failed", "too few")), None, "Nothing."))
    lines = [" ".join(line.partition(" +")[0].split()) for line in text.splitlines()]
    heads = [KINDS[PATH], "early-stopping a", KINDS[OPTIMUM], "class-weights a", KINDS[LIMIT]]
    assert lines[1:6] == heads
    assert lines[7].startswith("unknown")
    assert lines[8] == "smote failed: too few"


def test_a_kind_is_the_farthest_that_a_remedy_reaches():
    assert [kind_of(frozenset(one)) for one in ({PATH}, {OPTIMUM, PATH}, ALL, {LIMIT}, ())] == [
        PATH,
        OPTIMUM,
        LIMIT,
        LIMIT,
        "",
    ]
    assert all(kind_of(one.changes) in KINDS for one in REMEDIES)
