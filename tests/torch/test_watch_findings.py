"""What a watch says of trainings with one thing wrong, and of those with nothing."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

import marginscope.torch as mt

DIGITS = load_digits()
X = torch.tensor(DIGITS.data / 16, dtype=torch.float32)
Y = torch.tensor(DIGITS.target)


def watched(net, n_steps, *, lr=0.01, seed=0, X=X, y=Y, **options):
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    draw = torch.Generator().manual_seed(seed)
    every = np.unique(np.geomspace(1, n_steps, 16).astype(int)).tolist()
    with mt.watch(net, X=X, y=y, every=every, **options) as w:
        for _ in range(n_steps):
            rows = torch.randint(len(X), (128,), generator=draw)
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(X[rows]), y[rows]).backward()
            optimizer.step()
    return w


def found(w):
    return {one.slug: one for one in w.findings() if str(one.status) in ("issue", "tip")}


def perceptron(seed, width=32):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))


def dead_score(seed):
    """A ReLU behind the scores, the unit of the 3 switched off."""
    net = nn.Sequential(*perceptron(seed), nn.ReLU())
    with torch.no_grad():
        net[2].bias[3] = -20.0
    return net


def dead_layer(seed):
    """Hidden units that no row of the 7 switches on: the features of the 7 get a number of their own."""
    net = perceptron(seed)
    with torch.no_grad():
        net[0].weight[:, 0] = -50.0
    return net


def bottleneck(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(64, 2), nn.Tanh(), nn.Linear(2, 10))


def test_a_healthy_training_is_left_alone():
    w = watched(perceptron(0), 300)
    assert found(w) == {}
    assert {str(one.status) for one in w.findings()} == {"passed"}
    assert all(one.sentence.endswith(".") for one in w.findings())
    assert str(w).count("\n") == 0


def test_a_dead_score_is_named():
    w = watched(dead_score(0), 300)
    one = found(w)["dead-units"]
    assert str(one.status) == "issue"
    assert "3" in one.classes
    assert w.column("reach")[-1][3] == 0.0
    assert "shared-interference" not in found(w)
    assert next(row for row in one.evidence if row.name == "reach of '3'").value == 0.0


def test_a_layer_that_is_dead_on_the_rows_of_a_class_is_named():
    marked = X.clone()
    marked[:, 0] = (Y == 7).float()  # a feature of the 7 that switches every unit off
    w = watched(dead_layer(0), 150, X=marked)
    one = found(w)["dead-units"]
    assert one.classes == ("7",)
    (shares,) = w.units.values()
    assert shares[7] == 0.0
    assert np.delete(shares, 7).min() > 0.3
    assert str(one.status) == "tip", "its bias alone tells it, as no other class has rows that are all off"
    assert w["7"].recall[-1] > 0.5


def test_classes_that_stand_in_each_others_way_are_a_suspicion():
    w = watched(bottleneck(1), 2500)
    one = found(w)["shared-interference"]
    assert str(one.status) == "tip"
    assert one.remedies == ("wider-network", "class-branches")
    assert "dead-units" not in found(w)
    for name in one.classes:
        assert w[name].recall[-1] < 0.5
        assert w[name].columns["opposition"][-1] <= -0.5


def test_a_net_that_knows_the_shares_only_is_told():
    w = watched(perceptron(0), 30, lr=0.0)
    one = found(w)["not-converged"]
    assert str(one.status) == "issue"
    assert len(one.classes) == 10
    assert f"their entropy {w.prior_entropy:.3g}" in one.sentence
    assert next(f for f in w.findings() if f.slug == "shared-interference").status == "not_applicable"


def test_a_class_that_is_still_getting_better_is_told():
    w = watched(perceptron(0), 25, lr=0.003)
    one = found(w)["not-converged"]
    assert str(one.status) == "tip"
    assert "still fell" in one.sentence
    assert "shared-interference" not in found(w)


def test_a_small_class_that_is_only_outvoted_is_told():
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 2.6]])
    y = np.repeat([0, 1, 2], [900, 900, 30])
    points = torch.tensor(centres[y] + rng.standard_normal((len(y), 2)), dtype=torch.float32)
    torch.manual_seed(0)
    w = watched(nn.Linear(2, 3), 250, lr=0.02, X=points, y=torch.tensor(y), classes=["ant", "bee", "cow"])
    one = found(w)["imbalance"]
    assert one.classes == ("cow",)
    assert w["cow"].columns["area"][-1] > 0.9
    assert "shared-interference" not in found(w)


def test_every_threshold_acts():
    w = watched(bottleneck(1), 2500)
    names = found(w)["shared-interference"].classes
    w.rules = replace(w.rules, good_recall=0.0)
    assert found(w) == {}
    w.rules = replace(w.rules, good_recall=0.5, opposed=-1.01)
    assert "shared-interference" not in found(w)
    w.rules = replace(w.rules, opposed=-0.5, lively=1e9)
    assert "shared-interference" not in found(w)
    w.rules = replace(w.rules, lively=0.3, plateau=2.0)
    assert str(found(w)["not-converged"].status) == "issue"
    w.rules = replace(w.rules, plateau=0.05, dead_reach=1e9)
    assert set(names) <= set(found(w)["dead-units"].classes)


def test_one_look_says_nothing():
    with mt.watch(perceptron(0), X=X, y=Y) as w:
        pass
    assert {str(one.status) for one in w.findings()} == {"not_applicable"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_healthy_trainings_and_dead_scores_are_told_apart(seed):
    assert found(watched(perceptron(seed), 400, seed=seed)) == {}
    dead = found(watched(dead_score(seed), 400, seed=seed))
    assert "3" in dead["dead-units"].classes
    assert set(dead) <= {"dead-units", "not-converged"}


@pytest.mark.slow
def test_classes_that_two_shared_units_lose_are_named():
    fired = 0
    for seed in range(6):
        w = watched(bottleneck(seed), 3000, seed=seed)
        named = found(w)
        assert set(named) <= {"not-converged", "shared-interference"}
        lost = {name for name in w.classes if w[name].recall[-1] < 0.3}
        assert lost <= {name for one in named.values() for name in one.classes}
        fired += "shared-interference" in named
    assert fired >= 3, "in the others what is lost still gets better"
