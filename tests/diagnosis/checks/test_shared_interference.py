"""Learned alone, lost beside the classes that share its weights."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from marginscope.diagnosis.checks import shared_interference as check
from marginscope.diagnosis.checks.shared_interference import SharedInterference
from marginscope.exceptions import CheckNotApplicable

CORNERS = 4.0 * np.array([[a, b, c, 0, 0, 0] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)])
NAMES = (*"abcdefgh", "fox", "yak", "zebu")
LOST = ("fox", "yak", "zebu")


def perceptron(n_units, **options):
    settings = {"activation": "tanh", "learning_rate_init": 0.01, "max_iter": 300, "random_state": 0}
    return MLPClassifier((n_units,), **{**settings, **options})


@pytest.fixture(scope="module")
def cube(blobs):
    """Eight classes on the corners of a cube, and three beside corners, each in a direction of its own."""
    beside = CORNERS[[7, 0, 3]] + 3.0 * np.eye(6)[3:]
    return blobs([60] * 8 + [40] * 3, np.vstack([CORNERS, beside]), names=NAMES)


@pytest.fixture(scope="module")
def narrow_case(case_of, cube):
    return case_of(perceptron(3), cube)


def test_fires_where_three_units_are_spent_on_the_others(narrow_case, examine):
    found = examine(SharedInterference(), narrow_case)
    assert found.status == "issue"
    assert set(found.classes) == set(LOST)
    assert found.remedies == ("wider-network", "class-branches")
    proof = next(one for one in found.counterfactuals if one.label == "fox")
    assert proof.intervention == "wider-network x4"
    assert proof.lift > 0.6
    evidence = {one.name: one for one in found.evidence}
    for rest in ("the rest", "'h'"):
        assert evidence[f"area under the curve of 'fox' alone, against {rest}"].value > 0.95
    assert evidence["cosine of the gradient of 'fox' with that of the other classes"].value < -0.8


@pytest.mark.slow
def test_it_is_the_first_cause_although_trees_learn_the_class_too(cube):
    found = cube.diagnose(perceptron(3))
    assert {found[name].cause for name in LOST} == {"shared-interference"}
    assert found["e"].verdict == "healthy"


def test_the_areas_are_those_of_a_network_that_serves_one_class(narrow_case, cube, examine):
    from sklearn.metrics import roc_auc_score

    found = examine(SharedInterference(), narrow_case)
    alone = perceptron(3).fit(cube.X, cube.y == "fox").predict_proba(cube.X_test)[:, 1]
    area = roc_auc_score(cube.y_test == "fox", alone)
    told = next(one.value for one in found.evidence if one.name.endswith("alone, against the rest"))
    assert told == pytest.approx(area, abs=0.02)


def test_the_thresholds_act(narrow_case, examine):
    strict = examine(SharedInterference(least_area=1.01), narrow_case)
    assert strict.status == "passed"
    assert "learned by it alone" in strict.sentence
    with pytest.raises(CheckNotApplicable, match="trained alone"):
        examine(SharedInterference(most_classes=0), narrow_case)


@pytest.mark.parametrize(("share", "fires"), [(0.69, True), (0.71, False)])
def test_what_the_shares_bring_back_is_no_interference(share, fires, narrow_case, examine, monkeypatch):
    real = check.proofs_of

    def proofs(case, slug):
        wide = real(case, "wider-network")
        if slug != "logit-adjustment":
            return real(case, slug)
        return {name: replace(one, lift=share * one.net, rival_cost=0.0) for name, one in wide.items()}

    monkeypatch.setattr(check, "proofs_of", proofs)
    found = examine(SharedInterference(), narrow_case)
    assert found.status == ("issue" if fires else "passed")
    if not fires:
        reasons = {one.reason for one in found.counterfactuals if one.label in LOST}
        assert reasons == {"logit adjustment alone brings back as much"}


def test_stays_silent_where_the_share_alone_holds_a_class_back(case_of, imbalanced, examine):
    case = case_of(perceptron(8, max_iter=60, alpha=1.0), imbalanced)
    assert case.poor
    assert examine(SharedInterference(), case).status == "passed"


def test_stays_silent_where_the_network_cannot_learn_the_class_alone_either(case_of, rings, examine):
    found = examine(SharedInterference(), case_of(perceptron(1), rings))
    assert found.status == "passed"
    assert "learned by it alone" in found.sentence


def test_stays_silent_where_nothing_tells_the_class(case_of, mute, examine):
    case = case_of(perceptron(6, max_iter=60), mute)
    assert case.poor
    assert examine(SharedInterference(), case).status == "passed"


@pytest.mark.parametrize(
    ("model", "problem", "why"),
    [
        (LogisticRegression(C=1e-6), "penalised", "no network"),
        (perceptron(16), "healthy", "below one half"),
    ],
)
def test_has_nothing_to_say(model, problem, why, case_of, examine, request):
    with pytest.raises(CheckNotApplicable, match=why):
        examine(SharedInterference(), case_of(model, request.getfixturevalue(problem)))


def test_given_predictions_are_no_network(given_case, examine):
    with pytest.raises(CheckNotApplicable, match="no network"):
        examine(SharedInterference(), given_case)


def test_two_classes_have_no_solo(case_of, blobs, examine):
    case = case_of(perceptron(1, max_iter=5), blobs([40, 40], [[0, 0], [0.2, 0]]))
    with pytest.raises(CheckNotApplicable, match="two classes"):
        examine(SharedInterference(), case)


@pytest.mark.slow
def test_a_branch_for_each_class_brings_them_back_too(case_of, cube, examine):
    nn = pytest.importorskip("torch").nn
    from marginscope.torch import NetworkClassifier

    def narrow(n_features, n_classes):
        return nn.Sequential(nn.Linear(n_features, 3), nn.Tanh(), nn.Linear(3, n_classes))

    case = case_of(NetworkClassifier(narrow, learning_rate=0.02, n_epochs=60, random_state=0), cube)
    found = examine(SharedInterference(), case)
    assert found.status == "issue"
    assert "fox" in found.classes
    claim = case.lab.claim("class-branches", sorted(NAMES).index("fox"), "fox")
    assert claim.is_proof
    assert claim.lift > 0.5


@pytest.mark.slow
def test_passable_classes_that_a_richer_model_lifts_are_looked_at_too(blobs, case_of, examine):
    rng = np.random.default_rng(2)
    nine = blobs([120] * 9, 2.0 * rng.standard_normal((9, 6)), names=tuple("abcdefghi"), seed=2)
    case = case_of(MLPClassifier((3,), max_iter=200, learning_rate_init=0.01, random_state=0), nine)
    assert not case.poor
    found = examine(SharedInterference(), case)
    assert found.status == "issue"
    assert all(case.scores.recall[case.names.index(name)] < 0.9 for name in found.classes)
