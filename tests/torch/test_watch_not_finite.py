"""A training that breaks is recorded as broken: NaN is no zero, and no class is learned by it."""

import json

import numpy as np
import pytest
import torch
from torch import nn

import marginscope.torch as mt

X = torch.randn(300, 4, generator=torch.Generator().manual_seed(0))
Y = torch.arange(300) % 3


def train(net, lr=1e30, n_steps=30):
    optimizer, criterion = torch.optim.SGD(net.parameters(), lr=lr), nn.CrossEntropyLoss()
    for _ in range(n_steps):
        optimizer.zero_grad()
        criterion(net(X), Y).backward()
        optimizer.step()


def net_of(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("options", [{}, {"deep": True}, {"loss": "mae"}], ids=["plain", "deep", "another loss"])
def test_a_training_that_breaks_is_told_and_left_alone(options, capfd):
    net, alone = net_of(), net_of()
    train(alone)
    with mt.watch(net, X=X, y=Y, every=5, **options) as w:
        train(net)
    assert all(torch.equal(a.isnan(), b.isnan()) for a, b in zip(net.parameters(), alone.parameters(), strict=True))
    assert w.problem == ""
    assert w.steps.tolist() == list(range(0, 31, 5))
    assert w.is_finite.tolist() == [True] + [False] * 6
    assert np.isfinite(w.total_loss[0])
    assert np.isnan(w.total_loss[1:]).all()
    assert np.isnan(w.total_information[1:]).all()
    assert (w.column("recall")[1:] == 0).all()
    assert (w.column("called")[1:] == 0).all()
    assert np.isnan(w.column("gradient_norm")[1:]).all()
    assert set(w.learned_at().values()) == {None}
    assert all(rival != name for name in w.classes for rival in w[name].rivals)
    found = {one.slug: one for one in w.findings()}
    assert found["not-converged"].sentence.startswith("The loss is not finite from step 5 on")
    assert {str(one.status) for slug, one in found.items() if slug != "not-converged"} == {"not_applicable"}
    assert str(w).startswith("0 of 3 classes learned after 30 steps, 7 looks: loss ")
    assert " to nan\n" in str(w)
    assert "nan%" not in str(w["0"])
    assert json.loads(json.dumps(w.to_dict(), allow_nan=False))["records"][-1]["total_loss"] is None
    assert capfd.readouterr().err == "", "nothing is handed to linear algebra"


def test_batches_of_a_broken_training_are_recorded_too():
    net = net_of()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=1e30)
    with mt.watch(net, loss=criterion, every=2) as w:
        for _ in range(12):
            optimizer.zero_grad()
            criterion(net(torch.cat([X, X])), torch.cat([Y, Y])).backward()
            optimizer.step()
    assert np.isnan(w.total_loss[-1])
    assert (w.column("recall")[-1] == 0).all()
    assert "not finite from step" in str(w)


def test_one_broken_row_spoils_its_own_class_only():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 3)

        def forward(self, x):
            return self.layer(x) + torch.where(x[:, :1] > 90, torch.nan, 0.0)

    rows = X.clone()
    rows[0, 0] = 99.0
    with mt.watch(Net(), X=rows, y=Y, every=1) as w:
        w.step()
    loss, last = w.column("loss")[-1], w.records[-1]
    assert np.isnan(loss[0])
    with torch.no_grad():
        scores = w._net(rows)
        other = nn.functional.cross_entropy(scores[Y == 1], Y[Y == 1])
        called = (scores[Y == 0][1:].argmax(1) == 0).double().sum() / 100
    assert loss[1] == pytest.approx(float(other), rel=1e-5)
    assert w.column("recall")[-1, 0] == pytest.approx(float(called))
    assert np.isnan(last.classes.gradient_norm).all()
    assert np.isnan(w.total_loss[-1])


def test_a_class_without_rows_is_left_out_of_the_mean_and_not_counted_as_zero():
    criterion, net = nn.CrossEntropyLoss(), nn.Linear(4, 3)
    with mt.watch(net, loss=criterion, every=[1, 2]) as w:
        w.step()
        criterion(net(X.repeat(2, 1)), Y.repeat(2))
        w.step()
        criterion(net(X[Y < 2].repeat(3, 1)), Y[Y < 2].repeat(3))
    seen = net(X[Y < 2]).detach()
    assert w.is_finite.tolist() == [True, True]
    assert w.records[-1].rows.tolist() == [300, 300, 0]
    parts = np.array([nn.functional.cross_entropy(seen[Y[Y < 2] == k], Y[Y < 2][Y[Y < 2] == k]).item() for k in (0, 1)])
    shares = w.records[-1].shares[:2]
    assert shares.sum() < 1
    assert w.total_loss[-1] == pytest.approx(shares @ parts / shares.sum(), rel=1e-5)


def test_parameters_that_are_not_finite_are_told_although_the_scores_are():
    net = nn.Sequential(nn.Embedding(5, 4), nn.Flatten(), nn.Linear(4, 3))
    rows = torch.arange(60)[:, None] % 4
    with mt.watch(net, X=rows, y=torch.arange(60) % 3, every=1, deep=True) as w:
        w.step()
        with torch.no_grad():
            net[0].weight[4] = torch.inf
        w.step()
    assert w.is_finite.tolist() == [True, True, False]
    assert np.isfinite(w.total_loss).all()
    assert w.findings()[0].sentence.startswith("Some parameters are not finite from step 2 on")


def test_a_look_that_was_broken_alone_is_told_as_such():
    net = nn.Linear(4, 3)
    weight = net.weight.detach().clone()
    with mt.watch(net, X=X, y=Y, every=1) as w, torch.no_grad():
        for value in (weight, torch.full_like(weight, torch.inf), weight):
            net.weight.copy_(value)
            w.step()
    assert w.findings()[0].sentence.startswith("The loss is not finite at step 2:")


def test_scores_of_minus_infinity_are_scores():
    class Masked(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 3)

        def forward(self, x):
            return self.layer(x) + torch.tensor([0.0, 0.0, -torch.inf])

    with mt.watch(Masked(), X=X[Y < 2], y=Y[Y < 2], classes=["a", "b", "never"], every=1) as w:
        w.step()
    assert w.is_finite.all()
    assert np.isfinite(w.total_loss).all()
    assert w.column("called")[-1].sum() == pytest.approx(1.0)
