"""The ledger of remedies: what was tried on the same rows, and what was best."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import marginscope as ms
from marginscope.diagnosis import remedy_trials
from marginscope.diagnosis.case import BudgetSpent
from marginscope.diagnosis.counterfactual import Laboratory
from marginscope.diagnosis.quiet import quiet_fits
from marginscope.diagnosis.remedy_choice import choose
from marginscope.diagnosis.remedy_sentence import outcome_sentence
from marginscope.exceptions import ModelError, UsageError
from marginscope.remedies import REMEDIES, remedy
from marginscope.remedies.ledger import Change, RemedyTrial

SHARES = {"logit-adjustment", "class-weights", "over-sampling", "under-sampling", "smote"}


@pytest.fixture(scope="module")
def unscaled(blobs):
    problem = blobs([100, 70, 40], [[0, 0], [6, 0], [0, 6]])
    rng = np.random.default_rng(0)

    def widen(X):
        return np.hstack([X * 1e-6, rng.standard_normal((len(X), 3))])

    return replace(problem, X=widen(problem.X), X_test=widen(problem.X_test))


@pytest.fixture(scope="module")
def ledgers(imbalanced, penalised, unscaled, rings, mute, healthy, scaled_logistic):
    made = {
        "imbalance": (imbalanced, scaled_logistic),
        "over-regularised": (penalised, LogisticRegression(C=1e-5)),
        "unscaled-features": (unscaled, LogisticRegression()),
        "low-capacity": (rings, scaled_logistic),
        "healthy": (healthy, scaled_logistic),
    }
    found = {}
    for name, (problem, model) in made.items():
        diagnosis = problem.diagnose(model)
        found[name] = (diagnosis, diagnosis.remedy(), problem)
    diagnosis = mute.diagnose(scaled_logistic)
    found["no-signal"] = (diagnosis, diagnosis.remedy("fox"), mute)
    return found


NAMES = ["imbalance", "over-regularised", "unscaled-features", "low-capacity", "healthy", "no-signal"]
every_ledger = pytest.mark.parametrize("name", NAMES)


@pytest.mark.parametrize(
    ("name", "winners"),
    [
        ("imbalance", SHARES),
        ("over-regularised", {"weaker-penalty"}),
        ("unscaled-features", {"scaling"}),
        ("low-capacity", {"richer-model"}),
    ],
)
def test_the_winner_suits_the_cause(name, winners, ledgers):
    _, ledger, _ = ledgers[name]
    assert ledger.winner in winners
    assert ledger.winner in ledger.sentence
    assert ledger[ledger.winner].helps


@pytest.mark.parametrize("name", ["imbalance", "over-regularised", "unscaled-features", "low-capacity"])
def test_the_best_estimator_learns_the_class_from_the_users_own_rows(name, ledgers):
    diagnosis, ledger, problem = ledgers[name]
    guess = ledger.best_estimator_.predict(problem.X_test)
    for label in ledger[ledger.winner].helps:
        own = problem.y_test == label
        assert np.mean(guess[own] == label) > diagnosis[label].recall + 0.05
    balanced = recall_score(problem.y_test, guess, average="macro")
    assert balanced > np.mean([one.recall for one in diagnosis.classes]) + 0.05


@pytest.mark.parametrize("name", ["imbalance", "over-regularised", "unscaled-features", "low-capacity"])
def test_the_best_estimator_does_what_the_ledger_says(name, ledgers):
    _, ledger, problem = ledgers[name]
    guess = ledger.best_estimator_.predict(problem.X_test)
    said = ledger[ledger.winner].recall
    for label in said:
        assert np.mean(guess[problem.y_test == label] == label) == pytest.approx(said[label])


def test_nothing_helps_where_the_features_know_nothing(ledgers):
    _, ledger, _ = ledgers["no-signal"]
    assert ledger.targets == ("fox",)
    assert ledger.winner is None
    assert ledger.best_estimator_ is None
    assert ledger.snippet is None
    assert ledger.sentence.startswith("Nothing that was tried")
    assert "no-signal" in ledger.sentence


def test_nothing_needs_a_remedy_where_all_is_learned(ledgers):
    _, ledger, _ = ledgers["healthy"]
    assert ledger.targets == ()
    assert ledger.winner is None
    assert "nothing needs a remedy" in ledger.sentence


@every_ledger
def test_every_remedy_is_on_record_with_its_outcome(name, ledgers):
    _, ledger, _ = ledgers[name]
    if not ledger.targets:
        assert ledger.trials == ()
        return
    assert [one.slug for one in ledger.trials] == [one.slug for one in REMEDIES]
    for one in ledger.trials:
        assert one.title
        assert one.side_effects
        if one.outcome == "tried":
            assert not one.reason
            assert set(one.helps) <= set(ledger.targets)
            compile(one.snippet, one.slug, "exec")
        else:
            assert one.outcome in ("could_not_act", "failed")
            assert len(one.reason) > 10
            assert one.recall == {}
            assert not one.helps


@every_ledger
def test_the_base_is_the_diagnosed_recall_on_the_same_rows(name, ledgers):
    diagnosis, ledger, _ = ledgers[name]
    assert ledger.base_recall == {one.label: pytest.approx(one.recall) for one in diagnosis.classes}
    for trial in ledger.trials:
        for label, change in trial.change.items():
            if change is None:
                assert trial.recall[label] is None
                continue
            assert trial.recall[label] == pytest.approx(ledger.base_recall[label] + change.value)
            assert change.interval[0] <= change.value + 0.02
            assert change.value - 0.02 <= change.interval[1]


@every_ledger
def test_the_dictionary_is_plain(name, ledgers):
    _, ledger, _ = ledgers[name]
    document = ledger.to_dict()
    text = json.dumps(document, allow_nan=False)
    assert json.loads(text) == document
    assert document["schema"] == "marginscope.remedies/1"
    assert document["winner"] == ledger.winner
    assert [one["slug"] for one in document["remedies"]] == [one.slug for one in ledger.trials]


@every_ledger
def test_texts_and_frames(name, ledgers):
    _, ledger, _ = ledgers[name]
    assert ledger.sentence in str(ledger)
    assert ledger._repr_html_()
    frame = ledger.frame()
    assert {"remedy", "outcome", "class", "recall", "change", "low", "high"} <= set(frame.columns)
    if ledger.targets:
        assert set(frame["remedy"]) == {one.slug for one in REMEDIES}


def test_costs_in_probabilities_are_measured(ledgers):
    _, ledger, problem = ledgers["imbalance"]
    one = ledger["class-weights"]
    assert one.log_loss > 0, "honest shares have the lower log-loss"
    assert math.isfinite(one.calibration)
    assert one.worst_other[0] in set(problem.y.tolist()) - set(ledger.targets)
    assert one.worst_other[1] <= 0


def made(slug, gain, *, log_loss, others=0.0):
    """A trial that lifts 'a' by ``gain`` and no other class."""
    change = {"a": Change(gain, (gain - 0.1, gain + 0.1))}
    return RemedyTrial(slug, f"the {slug}", "tried", change=change, balanced=Change(0, (0, 0)), helps=("a",),
                       worst_other=("b", others), log_loss=log_loss)  # fmt: skip


def test_between_equals_the_rule_is_said():
    ahead, winner = made("richer-model", 0.5, log_loss=-0.2), made("class-weights", 0.48, log_loss=0.1)
    trials = (ahead, winner)
    chosen = choose(trials, ("a",), frozenset({"imbalance"}))
    assert chosen is winner
    said = outcome_sentence(None, ("a",), winner, trials, False)
    assert said.startswith("Best is class-weights, the class-weights: it lifts 'a'. richer-model gains up to a tenth")
    assert "acts on the cause goes first" in said
    alone = outcome_sentence(None, ("a",), winner, (winner, made("scaling", 0.2, log_loss=0)), False)
    assert alone == "Best is class-weights, the class-weights: it lifts 'a'."


def test_several_equals_are_listed_as_in_a_sentence():
    winner = made("class-weights", 0.48, log_loss=0.1)
    ahead = tuple(made(slug, 0.49, log_loss=0.2) for slug in ("smote", "scaling", "richer-model"))
    for n, names in ((2, "smote and scaling gain "), (3, "smote, scaling and richer-model gain ")):
        assert f". {names}up to a tenth more;" in outcome_sentence(None, ("a",), winner, (winner, *ahead[:n]), False)


def test_a_rise_that_is_no_proof_is_not_called_no_rise():
    winner = replace(
        made("class-weights", 0.5, log_loss=0),
        change={"a": Change(0.5, (0.4, 0.6)), "b": Change(0.4, (0.02, 0.65)), "c": Change(0.1, (-0.1, 0.3))},
    )
    said = outcome_sentence(None, ("a", "b", "c"), winner, (winner,), False)
    assert "'b' rises too, but that is no proof (rivals pay, or a placebo does as much)" in said
    assert "'c' is not lifted by it for sure" in said


def test_a_remedy_that_spares_the_largest_class_is_told_beside_the_best():
    """Balanced recall rises by thresholds that take half of the largest class; another model lifts 'a' for free."""
    winner = replace(made("class-thresholds", 0.07, log_loss=0, others=-0.48), balanced=Change(0.13, (0.1, 0.16)))
    gentle = replace(made("richer-model", 0.08, log_loss=0, others=-0.05), balanced=Change(0.01, (0.0, 0.02)))
    said = outcome_sentence(None, ("a",), winner, (winner, gentle), True)
    assert said.endswith(
        "'b' pays most (-0.48 recall). richer-model lifts 'a' more (+0.08 against +0.07) and costs no class more than "
        "0.05, but balanced recall rises less (+0.01 against +0.13)."
    )
    dear = replace(gentle, worst_other=("b", -0.45))
    assert "richer-model" not in outcome_sentence(None, ("a",), winner, (winner, dear), True)
    weak = replace(gentle, change={"a": Change(0.04, (0.01, 0.06))})
    assert "richer-model" not in outcome_sentence(None, ("a",), winner, (winner, weak), True)


def test_a_cost_that_rounds_to_nothing_is_not_told():
    winner = made("class-weights", 0.5, log_loss=0, others=-0.004)
    assert "pays most" not in outcome_sentence(None, ("a",), winner, (winner,), False)
    winner = made("class-weights", 0.5, log_loss=0, others=-0.006)
    assert "'b' pays most (-0.01 recall)" in outcome_sentence(None, ("a",), winner, (winner,), False)


FREE = "costs no class any recall."


@pytest.mark.parametrize(
    ("slug", "balanced", "others", "told"),
    [
        ("richer-model", 0.15, -0.01, "costs no class more than 0.01; it is another kind of model."),
        ("smote", 0.154, 0.002, f"smote gains as much balanced recall and {FREE}"),
        ("smote", 0.14, 0.002, f"smote gains nearly as much balanced recall (+0.14 against +0.15) and {FREE}"),
        ("smote", 0.17, 0.002, f"smote gains more balanced recall (+0.17 against +0.15) and {FREE}"),
        ("smote", 0.11, 0.0, ""),  # gains less
        ("smote", 0.15, -0.2, ""),  # costs about as much
    ],
)
def test_a_remedy_that_gains_as_much_for_far_less_is_told(slug, balanced, others, told):
    winner = replace(made("class-weights", 0.5, log_loss=0, others=-0.27), balanced=Change(0.15, (0, 0.3)))
    other = replace(made(slug, 0.3, log_loss=0, others=others), balanced=Change(balanced, (0, 0.3)))
    other = replace(other, family=remedy(slug).family)
    said = outcome_sentence(None, ("a",), winner, (winner, other), False)
    assert said.endswith(told or "(-0.27 recall).")
    assert (slug in said) == bool(told)


def test_of_several_targets_one_may_pay_for_the_others(blobs, case_of):
    case = case_of(LogisticRegression(), blobs([60, 50, 40], [[0, 0], [2, 0], [0, 2]]))
    with quiet_fits():
        effect = case.lab.effects("richer-model")[0]
    effect = replace(effect, lift=np.array([0.1, -0.3, 0.2]))
    for targets, worst in (
        (("ant", "bee", "cow"), ("bee", -0.3)),
        (("bee",), ("ant", 0.1)),
        (("ant", "cow"), ("bee", -0.3)),
    ):
        trial = remedy_trials._trial(remedy("richer-model"), effect, case, case.lab, targets)
        assert trial.worst_other == worst


def test_what_could_act_on_no_found_cause_is_not_tried(ledgers):
    _, ledger, _ = ledgers["over-regularised"]
    assert ledger["under-sampling"].outcome in ("tried", "could_not_act")
    merge = ledger["merge-labels"]
    assert merge.outcome == "could_not_act"


def test_cheap_remedies_run_first_so_that_a_budget_drops_the_dear_ones(ledgers, monkeypatch):
    from marginscope.diagnosis.case import BudgetSpent
    from marginscope.diagnosis.counterfactual import Laboratory

    diagnosis, _, _ = ledgers["imbalance"]
    order = []

    def spent(lab, slug):
        order.append(slug)
        raise BudgetSpent("the time budget was spent")

    monkeypatch.setattr(Laboratory, "effects", spent)
    ledger = diagnosis.remedy("cow")
    fits = [remedy(slug).fits for slug in order]
    assert fits == sorted(fits)
    assert order[0] == "logit-adjustment"
    assert [one.slug for one in ledger.trials] == [one.slug for one in REMEDIES], "the list keeps its own order"


def test_what_is_wrong_with_the_fit_counts_among_the_causes(blobs):
    centres = np.pad(2.2 * np.eye(3), ((0, 0), (0, 17)))
    problem = blobs([60, 40, 6], centres, test=5.0)
    model = LogisticRegression(C=np.inf, max_iter=3000)
    diagnosis = problem.diagnose(model, checks=["infinite-parameters", "imbalance"])
    assert diagnosis.finding("infinite-parameters").classes
    named = replace(diagnosis["cow"], cause="low-capacity", runner_up=None)
    diagnosis = replace(diagnosis, classes=(named, *diagnosis.classes[1:]))
    assert remedy_trials._causes(diagnosis, ("cow",)) == {"low-capacity", "infinite-parameters"}
    assert diagnosis.remedy("cow")["early-stopping"].outcome == "tried"


def test_one_class_can_be_asked_for(ledgers):
    diagnosis, _, _ = ledgers["over-regularised"]
    ledger = diagnosis.remedy("bee")
    assert ledger.targets == ("bee",)
    assert diagnosis.ledger is ledger


def test_a_healthy_class_can_be_asked_for_too(ledgers):
    diagnosis, _, _ = ledgers["healthy"]
    ledger = diagnosis.remedy("cow", budget=0)
    assert ledger.targets == ("cow",)
    assert ledger.winner is None


def test_a_label_is_found_in_its_own_type(healthy):
    diagnosis = healthy.mapped({"ant": 1, "bee": 2, "cow": 3}).diagnose(LogisticRegression(), checks=["class-absent"])
    assert diagnosis.remedy(2, budget=0).targets == ("2",)


def test_an_unknown_class_is_refused_with_the_known_ones(ledgers):
    diagnosis, _, _ = ledgers["healthy"]
    with pytest.raises(UsageError, match=r"yak.*ant"):
        diagnosis.remedy("yak")


def test_without_time_everything_is_listed_as_not_tried(penalised):
    diagnosis = penalised.diagnose(LogisticRegression(C=1e-5), budget=0)
    ledger = diagnosis.remedy(budget=0)
    assert {one.outcome for one in ledger.trials} == {"could_not_act"}
    assert "time budget" in ledger["weaker-penalty"].reason
    assert ledger.winner is None


def test_time_that_a_diagnosis_lacked_can_be_given_to_its_remedies(penalised):
    diagnosis = penalised.diagnose(LogisticRegression(C=1e-5), budget=0)
    ledger = diagnosis.remedy("cow")
    assert ledger["weaker-penalty"].outcome == "tried"
    assert ledger.winner is not None


def test_where_nothing_was_tried_the_sentence_says_what_to_give(penalised):
    """Want of time, labels alone, or no remedy for the cause: each is another thing to do."""
    late = penalised.diagnose(LogisticRegression(C=1e-5), budget=0).remedy(budget=0)
    assert late.sentence.startswith("Nothing was tried on 'bee', 'cow': the time ran out before the first of ")
    y, guess = np.repeat(["ant", "bee", "cow"], [90, 20, 90]), np.repeat(["ant", "cow"], [90, 110])
    labels = ms.diagnose(ms.Predictions(y_pred=guess), None, y).remedy()
    assert {one.outcome for one in labels.trials} == {"could_not_act"}
    assert labels.sentence == (
        "Nothing could be tried on 'bee' with what was given: only predicted labels are known; give the features and "
        "the model itself, or its answers as Predictions(proba=...)."
    )
    for one in (late, labels):
        assert "missing is in the data" not in one.sentence


def test_no_remedy_for_a_cause_is_said(penalised):
    diagnosis = penalised.diagnose(LogisticRegression(C=1e-5), checks=["over-regularised"])
    diagnosis.classes = tuple(replace(one, cause="conflicting-labels") for one in diagnosis.classes)
    idle = RemedyTrial("smote", "x", "could_not_act", reason="made for other causes than conflicting-labels")
    said = outcome_sentence(diagnosis, ("cow",), None, (idle,), False)
    assert said.startswith("No remedy acts on what was found (conflicting-labels), so none was tried on 'cow'; ")


def test_a_lift_whose_placebo_the_time_did_not_allow_is_not_denied(penalised, monkeypatch):
    def spent(self, *args):
        raise BudgetSpent("the time budget was spent")

    diagnosis = penalised.diagnose(LogisticRegression(C=1e-5), budget=0)
    with monkeypatch.context() as patch:
        patch.setattr(Laboratory, "_permuted_base", spent)
        ledger = diagnosis.remedy("cow")
        every = diagnosis.remedy()
    assert ledger["weaker-penalty"].outcome == "tried"
    assert ledger.winner is None
    assert ledger.sentence.startswith("The time ran out before the placebo of ")
    assert "weaker-penalty" in ledger.sentence
    assert "no lift of 'cow' is proved yet; allow more with --budget." in ledger.sentence
    assert "No class is lifted for sure" not in every.sentence
    assert diagnosis.remedy("cow").winner == "weaker-penalty"


def test_remedies_that_the_time_did_not_reach_are_counted(penalised):
    winner = RemedyTrial("scaling", "x", "tried", change={"cow": Change(0.0, (-0.1, 0.1))})
    late = RemedyTrial("smote", "x", "could_not_act", reason="the time budget was spent before smote could be tried")
    diagnosis = penalised.diagnose(LogisticRegression(C=1e-5), budget=0)
    said = outcome_sentence(diagnosis, ("cow",), None, (winner, late), False)
    assert said.startswith("Nothing that was tried lifts 'cow' for sure, but for 1 more remedy the time ran out;")


def test_a_diagnosis_without_time_leaves_no_trace_on_a_later_one(penalised):
    diagnosis = penalised.diagnose(LogisticRegression(C=1e-5))
    none = diagnosis.remedy("cow", budget=0)
    assert none["weaker-penalty"].outcome == "tried", "the diagnosis tried it already"
    assert diagnosis.remedy("cow")["class-weights"].outcome == "tried"


def test_an_absent_class_has_no_remedy(healthy):
    kept = healthy.y != "cow"
    diagnosis = replace(healthy, X=healthy.X[kept], y=healthy.y[kept]).diagnose(LogisticRegression())
    assert diagnosis["cow"].verdict == "absent"
    assert diagnosis.remedy().targets == ()


def test_the_same_seed_gives_the_same_ledger(penalised):
    def plain():
        document = penalised.diagnose(LogisticRegression(C=1e-5), rng=3, checks=["over-regularised"]).remedy().to_dict()
        for one in document["remedies"]:
            del one["seconds"]
        return document

    assert plain() == plain()


def test_a_remedy_that_lifts_one_target_at_the_cost_of_the_others_is_no_fault():
    """Four targets, one of them lifted a little while balanced recall falls within its error: no gain at all."""
    change = {"cow": Change(0.06, (0.01, 0.11)), "ant": Change(-0.04, (-0.1, 0.02))}
    trial = RemedyTrial("scaling", "x", "tried", change=change, balanced=Change(-0.04, (-0.1, 0.02)), helps=("cow",))
    assert choose((trial,), ("ant", "bee", "cow", "dog"), frozenset()) in (None, trial)


def test_the_snippets_of_the_reference_make_it_first(imbalanced):
    """Without a model of the user's, the code to paste has to make one."""
    diagnosis = imbalanced.diagnose(None, checks=["imbalance", "low-capacity", "over-regularised"])
    ledger = diagnosis.remedy("cow")
    tried = [one for one in ledger.trials if one.outcome == "tried"]
    assert len(tried) > 3
    for one in tried:
        scope = {"X": imbalanced.X, "y": imbalanced.y, "X_new": imbalanced.X_test}
        exec(compile(one.snippet, one.slug, "exec"), scope)
        guess = np.asarray(scope["predicted"] if "predicted" in scope else scope["model"].predict(imbalanced.X_test))
        for label, recall in one.recall.items():
            own = imbalanced.y_test == label
            assert np.mean(guess[own] == label) == pytest.approx(recall, abs=0.06), one.snippet


def test_given_predictions_have_no_estimator_to_return(imbalanced, scaled_logistic):
    proba = clone(scaled_logistic).fit(imbalanced.X, imbalanced.y).predict_proba(imbalanced.X_test)
    diagnosis = imbalanced.diagnose(ms.Predictions(proba=proba))
    try:
        ledger = diagnosis.remedy("cow")
    except ModelError:
        return
    assert {one.slug for one in ledger.trials if one.outcome == "tried"} <= {"logit-adjustment", "richer-model"}
    assert json.dumps(ledger.to_dict(), allow_nan=False)


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("kind", ["own pipeline", "reference"])
def test_the_best_estimator_reads_frames_with_words(library, kind, imbalanced):
    frames = pytest.importorskip(library)

    def frame(X):
        side = np.where(X[:, 0] > 2.5, "right", "left").tolist()
        return frames.DataFrame({"a": X[:, 0], "b": X[:, 1], "side": side})

    problem = replace(imbalanced, X=frame(imbalanced.X), X_test=frame(imbalanced.X_test))
    prepare = make_column_transformer((OneHotEncoder(), ["side"]), (StandardScaler(), ["a", "b"]))
    model = make_pipeline(prepare, LogisticRegression()) if kind == "own pipeline" else None
    diagnosis = problem.diagnose(model, checks=["imbalance", "low-capacity"])
    ledger = diagnosis.remedy("cow")
    assert ledger.winner is not None
    guess = ledger.best_estimator_.predict(problem.X_test)
    assert np.mean(guess[problem.y_test == "cow"] == "cow") > diagnosis["cow"].recall + 0.1
    some = problem.X_test[:5] if library == "polars" else problem.X_test.iloc[:5]
    assert len(ledger.best_estimator_.predict(some)) == 5


def test_the_users_model_is_not_the_returned_one(ledgers):
    _, ledger, _ = ledgers["over-regularised"]
    assert ledger.best_estimator_.get_params()["C"] > 1e-5
    assert clone(ledger.best_estimator_).get_params() == ledger.best_estimator_.get_params()


def test_a_relabelled_recall_is_that_of_the_rows_without_doubt(blobs):
    """Rows in doubt are left out of the comparison: the recall shown is what the lift was measured on."""
    problem = blobs([150, 150, 150], [[0, 0, 0], [5, 0, 0], [0, 5, 0]], test=0.0)
    y = problem.y.copy()
    y[np.flatnonzero(y == "cow")[:60]] = "bee"
    found = ms.diagnose(LogisticRegression(C=0.01), problem.X, y)
    ledger = found.remedy("bee")
    trial = ledger["relabel"]
    assert trial.outcome == "tried"
    assert ledger.base_recall["bee"] < 0.9
    assert trial.recall["bee"] > 0.95
    assert trial.change["bee"].value == pytest.approx(0.0, abs=0.03)
