from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

from made_up_results import LABELS, make_ledger
from test_diagnosis_page import island_of, words_of

from marginscope.remedies.ledger import Change, RemedyLedger, RemedyTrial, Selection
from marginscope.reports import ledger_page
from marginscope.reports.forest import BAR_WIDTH, forest_table


def test_the_page_tells_everything(ledger: RemedyLedger, tmp_path: Path) -> None:
    ledger.save_html(tmp_path / "ledger.html")
    page = (tmp_path / "ledger.html").read_text("utf-8")
    words = words_of(page)
    for told in (
        ledger.sentence,
        "Weaker penalty (C = 1) winner",
        "+0.62 +0.53 to +0.71",
        "−0.44",
        "probabilities stop matching the shares",
        "model.set_params(weaker_penalty=True)",
        "Code of the 3 other remedies that were tried",
        "4 remedies were tried, 1 could not act, 1 failed.",
        "Could not act stronger-penalty",
        "Failed richer-model the fit ended with LinAlgError",
        "5-fold cross-validation",
    ):
        assert told in words, told
    assert island_of(page) == json.loads(json.dumps(ledger.to_dict()))


def test_the_winner_comes_first_then_the_surest_lift(ledger: RemedyLedger) -> None:
    order = [row.trial.slug for row in forest_table(ledger).rows]
    assert order == ["weaker-penalty", "class-weights", "smote", "under-sampling"]


def test_bars_share_one_scale(ledger: RemedyLedger) -> None:
    table = forest_table(ledger)
    lines = [line for row in table.rows for line in row.lines]
    assert all(0 <= line.low <= line.middle <= line.high <= BAR_WIDTH for line in lines)
    by_value = sorted((line.change.value, line.middle) for line in lines if line.change)
    assert [place for _, place in by_value] == sorted(place for _, place in by_value)
    assert all((line.low > table.zero) == line.is_lift for line in lines)
    assert (table.zero, "0.00") in table.ticks


def test_one_target_needs_no_column_of_names() -> None:
    assert forest_table(make_ledger(LABELS, 1)).has_one_target
    assert "whose recall is 0.10 now" in words_of(ledger_page.page(make_ledger(LABELS, 1)))


def test_nothing_helped_and_nothing_exists() -> None:
    bare = RemedyTrial("smote", "SMOTE", "tried", change={"a": None}, recall={"a": None})
    ledger = RemedyLedger(("a",), {"a": None}, (bare,), None, "Nothing helped; collect data for a.")
    words = words_of(ledger_page.page(ledger))
    assert "Nothing helped" in words
    assert "winner" not in words
    assert "None" not in words
    assert "no remedy was tried" in [text.get_text() for text in ledger.plot().axes[0].texts]
    assert "Nothing helped" in ledger._repr_html_()


def test_intervals_without_an_end_stay_inside(ledger: RemedyLedger) -> None:
    wide = replace(ledger.trials[0], change={"lynx": Change(0.1, (float("-inf"), float("inf")))})
    table = forest_table(replace(ledger, trials=(wide,), winner=None))
    line = table.rows[0].lines[0]
    assert 0 <= line.low <= line.high <= BAR_WIDTH
    ledger_page.page(replace(ledger, trials=(wide,), winner=None))


def test_many_targets_and_trials_are_cut_and_said_so() -> None:
    names = tuple(f"class {k}" for k in range(30))
    change = {name: Change(0.1, (0.0, 0.2)) for name in names}
    trials = tuple(RemedyTrial(f"r{k}", f"remedy {k}", "tried", change=change) for k in range(50))
    words = words_of(ledger_page.page(RemedyLedger(names, {}, trials, None, "Tried.")))
    assert "24 more targeted classes" in words
    assert "10 more remedies are in" in words
    words = words_of(ledger_page.page(RemedyLedger(names[:7], {}, trials[:41], "r0", "Tried.")))
    assert "1 more targeted class is in" in words
    assert "1 more remedy is in" in words


def test_the_code_of_a_single_other_remedy_is_said_in_the_singular(ledger: RemedyLedger) -> None:
    two = replace(ledger, trials=(*ledger.trials[:2], *ledger.trials[4:]))
    assert "Code of the other remedy that was tried" in words_of(ledger_page.page(two))


def test_the_page_counts_as_the_ledger_does(ledger: RemedyLedger) -> None:
    chosen = replace(ledger, selection=Selection(9, 0.2, 0.1))
    assert chosen.tally == "4 remedies were tried in 9 trials (some have several strengths), 1 could not act, 1 failed."
    for page in (ledger_page.page(chosen), ledger_page.fragment(chosen)):
        assert chosen.tally in words_of(page)
    idle = replace(ledger, trials=ledger.trials[4:], winner=None)
    assert "No remedy was tried; 1 could not act, 1 failed." in words_of(ledger_page.page(idle))


def test_the_figure_has_a_row_for_each_remedy_and_class(ledger: RemedyLedger) -> None:
    ax = ledger.plot().axes[0]
    assert len(ax.get_yticklabels()) == 8
    assert ax.get_yticklabels()[0].get_text() == "Weaker penalty (C = 1): lynx (winner)"


def test_the_cell_of_a_notebook_has_no_script(ledger: RemedyLedger) -> None:
    cell = ledger._repr_html_()
    assert "<script" not in cell
    assert re.search(r'class="ms ms-cell"', cell)


def test_the_page_says_what_moves_what_is_corrected_and_what_cannot_move_the_limit() -> None:
    sentence = "cannot move the limit: the training rows are completely separable (certificate verified)"
    tried = RemedyTrial(
        "class-weights",
        "balanced class weights",
        "tried",
        change={"a": Change(0.2, (0.1, 0.3))},
        log_loss=0.31,
        log_loss_interval=(0.2, 0.42),
        log_loss_corrected=-0.02,
        calibration=0.11,
        calibration_corrected=0.01,
        changes=frozenset({"path", "penalised optimum"}),
        caveat=sentence,
    )
    ledger = RemedyLedger(("a",), {"a": 0.1}, (tried,), None, "Nothing helped.")
    words = words_of(ledger_page.page(ledger))
    assert "+0.31 +0.20 to +0.42 corrected −0.02" in words
    assert "+0.11 corrected +0.01" in words
    assert "path optimum limit not" in words
    assert f"Could act before the limit only class-weights {sentence}" in words
    assert sentence in ledger._repr_html_()
    bare = words_of(ledger_page.page(RemedyLedger(("a",), {}, (RemedyTrial("x", "x", "tried"),), None, "Nothing.")))
    assert "Can move" not in bare
    assert "Corrected:" not in bare
