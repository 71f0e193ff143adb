"""First values as the layers of torch usually draw them."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from marginscope.torch.network_classifier import NetworkClassifier  # noqa: E402
from marginscope.torch.usual_start import UsualStart, draw_as_usual  # noqa: E402


class Cold(torch.nn.Linear):
    def reset_parameters(self):
        super().reset_parameters()
        self.bias.data.fill_(-50.0)


def cold(n_features, n_classes):
    return torch.nn.Sequential(Cold(n_features, 8), torch.nn.ReLU(), torch.nn.Linear(8, n_classes))


def test_every_layer_draws_as_its_kind_with_the_same_generator():
    torch.manual_seed(0)
    made = cold(4, 3)
    torch.manual_seed(7)
    draw_as_usual(made)
    torch.manual_seed(7)
    plain = [torch.nn.Linear(4, 8), torch.nn.Linear(8, 3)]
    torch.manual_seed(7)
    for one in plain:
        one.reset_parameters()
    for own, usual in zip((made[0], made[2]), plain, strict=True):
        assert torch.equal(own.weight, usual.weight)
        assert torch.equal(own.bias, usual.bias)


def test_frozen_parameters_keep_their_values():
    made = cold(4, 3)
    made[0].bias.requires_grad_(False)
    draw_as_usual(made)
    assert (made[0].bias == -50.0).all()
    assert made[0].weight.requires_grad


@pytest.mark.parametrize("network", [None, cold, cold(4, 3)], ids=["none", "callable", "module"])
def test_a_network_is_made_from_whatever_the_classifier_takes(network):
    before = None if not isinstance(network, torch.nn.Module) else network[0].bias.clone()
    made = UsualStart(network)(4, 3)
    assert made(torch.zeros(2, 4)).shape == (2, 3)
    assert all(p.abs().max() <= 1.0 for p in made.parameters())
    if before is not None:
        assert torch.equal(network[0].bias, before), "what was given stays as it is"


def test_a_classifier_whose_units_start_dead_learns_from_the_usual_start():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 60)
    X = 5.0 * np.eye(4)[y] + rng.standard_normal((180, 4))
    model = NetworkClassifier(cold, learning_rate=0.02, n_epochs=15, random_state=0)
    assert model.fit(X, y).score(X, y) < 0.5
    assert model.set_params(usual_start=True).fit(X, y).score(X, y) > 0.95
