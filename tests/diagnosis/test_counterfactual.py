"""The laboratory: interventions on the same rows, with a placebo, remembered."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

import marginscope as ms
from marginscope.diagnosis import counterfactual
from marginscope.diagnosis.case import BudgetSpent, Failed, NotTried
from marginscope.diagnosis.effects import compare, recall_of, with_placebo
from marginscope.diagnosis.proof import Proof
from marginscope.diagnosis.quiet import quiet_fits
from marginscope.diagnosis.trials import Trial, trial_of_predictions
from marginscope.exceptions import ModelError, UsageError
from marginscope.remedies import REMEDIES


@pytest.fixture(scope="module")
def lab(imbalanced_case):
    return imbalanced_case.lab


@pytest.fixture(scope="module")
def folded_lab(imbalanced, case_of):
    rows = np.arange(imbalanced.y.size) % 3 == 0
    problem = type(imbalanced)(imbalanced.X[rows], imbalanced.y[rows])
    return case_of(LogisticRegression(), problem, cv=3).lab


def effects(lab, slug):
    with quiet_fits():
        return lab.effects(slug)


def test_an_intervention_is_run_once(lab):
    assert effects(lab, "class-weights") is effects(lab, "class-weights")


def test_what_cannot_act_is_remembered_with_its_reason(lab):
    for _ in range(2):
        with pytest.raises(NotTried, match="scales its features already"):
            effects(lab, "scaling")
    assert "scaling" not in lab.tried()


def test_logit_adjustment_reads_the_same_fits_through_the_shares(lab):
    (effect,) = effects(lab, "logit-adjustment")
    rows = lab.base.predicted[0] >= 0
    shares = np.bincount(lab.raw.codes[: lab.raw.n_first], minlength=3) / lab.raw.n_first
    expected = (np.log(lab.base.proba[0][rows].astype(float)) - np.log(shares)).argmax(axis=1)
    assert np.array_equal(effect.trial.predicted[0][rows], expected)
    assert (effect.trial.predicted[0][~rows] == -1).all()
    assert effect.trial.proba[0][rows].sum(axis=1) == pytest.approx(np.ones(rows.sum()), abs=1e-5)


def test_an_effect_is_the_comparison_with_the_base(lab):
    (effect,) = effects(lab, "class-weights")
    plain = compare(lab.base, effect.trial, lab.raw.codes, 3, z_simultaneous=3.0)
    assert effect.lift == pytest.approx(plain.lift)
    assert effect.cost == pytest.approx(plain.cost)
    assert np.all(effect.low_simultaneous <= effect.low)


@pytest.mark.parametrize("which", ["lab", "folded_lab"])
def test_the_placebo_permutes_labels_and_no_class_changes_its_size(which, request):
    lab = request.getfixturevalue(which)
    (effect,) = effects(lab, "class-weights")
    assert effect.placebo is not None
    codes, permuted = lab.raw.codes, lab._placebo_codes
    assert not np.array_equal(codes, permuted)
    assert np.array_equal(np.bincount(codes), np.bincount(permuted))
    n = lab.raw.n_first
    if n < codes.size:
        assert np.array_equal(np.bincount(codes[:n]), np.bincount(permuted[:n])), "training and test rows apart"


def test_weights_call_a_rare_name_more_often_even_under_permuted_labels(lab):
    (effect,) = effects(lab, "class-weights")
    rare = 2
    assert effect.placebo[rare] > 0
    assert effect.lift[rare] > effect.placebo[rare]
    assert effect.repair[rare] > effect.placebo_repair[rare]


@pytest.mark.parametrize(("cv", "n_splits"), [(2, 2), (3, 2), (5, 2), (30, 10)])
def test_the_placebo_scores_two_splits_and_a_fair_share_of_the_rows(cv, n_splits, healthy, scaled_logistic, case_of):
    short = case_of(scaled_logistic, healthy.without_test(), cv=cv).lab.short_design()
    assert len(short.splits) == pytest.approx(n_splits, abs=cv > 5)
    assert short.scored.mean() >= 0.3


def test_an_intervention_without_a_lift_needs_no_placebo(healthy_case):
    (effect,) = effects(healthy_case.lab, "class-weights")
    assert effect.lift.max() < 0.05
    assert effect.placebo is None
    assert healthy_case.lab.claim("class-weights", 0, "ant").reason


def test_the_base_is_an_honest_out_of_sample_answer(lab, imbalanced, scaled_logistic):
    from sklearn.metrics import recall_score

    guess = clone(scaled_logistic).fit(imbalanced.X, imbalanced.y).predict(imbalanced.X_test)
    expected = recall_score(imbalanced.y_test, guess, average=None)
    assert recall_of(lab.base, lab.raw.codes, 3) == pytest.approx(expected)


def test_an_intervention_is_what_a_plain_refit_gives(penalised_case, penalised):
    from sklearn.metrics import recall_score

    lab = penalised_case.lab
    base = recall_of(lab.base, lab.raw.codes, 3)
    by_name = {one.name: one for one in effects(lab, "weaker-penalty")}
    for name, factor in (("weaker-penalty x100", 1e2), ("weaker-penalty x1e5", 1e5)):
        guess = LogisticRegression(C=1e-5 * factor).fit(penalised.X, penalised.y).predict(penalised.X_test)
        expected = recall_score(penalised.y_test, guess, average=None)
        if name in by_name:
            assert by_name[name].lift == pytest.approx(expected - base)
    assert by_name


def test_the_best_recipe_is_the_claim(penalised_case):
    lab = penalised_case.lab
    options = [lab.judge(one, 2, "cow") for one in effects(lab, "weaker-penalty")]
    claim = lab.claim("weaker-penalty", 2, "cow")
    assert claim.is_proof
    assert claim.net == max(one.net for one in options if one.is_proof)
    assert claim.interval[0] <= claim.lift <= claim.interval[1]
    assert claim.net == pytest.approx(claim.lift - claim.rival_cost)


def test_a_class_that_is_not_scored_makes_no_claim(blobs, case_of):
    case = case_of(LogisticRegression(), blobs([40, 30, 1], 4 * np.eye(3), test=0), cv=2)
    assert effects(case.lab, "class-weights")
    assert case.lab.claim("class-weights", 2, "cow") is None


def test_without_time_nothing_new_is_started(imbalanced, scaled_logistic, case_of):
    lab = case_of(scaled_logistic, imbalanced, budget=0).lab
    with pytest.raises(BudgetSpent, match="time budget"):
        effects(lab, "class-weights")
    assert lab.tried() == {}
    assert lab.reference() is None


def test_a_placebo_that_there_was_no_time_for_is_made_up_for(imbalanced, scaled_logistic, case_of, monkeypatch):
    lab = case_of(scaled_logistic, imbalanced).lab
    cow = 2
    permuted = lab._permuted_base

    def late():
        lab.deadline = 0.0
        return permuted()

    monkeypatch.setattr(lab, "_permuted_base", late)
    assert effects(lab, "class-weights")[0].placebo is None
    assert lab.claim("class-weights", cow, "cow").reason == "no placebo could be run"
    monkeypatch.undo()
    lab.deadline = None
    assert lab.claim("class-weights", cow, "cow").is_proof
    assert lab.tried()["class-weights"][0].placebo is not None


def test_the_reference_of_an_ensemble_of_trees_is_itself(healthy, case_of):
    from sklearn.ensemble import RandomForestClassifier

    lab = case_of(RandomForestClassifier(5), healthy).lab
    with quiet_fits():
        assert lab.reference() is lab.base


def test_given_answers_can_only_be_read_anew(imbalanced, scaled_logistic, case_of):
    proba = clone(scaled_logistic).fit(imbalanced.X, imbalanced.y).predict_proba(imbalanced.X_test)
    lab = case_of(ms.Predictions(proba=proba), imbalanced).lab
    assert effects(lab, "logit-adjustment")
    assert effects(lab, "richer-model"), "a reference needs no model of the user's"
    for slug in ("class-weights", "weaker-penalty", "over-sampling", "scaling"):
        with pytest.raises(NotTried):
            effects(lab, slug)


# the rules of proof --------------------------------------------------------------------------------------


def made_up(lab, lift, *, rows, taken=0, fallen=0, placebo=0.0):
    """An effect on class 0 of three classes of equal size: shares of rows, not fits."""
    codes = np.repeat([0, 1, 2], rows)
    before, after = codes.copy(), codes.copy()
    before[:rows] = 1
    after[:rows] = 1
    after[: round(lift * rows)] = 0
    after[rows : rows + round(taken * rows)] = 0
    after[2 * rows : 2 * rows + round(fallen * rows)] = 1
    base, other = (trial_of_predictions(name, one, None, 3) for name, one in (("base", before), ("other", after)))
    effect = compare(base, other, codes, 3, z_simultaneous=3.0)
    if placebo is None:
        return effect
    return with_placebo(effect, np.zeros(3), np.array([placebo, 0.0, 0.0]))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"lift": 0.6, "rows": 60}, ""),
        ({"lift": 0.03, "rows": 400}, "rises by less than 0.05"),
        ({"lift": 0.34, "rows": 6}, "reaches zero"),
        ({"lift": 1.0, "rows": 4}, "4 scored rows prove nothing"),
        ({"lift": 1.0, "rows": 1}, "1 scored row proves nothing, 5 are needed"),
        ({"lift": 0.5, "rows": 60, "fallen": 0.8}, "balanced recall falls"),
        ({"lift": 0.5, "rows": 60, "taken": 0.45}, "rivals lose"),
        ({"lift": 0.5, "rows": 60, "taken": 0.1, "placebo": 0.5}, "placebo on permuted labels does as much"),
        ({"lift": 0.5, "rows": 60, "placebo": 0.5}, ""),
        ({"lift": 0.2, "rows": 30, "placebo": 0.2}, "where all comparisons of the report hold together"),
        ({"lift": 0.5, "rows": 60, "placebo": None}, "no placebo"),
    ],
    ids=[
        "proof",
        "too small",
        "reaches zero",
        "too few rows",
        "one row",
        "balanced falls",
        "rivals pay",
        "placebo does as much",
        "nobody pays, as they do for the placebo",
        "nobody pays, but few rows",
        "no placebo",
    ],
)
def test_what_is_a_proof_and_what_is_none(options, said, lab):
    effect = made_up(lab, **options)
    claim = lab.judge(effect, 0, "ant")
    assert claim.is_proof == (said == "")
    assert said in claim.reason


def test_the_wider_interval_is_printed_where_it_decides(lab, monkeypatch):
    """A class that is learned well enough is lifted only if all comparisons hold together."""
    codes = np.repeat([0, 1, 2], 40)
    before = codes.copy()
    before[:15] = 1
    after = codes.copy()
    after[:9] = 1
    trials = [trial_of_predictions(name, one, None, 3) for name, one in (("base", before), ("other", after))]
    effect = compare(*trials, codes, 3, z_simultaneous=6.0)
    monkeypatch.setattr(type(lab), "base_recall", np.array([25 / 40, 1.0, 1.0]))
    reason = lab.judge(effect, 0, "ant").reason
    assert effect.low[0] > 0
    low, high = effect.low_simultaneous[0], effect.high_simultaneous[0]
    assert low <= 0 < effect.high[0] < high
    assert reason.endswith(f"where all comparisons of the report hold together ([{low:+.2f}, {high:+.2f}])")


def test_a_gain_that_is_not_sure_beyond_its_cost_is_told_as_such(lab):
    """Rivals lose a third of what the class gains, which is not about as much; but the rows are few."""
    effect = replace(made_up(lab, 0.5, rows=60, taken=0.1), net_low=np.array([-0.01, 0.0, 0.0]))
    assert lab.judge(effect, 0, "ant").reason == (
        "the interval of what the class gains beyond what the rivals lose reaches zero"
    )


def test_a_remedy_that_breaks_has_failed_and_is_named_once(imbalanced, case_of, monkeypatch):
    lab = case_of(LogisticRegression(), imbalanced).lab

    def broken(name, *args, **kwargs):
        return Trial(name, lab.base.predicted, None, np.full(3, np.nan), 0.0, ModelError("the fit broke"))

    monkeypatch.setattr(counterfactual, "run_trial", broken)
    with pytest.raises(Failed, match=r"^the fit broke$"):
        lab.effects("class-weights")
    with pytest.raises(Failed, match=r"^weaker-penalty x[^ ]+: the fit broke$"):
        lab.effects("weaker-penalty")
    with pytest.raises(Failed):
        lab.effects("class-weights")


class Refusing(LogisticRegression):
    """Refuses weights by an error of ours, as our own estimators do."""

    def fit(self, X, y, sample_weight=None):
        if self.class_weight is not None:
            raise UsageError("no weights here")
        return super().fit(X, y, sample_weight)


def test_an_error_of_ours_in_one_remedy_loses_no_other(imbalanced):
    ledger = imbalanced.diagnose(Refusing(), checks=["few-rows"]).remedy("cow")
    assert (ledger["class-weights"].outcome, ledger["class-weights"].reason) == ("failed", "no weights here")
    assert ledger["logit-adjustment"].outcome == "tried"


def test_an_error_of_ours_in_the_model_itself_keeps_its_kind(imbalanced):
    with pytest.raises(UsageError, match=r"^no weights here$"):
        imbalanced.diagnose(Refusing(class_weight="balanced"))


def test_what_can_act_is_known_without_fitting(imbalanced, scaled_logistic, case_of):
    proba = clone(scaled_logistic).fit(imbalanced.X, imbalanced.y).predict_proba(imbalanced.X_test)
    lab = case_of(ms.Predictions(proba=proba), imbalanced).lab
    acting = {one.slug for one in REMEDIES if lab.can_act(one.slug)}
    assert acting == {"logit-adjustment", "richer-model"}


def test_the_rules_of_proof_are_fields(lab, monkeypatch):
    effect = made_up(lab, 0.6, rows=60, taken=0.1, placebo=0.3)
    assert lab.judge(effect, 0, "ant").is_proof
    for field, value in (("least_rows", 61), ("least_lift", 0.7), ("placebo_margin", 0.5), ("least_net_share", 1.1)):
        monkeypatch.setattr(lab, "proof", Proof(**{field: value}))
        assert not lab.judge(effect, 0, "ant").is_proof, field
    fallen = made_up(lab, 0.5, rows=60, fallen=0.8)
    monkeypatch.setattr(lab, "proof", Proof(balanced_fall=0.5))
    assert lab.judge(fallen, 0, "ant").is_proof
