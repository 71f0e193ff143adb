"""Units are off or saturated on the rows of the class, and live ones learn it."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from marginscope.diagnosis.checks.dead_units import DeadUnits
from marginscope.diagnosis.live_units import live_shares
from marginscope.exceptions import CheckNotApplicable

torch = pytest.importorskip("torch")
NetworkClassifier = pytest.importorskip("marginscope.torch.network_classifier").NetworkClassifier


def network(activation, bias, **settings):
    def make(n_features, n_classes):
        net = torch.nn.Sequential(torch.nn.Linear(n_features, 16), activation(), torch.nn.Linear(16, n_classes))
        if bias:
            torch.nn.init.constant_(net[0].bias, bias)
        return net

    return NetworkClassifier(make, **{"learning_rate": 0.02, "n_epochs": 12, "random_state": 0, **settings})


DEAD = {"off": network(torch.nn.ReLU, -50.0), "saturated": network(torch.nn.Tanh, 50.0)}


@pytest.mark.parametrize("model", DEAD.values(), ids=DEAD)
def test_fires_for_units_that_no_gradient_passes(model, penalised, case_of, examine):
    case = case_of(model, penalised)
    found = examine(DeadUnits(), case)
    assert found.status == "issue"
    assert {"bee", "cow"} <= set(found.classes)
    assert any(one.intervention.endswith("usual start") for one in found.counterfactuals if one.is_proof)
    assert all(one.value == 0.0 for one in found.evidence if one.name.startswith("share of units"))


def test_it_is_the_first_cause(penalised):
    found = penalised.diagnose(DEAD["off"])
    assert {found[name].cause for name in ("bee", "cow")} == {"dead-units"}


def test_live_units_of_a_perceptron_are_counted_by_hand(penalised, case_of):
    case = case_of(MLPClassifier((12,), solver="sgd", learning_rate_init=2.0, max_iter=20, random_state=1), penalised)
    (shares,) = live_shares(case).values()
    model = case.fitted
    is_on = penalised.X @ model.coefs_[0] + model.intercepts_[0] > 0
    out = model.coefs_[1]
    unit = np.abs(out - out.mean(axis=1, keepdims=True)).mean()
    for k, name in enumerate(case.names):
        own = penalised.y == name
        reach = is_on[own] * np.abs(out[:, k] - out.mean(axis=1))
        assert shares[k] == pytest.approx(((reach > 1e-3 * unit).mean(axis=0) >= 0.05).mean())


def test_what_scaled_features_bring_back_is_not_for_dead_units(blobs, case_of, examine):
    even = blobs([70] * 4, [[0, 0, 0, 0], [4, 0, 0, 0], [0, 4, 0, 0], [0, 0, 4, 0]])
    huge = replace(even, X=1e4 * even.X, X_test=1e4 * even.X_test)
    model = MLPClassifier((3,), activation="tanh", max_iter=60, learning_rate_init=0.02, random_state=0)
    case = case_of(model, huge)
    assert min(shares.min() for shares in live_shares(case).values()) < 0.25
    found = examine(DeadUnits(), case)
    assert any(one.lift > 0.05 for one in found.counterfactuals)
    assert not found.classes
    assert any("standardised features" in one.reason for one in found.counterfactuals)


def test_stays_silent_for_a_network_that_learns(healthy, case_of, examine):
    case = case_of(network(torch.nn.ReLU, 0.0, n_epochs=30), healthy)
    found = examine(DeadUnits(), case)
    assert found.status == "passed"
    assert case.lab.tried() == {}


def test_stays_silent_where_live_units_miss_a_class(imbalanced, case_of, examine):
    case = case_of(network(torch.nn.ReLU, 0.0), imbalanced)
    found = examine(DeadUnits(), case)
    assert found.status == "passed"
    assert case.lab.tried() == {}


def test_models_without_units_have_nothing_to_show(healthy_case, given_case, examine):
    for case in (healthy_case, given_case):
        with pytest.raises(CheckNotApplicable, match="no network"):
            examine(DeadUnits(), case)


def test_one_unit_that_is_off_for_a_class_tells_it_apart(blobs, case_of, examine):
    even = blobs([60] * 5, 6 * np.eye(5))
    for seed in range(20):
        case = case_of(MLPClassifier((1,), max_iter=150, learning_rate_init=0.02, random_state=seed), even)
        (shares,) = live_shares(case).values()
        if 0 < (shares == 0).sum() < 5 and (case.scores.recall[shares == 0] < 0.5).any():
            break
    else:
        pytest.fail("no start in which the unit is off for a class that is lost")
    assert examine(DeadUnits(), case).status == "passed"
    assert case.lab.tried() == {}


def test_one_unit_that_is_off_for_all_is_dead(blobs, case_of, examine):
    even = blobs([60] * 3, [[0, 0, 0, 0], [6, 0, 0, 0], [12, 0, 0, 0]])

    def make(n_features, n_classes):
        net = torch.nn.Sequential(torch.nn.Linear(n_features, 1), torch.nn.ReLU(), torch.nn.Linear(1, n_classes))
        torch.nn.init.constant_(net[0].bias, -50.0)
        return net

    found = examine(
        DeadUnits(), case_of(NetworkClassifier(make, learning_rate=0.02, n_epochs=60, random_state=0), even)
    )
    assert found.status == "issue"
