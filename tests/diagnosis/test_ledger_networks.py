"""The ledger of a network of torch."""

import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def ledger(imbalanced):
    from marginscope.torch.network_classifier import NetworkClassifier

    model = NetworkClassifier(n_epochs=8, random_state=0)
    diagnosis = imbalanced.diagnose(model, checks=["imbalance"])
    return diagnosis, diagnosis.remedy("cow")


def test_losses_and_the_head_of_a_network_are_tried(ledger):
    _, found = ledger
    tried = {one.slug for one in found.trials if one.outcome == "tried"}
    assert {"class-weights", "class-balanced-weights", "logit-adjusted-loss", "class-margins", "cdt", "vs-loss", "ldam",
            "focal-loss", "tau-normalisation", "head-retraining", "logit-adjustment"} <= tried  # fmt: skip
    assert found["head-retraining"].log_loss_corrected is not None


def test_the_best_network_learns_the_class_and_can_be_stored(ledger, imbalanced):
    diagnosis, found = ledger
    assert found.winner is not None
    guess = found.best_estimator_.predict(imbalanced.X_test)
    assert np.mean(guess[imbalanced.y_test == "cow"] == "cow") > diagnosis["cow"].recall + 0.1
    again = pickle.loads(pickle.dumps(found.best_estimator_))
    assert np.array_equal(again.predict(imbalanced.X_test), guess)


def test_the_code_of_a_loss_names_its_module_for_other_loops(ledger, imbalanced):
    from marginscope.torch.network_classifier import NetworkClassifier

    _, found = ledger
    code = found["logit-adjusted-loss"].snippet
    assert "# in a loop of your own: criterion = marginscope.torch.LogitAdjustedLoss(counts)" in code
    scope = {"model": NetworkClassifier(n_epochs=8, random_state=0), "X": imbalanced.X, "y": imbalanced.y,
             "X_new": imbalanced.X_test}  # fmt: skip
    exec(code, scope)
    recall = np.mean(scope["model"].predict(imbalanced.X_test)[imbalanced.y_test == "cow"] == "cow")
    assert recall == pytest.approx(found["logit-adjusted-loss"].recall["cow"])
