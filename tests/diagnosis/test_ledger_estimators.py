"""Every remedy that ran, fitted on all rows: the code to paste does what the estimator does."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from marginscope.diagnosis.final_fit import fit_winner
from marginscope.diagnosis.quiet import quiet_fits
from marginscope.remedies import REMEDIES


def everything(problem, model):
    """A ledger in which every remedy that can act is tried, and the case behind it."""
    diagnosis = problem.diagnose(model, checks=["class-absent"])
    case = diagnosis._try_remedies.args[0]
    # A class without a proved cause: nothing is left out as made for another one.
    return case, diagnosis.remedy("cow")


MODELS = {
    "logistic": lambda: LogisticRegression(random_state=0),
    "pipeline": lambda: make_pipeline(StandardScaler(), LogisticRegression(C=0.5, random_state=0)),
    "support vectors": lambda: LinearSVC(random_state=0),
    "perceptron": lambda: MLPClassifier((6,), max_iter=60, random_state=0),
}


@pytest.fixture(scope="module")
def ledgers(imbalanced):
    return {name: everything(imbalanced, make()) for name, make in MODELS.items()}


def pasted(trial, model, problem):
    scope = {"model": clone(model), "X": problem.X, "y": problem.y, "X_new": problem.X_test}
    with quiet_fits():
        exec(compile(trial.snippet, trial.slug, "exec"), scope)
    return scope


@pytest.mark.parametrize("name", MODELS)
def test_the_code_to_paste_predicts_what_the_estimator_predicts(name, ledgers, imbalanced):
    case, ledger = ledgers[name]
    tried = [one for one in ledger.trials if one.outcome == "tried"]
    assert len(tried) >= (10 if name == "perceptron" else 14)
    for trial in tried:
        with quiet_fits():
            fitted = fit_winner(case, case.lab, trial).estimator
            guess = fitted.predict(imbalanced.X_test)
        scope = pasted(trial, case.view.estimator, imbalanced)
        answer = scope["predicted"] if "predicted" in scope else scope["model"].predict(imbalanced.X_test)
        assert np.mean(np.asarray(answer) == guess) > 0.995, trial.snippet
        again = pickle.loads(pickle.dumps(fitted))
        assert np.array_equal(again.predict(imbalanced.X_test), guess), trial.slug
        assert set(fitted.classes_) == {"ant", "bee", "cow"}
        if hasattr(fitted, "predict_proba"):
            proba = fitted.predict_proba(imbalanced.X_test)
            assert proba.shape == (len(imbalanced.X_test), 3)
            assert proba.sum(axis=1) == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["logistic", "pipeline"])
def test_probabilities_can_be_corrected_where_the_remedy_shifts_the_shares(name, ledgers, imbalanced):
    _, ledger = ledgers[name]
    shifted = {"class-weights", "class-balanced-weights", "over-sampling", "under-sampling", "smote",
               "logit-adjusted-loss", "logit-adjustment"}  # fmt: skip
    corrected = {one.slug for one in ledger.trials if one.log_loss_corrected is not None}
    assert corrected == shifted
    for one in ledger.trials:
        if one.slug in shifted:
            assert one.log_loss > 0.02, "a balanced population is not the one that is scored"
            assert abs(one.log_loss_corrected) < 0.5 * one.log_loss
            assert one.log_loss_interval[0] <= one.log_loss <= one.log_loss_interval[1]
    assert ledger["logit-adjustment"].log_loss_corrected == pytest.approx(0.0, abs=1e-6)
    assert ledger["logit-adjustment"].calibration_corrected == pytest.approx(0.0, abs=1e-6)
    scope = pasted(ledger["class-weights"], MODELS[name](), imbalanced)
    assert scope["proba"].sum(axis=1) == pytest.approx(1.0)


def test_every_remedy_is_on_record_with_what_it_can_move(ledgers):
    for _, ledger in ledgers.values():
        assert [one.slug for one in ledger.trials] == [one.slug for one in REMEDIES]
        for trial, one in zip(ledger.trials, REMEDIES, strict=True):
            assert trial.changes == one.changes
            assert trial.family == one.family
        document = ledger.to_dict()
        assert document["remedies"][0]["changes"] == sorted(REMEDIES[0].changes)


def test_thresholds_and_class_vectors_act_on_the_decision_alone(ledgers, imbalanced):
    case, ledger = ledgers["logistic"]
    plain = LogisticRegression(random_state=0).fit(imbalanced.X, imbalanced.y)
    for slug in ("class-thresholds", "tau-normalisation"):
        fitted = fit_winner(case, case.lab, ledger[slug]).estimator
        assert fitted.predict_proba(imbalanced.X_test) == pytest.approx(plain.predict_proba(imbalanced.X_test))
        assert ledger[slug].log_loss == pytest.approx(0.0, abs=1e-6)
        assert (fitted.predict(imbalanced.X_test) != plain.predict(imbalanced.X_test)).any()


def test_selection_is_reported_where_something_was_chosen(ledgers):
    _, ledger = ledgers["logistic"]
    assert ledger.winner is not None
    assert ledger.selection.n_tried >= 14
    assert ledger.selection.held_out <= ledger.selection.apparent + 0.01
    document = ledger.to_dict()["selection"]
    assert document["balanced_recall_held_out"] == ledger.selection.held_out
