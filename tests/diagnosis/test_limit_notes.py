"""What the ledger says of the limit where the rows are certified to be separable."""

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from marginscope.diagnosis.limit_notes import limit_note
from marginscope.remedies import REMEDIES, remedy
from marginscope.remedies.changes import LIMIT


@pytest.fixture(scope="module")
def separable(blobs):
    """Six rows of a rare class in twenty dimensions: separable, and hard to learn."""
    centres = np.pad(2.2 * np.eye(3), ((0, 0), (0, 17)))
    return blobs([60, 40, 6], centres, test=5.0)


@pytest.fixture(scope="module")
def ledger(separable):
    diagnosis = separable.diagnose(LogisticRegression(C=np.inf, max_iter=3000), checks=["infinite-parameters"])
    return diagnosis.remedy("cow")


def test_weights_are_said_not_to_move_the_limit_and_shown_all_the_same(ledger):
    weights = ledger["class-weights"]
    assert weights.outcome == "tried"
    assert weights.change["cow"] is not None
    assert "completely separable (certificate verified)" in weights.caveat
    assert "class margins, a penalty or early stopping" in weights.caveat


def test_the_note_is_on_what_cannot_move_the_limit_only(ledger):
    noted = {one.slug for one in ledger.trials if one.caveat}
    assert {"class-weights", "class-balanced-weights", "over-sampling", "smote", "logit-adjustment"} <= noted
    assert not noted & {"class-margins", "cdt", "vs-loss", "under-sampling", "tau-normalisation", "stronger-penalty",
                        "early-stopping", "richer-model"}  # fmt: skip
    assert all(LIMIT not in remedy(slug).changes for slug in noted)
    ((slugs, sentence),) = ledger.caveats
    assert set(slugs) == noted
    assert sentence in str(ledger)


def test_the_certificate_comes_with_the_ledger_and_can_be_proved_again(ledger):
    found = ledger.separation
    assert found.certificate.status == "complete"
    assert found.certificate.verify(found.X, found.y, exact=True)
    document = json.loads(json.dumps(ledger.to_dict(), allow_nan=False))
    assert document["separability"] == "complete"
    by_slug = {one["slug"]: one for one in document["remedies"]}
    assert by_slug["class-weights"]["caveat"].startswith("cannot move the limit")
    assert by_slug["class-margins"]["caveat"] is None


def test_with_a_penalty_nothing_is_said_of_the_limit(separable):
    ledger = separable.diagnose(LogisticRegression(C=1.0), checks=["infinite-parameters"]).remedy("cow")
    assert ledger.separation is None
    assert not ledger.caveats
    assert ledger.to_dict()["separability"] is None


def test_on_overlapping_rows_nothing_is_said_of_the_limit(blobs):
    overlap = blobs([60, 40, 20], [[0, 0], [1, 0], [0, 1]])
    ledger = overlap.diagnose(LogisticRegression(C=np.inf), checks=["infinite-parameters"]).remedy("cow")
    assert ledger.separation is None
    assert not ledger.caveats


def test_weights_in_use_are_noted_though_they_cannot_be_turned(separable):
    model = LogisticRegression(C=np.inf, class_weight="balanced", max_iter=3000)
    ledger = separable.diagnose(model, checks=["weights-vanish"]).remedy("cow")
    weights = ledger["class-weights"]
    assert weights.outcome == "could_not_act"
    assert "class weights already" in weights.reason
    assert "not where training ends" in weights.caveat


def test_without_a_certificate_there_is_no_note():
    assert all(limit_note(one, None) == "" for one in REMEDIES)
