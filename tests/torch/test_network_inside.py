"""The inside of any torch network against finite differences and values taken by hand."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from marginscope import ModelError
from marginscope.torch import ClassBranches, CosineHead, NetworkClassifier
from marginscope.torch.network_part import network_part

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 5))
Y = RNG.integers(3, size=12)
IMAGES = RNG.normal(size=(12, 1, 6, 6))
TOKENS = RNG.integers(9, size=(12, 4))
CLASSES = np.array([0, 1, 2])


class Functional(nn.Module):
    """Activations, and the softmax, as functions: no module shows them."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(5, 7), nn.Linear(7, 6), nn.Linear(6, 3)

    def forward(self, rows):
        hidden = F.relu(self.second(torch.tanh(self.first(rows))))
        return F.softmax(self.last(hidden), dim=1)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.memory, self.last = nn.Embedding(9, 4), nn.GRU(4, 6, batch_first=True), nn.Linear(6, 3)

    def forward(self, rows):
        return self.last(self.memory(self.words(rows))[0][:, -1])


class NoLayers(nn.Module):
    def __init__(self):
        super().__init__()
        self.matrix = nn.Parameter(torch.randn(3, 5))

    def forward(self, rows):
        return rows @ self.matrix.T


def mlp():
    return nn.Sequential(nn.Linear(5, 8), nn.ReLU(inplace=True), nn.Linear(8, 6), nn.Sigmoid(), nn.Linear(6, 3))


def convolutions():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 3)
    )


def branched():
    trunk = nn.Sequential(nn.Linear(5, 6), nn.ReLU())
    return ClassBranches(trunk, lambda: nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 1)), 3)


def _copies(**settings):
    model = NetworkClassifier(mlp(), random_state=0, train=lambda *_: None, **settings)
    return model.fit(X, Y).module_


NETWORKS = {
    "modules": (mlp, X, {"0": 8, "2": 6}),
    "a norm stands for the layer it reads": (convolutions, IMAGES, {"1": 4}),
    "functions": (Functional, X, {"first": 7, "second": 6}),
    "branches": (branched, X, {"trunk.0": 6, "branches.0.0": 4, "branches.1.0": 4, "branches.2.0": 4}),
    "copies": (lambda: _copies(copies=2), X, {f"copies.{m}.{at}": n for m in (0, 1) for at, n in ((0, 8), (2, 6))}),
    "a copy a class": (
        lambda: _copies(branches=True),
        X,
        {f"copies.{k}.{at}": n for k in (0, 1, 2) for at, n in ((0, 8), (2, 6))},
    ),
    "sequences": (Recurrent, TOKENS, {"words": 4, "memory": 6}),
    "linear": (lambda: nn.Linear(5, 3), X, {}),
    "no layer in sight": (NoLayers, X, {}),
    "cosines": (lambda: nn.Sequential(nn.Linear(5, 6), nn.ReLU(), CosineHead(6, 3)), X, {"0": 6}),
}


def made(name):
    make, rows, units = NETWORKS[name]
    torch.manual_seed(3)
    network = make().double()
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.uniform_(-0.5, 0.5)
    return network, rows, units


def tensor(rows):
    return torch.tensor(rows)


def scores_of(network, rows):
    with torch.no_grad():
        outputs = network(tensor(rows)).numpy()
    is_simplex = (outputs >= 0).all() and np.allclose(outputs.sum(axis=1), 1)
    return np.log(outputs) if is_simplex else outputs


@pytest.mark.parametrize("name", NETWORKS)
def test_units_and_shapes(name):
    network, rows, units = made(name)
    part = network_part(network, rows, Y, CLASSES)
    assert {layer.name: layer.outputs.shape for layer in part.layers} == {one: (12, n) for one, n in units.items()}
    assert all(layer.reach.shape == layer.outputs.shape for layer in part.layers)


def _output_shape(network, module, rows):
    kept = []
    handle = module.register_forward_hook(lambda _, __, out: kept.append(out[0] if isinstance(out, tuple) else out))
    scores_of(network, rows)
    handle.remove()
    return kept[0].shape


@pytest.mark.parametrize("name", [name for name, (_, _, units) in NETWORKS.items() if units])
def test_reach_is_the_derivative_of_the_own_score_less_the_mean(name):
    network, rows, _ = made(name)
    part = network_part(network, rows, Y, CLASSES)
    network.eval()
    step = 1e-6

    def own(shift, module):
        def moved(_, __, output):
            if isinstance(output, tuple):
                return (output[0] + shift, *output[1:])
            return output + shift

        handle = module.register_forward_hook(moved)
        scores = scores_of(network, rows)
        handle.remove()
        return scores[np.arange(12), Y] - scores.mean(axis=1)

    for layer in part.layers:
        module = network.get_submodule(layer.name)
        shape = _output_shape(network, module, rows)
        axis = 1 if isinstance(module, nn.BatchNorm2d) else len(shape) - 1
        expected = np.zeros(layer.reach.shape)
        for place in np.ndindex(*shape[1:]):
            shift = torch.zeros(shape, dtype=torch.float64)
            shift[(slice(None), *place)] = step
            expected[:, place[axis - 1]] += np.abs(own(shift, module) - own(-shift, module)) / (2 * step)
        np.testing.assert_allclose(layer.reach, expected, atol=1e-7)
        assert (expected == 0).any() or layer.name not in {"0", "second", "trunk.0"}


def test_outputs_are_what_the_units_give_on():
    network, rows, _ = made("modules")
    with torch.no_grad():
        first = network[:2](tensor(rows))
        second = network[2:4](first)
    layers = network_part(network, rows, Y, CLASSES).layers
    np.testing.assert_allclose(layers[0].outputs, first)
    np.testing.assert_allclose(layers[1].outputs, second)


def test_outputs_after_functions_are_what_the_next_part_reads():
    network, rows, _ = made("functions")
    with torch.no_grad():
        first = torch.tanh(network.first(tensor(rows)))
        second = F.relu(network.second(first))
    layers = network_part(network, rows, Y, CLASSES).layers
    np.testing.assert_allclose(layers[0].outputs, first)
    np.testing.assert_allclose(layers[1].outputs, second)


def test_a_function_in_place_hides_no_layer():
    class InPlace(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.last = nn.Linear(5, 5), nn.Linear(5, 5), nn.Linear(5, 3)

        def forward(self, rows):
            hidden = F.relu(self.first(rows), inplace=True)
            return self.last(torch.sigmoid_(self.second(hidden)))

    torch.manual_seed(0)
    network = InPlace().double()
    with torch.no_grad():
        first = F.relu(network.first(tensor(X)))
        second = torch.sigmoid(network.second(first))
    layers = network_part(network, X, Y, CLASSES).layers
    assert [layer.name for layer in layers] == ["first", "second"]
    np.testing.assert_allclose(layers[0].outputs, first)
    np.testing.assert_allclose(layers[1].outputs, second)
    np.testing.assert_array_equal(layers[0].reach == 0, first == 0)


def test_outputs_of_maps_are_means_over_their_places():
    network, rows, _ = made("a norm stands for the layer it reads")
    network.eval()
    with torch.no_grad():
        maps = network[:4](tensor(rows))
    layers = network_part(network, rows, Y, CLASSES).layers
    np.testing.assert_allclose(layers[0].outputs, maps.mean(dim=(2, 3)))


def test_maps_that_a_function_flattens():
    class Flat(nn.Module):
        def __init__(self):
            super().__init__()
            self.maps, self.last = nn.Conv2d(1, 4, 3), nn.Linear(64, 3)

        def forward(self, rows):
            return self.last(F.relu(self.maps(rows)).flatten(1))

    network = Flat().double()
    with torch.no_grad():
        expected = F.relu(network.maps(tensor(IMAGES))).mean(dim=(2, 3))
    np.testing.assert_allclose(network_part(network, IMAGES, Y, CLASSES).layers[0].outputs, expected)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "cosines"])
def test_features_times_coefficients_are_the_scores(name):
    network, rows, _ = made(name)
    part = network_part(network, rows, Y, CLASSES)
    np.testing.assert_allclose(part.features @ part.coef.T + part.intercept, part.scores, atol=1e-10)
    network.eval()
    expected = scores_of(network, rows)
    if name == "functions":  # what goes into the softmax, which the network does not return
        with torch.no_grad():
            expected = network.last(F.relu(network.second(torch.tanh(network.first(tensor(rows)))))).numpy()
    np.testing.assert_allclose(part.scores, expected, atol=1e-10)


def test_the_last_layer_is_found_as_it_stands():
    for name, module in (("modules", "4"), ("functions", "last"), ("linear", "")):
        network, rows, _ = made(name)
        part, last = network_part(network, rows, Y, CLASSES), network.get_submodule(module)
        np.testing.assert_allclose(part.coef, last.weight.detach())
        np.testing.assert_allclose(part.intercept, last.bias.detach(), atol=1e-12)


def test_coefficients_of_branches_stand_in_blocks():
    network, rows, _ = made("branches")
    part = network_part(network, rows, Y, CLASSES)
    expected = np.zeros((3, 12))
    for k, branch in enumerate(network.branches):
        expected[k, 4 * k : 4 * k + 4] = branch[2].weight.detach()
    np.testing.assert_allclose(part.coef, expected)
    np.testing.assert_allclose(part.intercept, [branch[2].bias.item() for branch in network.branches])


def test_a_head_that_is_not_linear_is_fitted():
    network, rows, _ = made("cosines")
    part = network_part(network, rows, Y, CLASSES)
    with torch.no_grad():
        hidden = network[:2](tensor(rows)).numpy()
    design = np.column_stack([hidden, np.ones(12)])
    fitted = np.linalg.pinv(design) @ scores_of(network, rows)
    np.testing.assert_allclose(part.features, hidden)
    np.testing.assert_allclose(part.features @ part.coef.T + part.intercept, design @ fitted, atol=1e-10)


def test_a_head_over_places_reads_their_mean():
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    ).double()
    part = network_part(network, IMAGES, Y, CLASSES)
    np.testing.assert_allclose(part.coef, network[2].weight.detach()[:, :, 0, 0], atol=1e-12)
    np.testing.assert_allclose(part.features @ part.coef.T + part.intercept, part.scores, atol=1e-10)


def softmax(scores):
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def by_row(values, formula):
    """Return minus the central difference of a loss (n,) in the scores (n, K)."""
    slopes = np.zeros_like(values)
    for k in range(values.shape[1]):
        shift = np.zeros_like(values)
        shift[:, k] = 1e-6
        slopes[:, k] = (formula(values + shift) - formula(values - shift)) / 2e-6
    return -slopes


ONE_HOT = np.eye(3)[Y]
HAND = {
    "cross_entropy": lambda v: -np.log((softmax(v) * ONE_HOT).sum(axis=1)),
    "mse": lambda v: ((softmax(v) - ONE_HOT) ** 2).mean(axis=1),
    "focal": lambda v: -((1 - (p := (softmax(v) * ONE_HOT).sum(axis=1))) ** 2) * np.log(p),
}


@pytest.mark.parametrize("loss", ["cross_entropy", nn.CrossEntropyLoss(weight=torch.tensor([1.0, 5.0, 2.0]))])
def test_pull_of_cross_entropy(loss):
    network, rows, _ = made("modules")
    part = network_part(network, rows, Y, CLASSES, loss)
    np.testing.assert_allclose(part.pull, ONE_HOT - softmax(part.scores), atol=1e-12)
    assert part.loss_name in ("cross_entropy", "CrossEntropyLoss")


def test_pull_of_a_loss_on_scores():
    network, rows, _ = made("modules")
    part = network_part(network, rows, Y, CLASSES, "focal")
    np.testing.assert_allclose(part.pull, by_row(part.scores, HAND["focal"]), atol=1e-8)


@pytest.mark.parametrize("loss", ["mse", nn.MSELoss()])
def test_pull_of_squares_goes_through_the_softmax(loss):
    network, rows, _ = made("functions")
    part = network_part(network, rows, Y, CLASSES, loss)
    np.testing.assert_allclose(part.pull, by_row(part.scores, HAND["mse"]), atol=1e-8)


def test_pull_of_a_softmax_too_many():
    network, rows, _ = made("functions")
    part = network_part(network, rows, Y, CLASSES, "cross_entropy")
    np.testing.assert_allclose(part.pull, by_row(part.scores, lambda v: HAND["cross_entropy"](softmax(v))), atol=1e-8)


def test_pull_of_a_loss_that_gives_a_mean_of_the_batch():
    network, rows, _ = made("modules")
    part = network_part(network, rows, Y, CLASSES, lambda outputs, codes: F.cross_entropy(outputs, codes))
    np.testing.assert_allclose(part.pull, ONE_HOT - softmax(part.scores), atol=1e-12)


def test_one_logit_has_two_scores():
    two = Y < 2
    network = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 1), nn.Sigmoid()).double()
    part = network_part(network, X[two], Y[two], [0, 1])
    with torch.no_grad():
        logit = network[:3](tensor(X[two]))[:, 0].numpy()
    np.testing.assert_allclose(part.scores, np.column_stack([-logit / 2, logit / 2]), atol=1e-9)
    np.testing.assert_allclose(part.features @ part.coef.T + part.intercept, part.scores, atol=1e-9)


def test_rows_in_batches_are_rows_together():
    for name in ("modules", "a norm stands for the layer it reads", "copies"):
        network, rows, _ = made(name)
        whole = network_part(network, rows, Y, CLASSES)
        parts = network_part(network, rows, Y, CLASSES, batch_size=5)
        for field in ("features", "coef", "intercept", "scores", "pull"):
            np.testing.assert_allclose(getattr(parts, field), getattr(whole, field), atol=1e-10)
        for one, other in zip(parts.layers, whole.layers, strict=True):
            np.testing.assert_allclose(one.reach, other.reach, atol=1e-10)


@pytest.mark.parametrize("fails", [False, True])
def test_the_network_is_left_as_it_was(fails):
    network, rows, _ = made("a norm stands for the layer it reads")
    network[1].eval()
    network[0].requires_grad_(False)
    before = copy.deepcopy(network.state_dict())
    hooks = [len(part._forward_hooks) for part in network.modules()]
    if fails:

        def loss(outputs, codes):
            if outputs.requires_grad:
                raise KeyError("no")
            return F.cross_entropy(outputs, codes)

        with pytest.raises(KeyError):
            network_part(network, rows, Y, CLASSES, loss)
    else:
        network_part(network, rows, Y, CLASSES)
    assert [part.training for part in network] == [True, False, True, True, True, True]
    assert hooks == [len(part._forward_hooks) for part in network.modules()]
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert [p.requires_grad for p in network.parameters()] == [False, False, True, True, True, True]
    assert all(p.grad is None for p in network.parameters())


def test_frozen_layers_are_seen_too():
    network, rows, _ = made("modules")
    free = network_part(network, rows, Y, CLASSES)
    frozen = network_part(network.requires_grad_(False), rows, Y, CLASSES)
    for one, other in zip(free.layers, frozen.layers, strict=True):
        np.testing.assert_allclose(one.reach, other.reach)


def test_labels_of_any_kind_and_labels_that_are_no_class():
    network, rows, _ = made("modules")
    names = np.array(["ash", "elm", "oak"])
    known = network_part(network, rows, names[Y], names)
    np.testing.assert_allclose(known.pull, network_part(network, rows, Y, CLASSES).pull)
    labels = names[Y].astype(object)
    labels[0] = "yew"
    assert not network_part(network, rows, labels, names).pull[0].any()


def test_dead_and_saturated_units_have_no_reach():
    network, rows, _ = made("modules")
    with torch.no_grad():
        network[0].bias[:3] = -1e3
        network[2].bias[1] = 1e3
    first, second = network_part(network, rows, Y, CLASSES).layers
    assert not first.reach[:, :3].any()
    assert not first.outputs[:, :3].any()
    assert first.reach[:, 3:].any()
    assert not second.reach[:, 1].any()
    np.testing.assert_array_equal(second.outputs[:, 1], 1.0)


def test_the_classifier_shows_the_inside_of_what_it_trained():
    model = NetworkClassifier(mlp(), loss="focal", n_epochs=2, random_state=0).fit(X, np.array(list("abc"))[Y])
    part = model.network_part(X, np.array(list("abc"))[Y])
    np.testing.assert_allclose(part.scores, model.decision_function(X))
    assert part.classes.tolist() == ["a", "b", "c"]
    assert part.loss_name == "focal"


def test_a_network_with_too_few_outputs_is_refused():
    with pytest.raises(ModelError, match="4 outputs"):
        network_part(mlp(), X, Y, [0, 1, 2, 3])
