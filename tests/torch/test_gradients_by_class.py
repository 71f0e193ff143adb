"""Gradients of classes against one backward pass a class."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from marginscope.torch import NetworkClassifier
from marginscope.torch.gradients_by_class import class_gradients
from marginscope.torch.network_part import network_part

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 5))
Y = RNG.choice(4, p=[0.5, 0.3, 0.15, 0.05], size=40)


def mlp(*end, bias=True):
    torch.manual_seed(0)
    layers = [nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(inplace=True), nn.Linear(8, 4, bias=bias), *end]
    network = nn.Sequential(*layers).double()
    network[1].running_var.uniform_(0.5, 2.0)
    return network


def squares(outputs, codes):
    return (outputs - F.one_hot(codes, 4)).square().mean(dim=1)


def one_backward_a_class(network, loss, X=X):
    network.eval()
    found = {}
    for k in range(4):
        rows = np.flatnonzero(np.equal(Y, k))
        network.zero_grad()
        loss(network(torch.tensor(X[rows])), torch.tensor(Y[rows])).mean().backward()
        for name, part in network.named_modules():
            own = [p.grad.ravel() for p in part.parameters(recurse=False)]
            if own:
                found.setdefault(name, []).append(torch.cat(own).numpy())
    network.zero_grad()
    network.train()
    return {name: np.array(rows) for name, rows in found.items()}


CASES = {
    "cross-entropy": ("cross_entropy", lambda v, y: F.cross_entropy(v, y, reduction="none"), mlp),
    "no bias": ("cross_entropy", lambda v, y: F.cross_entropy(v, y, reduction="none"), lambda: mlp(bias=False)),
    "squares after a softmax": ("mse", squares, lambda: mlp(nn.Softmax(dim=1))),
    "a mean of the batch": (lambda v, y: F.cross_entropy(v, y), F.cross_entropy, mlp),
    "weights of the loss are left out": (
        nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64)),
        F.cross_entropy,
        mlp,
    ),
}


@pytest.mark.parametrize(("loss", "plain", "make"), CASES.values(), ids=CASES.keys())
def test_gradients_of_all_layers(loss, plain, make):
    network = make()
    expected = one_backward_a_class(network, plain)
    found = class_gradients(network, X, Y, loss=loss, deep=True)
    assert list(found) == ["0", "1", "3"]
    for name, gradients in expected.items():
        np.testing.assert_allclose(found[name], gradients, atol=1e-12)
    assert network.training


@pytest.mark.parametrize(("loss", "plain", "make"), CASES.values(), ids=CASES.keys())
def test_the_last_layer_from_pull_and_features(loss, plain, make):
    network = make()
    found = class_gradients(network, X, Y, loss=loss)
    assert list(found) == ["3"]
    np.testing.assert_allclose(found["3"], one_backward_a_class(network, plain)["3"], atol=1e-12)


def test_a_layer_without_a_batched_form():
    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.memory, self.last = nn.LSTM(1, 3, batch_first=True), nn.Linear(3, 4)

        def forward(self, rows):
            return self.last(self.memory(rows)[0][:, -1])

    torch.manual_seed(0)
    network, rows = Recurrent().double(), X[:, :, None]
    expected = one_backward_a_class(network, F.cross_entropy, rows)
    for name, gradients in class_gradients(network, rows, Y, deep=True).items():
        np.testing.assert_allclose(gradients, expected[name], atol=1e-12)


def test_shares_times_gradients_are_the_gradient_of_all_rows():
    model = NetworkClassifier(copies=2, n_epochs=1, random_state=0).fit(X, Y)
    found = class_gradients(model.module_, X, Y)["last layer"]
    part = network_part(model.module_, X, Y, model.classes_)
    design = np.column_stack([part.features, np.ones(40)])
    whole = -part.pull.T @ design / 40
    shares = np.bincount(Y) / 40
    np.testing.assert_allclose(shares @ found, np.concatenate([whole[:, :-1].ravel(), whole[:, -1]]), atol=1e-12)


def test_a_class_without_rows_has_zeros():
    for deep in (False, True):
        found = class_gradients(mlp(), X[Y > 0], Y[Y > 0], classes=[0, 1, 2, 3], deep=deep)
        assert not found["3"][0].any()
        assert found["3"][1:].any(axis=1).all()


def test_frozen_layers_have_no_gradient():
    network = mlp()
    network[0].requires_grad_(False)
    assert list(class_gradients(network, X, Y, deep=True)) == ["1", "3"]
