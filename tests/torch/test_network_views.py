"""Networks as models of a diagnosis: with the recipe of their training, and without."""

from __future__ import annotations

import copy
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

import marginscope as ms
from marginscope import ModelError
from marginscope.adapters import as_model_view
from marginscope.torch import NetworkClassifier
from marginscope.torch.model_view import NetworkView

RNG = np.random.default_rng(0)
Y = RNG.choice(["ash", "elm", "oak"], p=[0.5, 0.3, 0.2], size=150)
X = RNG.normal(size=(150, 4)) + 2.0 * np.eye(4)[np.searchsorted(["ash", "elm", "oak"], Y)]
LABELS = np.unique(Y)


def mlp(n_outputs=3, *end):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, n_outputs), *end)


def outputs(network, X=X):
    module = copy.deepcopy(network).eval()
    with torch.no_grad():
        return module(torch.tensor(X, dtype=torch.float32)).double().numpy()


def test_a_bare_network_is_a_frozen_model():
    network = mlp()
    view = as_model_view(network, seed=0)
    assert isinstance(view, NetworkView)
    assert (view.kind, view.can_refit, view.has_proba, view.params) == ("Sequential", False, True, {})
    codes, proba = view.answer(view.fitted, X, LABELS)
    scores = outputs(network)
    np.testing.assert_array_equal(codes, scores.argmax(axis=1))
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    np.testing.assert_allclose(proba, shifted / shifted.sum(axis=1, keepdims=True), atol=1e-6)
    np.testing.assert_allclose(view.scores(view.fitted, X, LABELS), scores, atol=1e-6)
    assert view.predict(view.fitted, X).tolist() == LABELS[codes].tolist()


@pytest.mark.parametrize("given", [X, torch.tensor(X), torch.tensor(X, dtype=torch.float32)])
def test_arrays_and_tensors_get_the_same_answers(given):
    network = mlp(3, nn.Softmax(dim=1))
    view = as_model_view(network, seed=0)
    np.testing.assert_allclose(view.probabilities(view.fitted, given, LABELS), outputs(network), atol=1e-6)


def test_one_logit_for_two_classes():
    two = Y != "oak"
    network = mlp(1)
    view = as_model_view(network, seed=0)
    p = 1 / (1 + np.exp(-outputs(network, X[two])[:, 0]))
    proba = view.probabilities(view.fitted, X[two], LABELS[:2])
    np.testing.assert_allclose(proba, np.column_stack([1 - p, p]), atol=1e-6)


def test_the_inside_of_a_bare_network():
    view = as_model_view(mlp(), seed=0)
    part = view.network_part(view.fitted, X, Y)
    np.testing.assert_allclose(part.scores, outputs(view._network), atol=1e-6)
    assert [layer.name for layer in part.layers] == ["1"]
    assert part.classes.tolist() == LABELS.tolist()


def test_a_network_of_another_number_of_outputs_is_refused():
    for n_outputs, match in ((2, "3 outputs, one a class"), (5, "has 5 outputs and y has 3 labels")):
        view = as_model_view(mlp(n_outputs), seed=0)
        with pytest.raises(ModelError, match=match):
            view.answer(view.fitted, X, LABELS)


def test_a_bare_network_is_diagnosed_as_it_stands():
    network = mlp()
    before = copy.deepcopy(network.state_dict())
    diagnosis = ms.diagnose(network, X, Y, checks=["few-rows", "dead-units"])
    right = LABELS[outputs(network).argmax(axis=1)] == Y
    for label in LABELS:
        assert diagnosis[label].recall == pytest.approx(right[label == Y].mean())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert network.training
    assert any("cannot be fitted again" in note for note in diagnosis.notes)


def test_images_of_a_bare_network():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(3, 3))
    images = X.reshape(150, 1, 2, 2)
    for given in (images, torch.tensor(images)):
        diagnosis = ms.diagnose(network, given[:100], Y[:100], X_test=given[100:], y_test=Y[100:], checks=["few-rows"])
        right = LABELS[outputs(network, images[100:]).argmax(axis=1)] == Y[100:]
        assert [one.recall for one in diagnosis.classes] == pytest.approx(
            [right[one.label == Y[100:]].mean() for one in diagnosis.classes]
        )


class _Both(ClassifierMixin, BaseEstimator, nn.Module):
    """A module that fits and predicts itself."""

    def __init__(self):
        super().__init__()

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))


def test_a_module_that_fits_and_predicts_is_an_estimator():
    as_model_view(mlp(), seed=0)
    view = as_model_view(_Both().fit(X, Y), seed=0)
    assert not isinstance(view, NetworkView)
    assert set(view.predict(view.fitted, X)) == {"ash"}


@pytest.mark.parametrize(
    ("wrap", "prefix"),
    [
        (lambda model: model, ""),
        (lambda model: make_pipeline(StandardScaler(), model), "networkclassifier__"),
        (lambda model: CalibratedClassifierCV(model), "estimator__"),
    ],
)
def test_the_knobs_of_a_network(wrap, prefix):
    view = as_model_view(wrap(NetworkClassifier(weight_decay=0.01, loss="focal", copies=2)), seed=0)
    knobs = view.network_knobs()
    assert (knobs.width, knobs.width_value) == (f"{prefix}copies", 2)
    assert (knobs.branches, knobs.branches_value) == (f"{prefix}branches", False)
    assert (knobs.loss, knobs.loss_value) == (f"{prefix}loss", "focal")
    assert knobs.activation is None
    assert [(one.path, one.value) for one in view.penalty_knobs()] == [(f"{prefix}weight_decay", 0.01)]
    assert view.can_refit
    assert view.estimator.get_params()[f"{prefix}random_state"] == 0


def test_weights_reach_a_network():
    view = as_model_view(make_pipeline(StandardScaler(), NetworkClassifier()), seed=0)
    assert view.weight_route() == ("class_weight", "networkclassifier__class_weight")


def test_the_inside_behind_a_scaler():
    pipeline = make_pipeline(StandardScaler(), NetworkClassifier(n_epochs=2, random_state=0)).fit(X, Y)
    view = as_model_view(pipeline, seed=0)
    part = view.network_part(view.fitted, X, Y)
    np.testing.assert_allclose(part.scores, pipeline.decision_function(X), atol=1e-6)


def test_parameters_are_shown_as_text():
    view = as_model_view(NetworkClassifier(nn.Sequential(nn.Linear(4, 3)), n_epochs=3), seed=0)
    assert set(view.params) == {"network", "n_epochs"}
    assert view.params["network"].startswith("Sequential( (0): Linear(in_features=4")


def test_a_model_that_writes_into_a_tensor_is_caught():
    def spoil(network, rows, *_):
        rows.mul_(2.0)

    view = as_model_view(NetworkClassifier(mlp(), train=spoil), seed=0)
    with pytest.raises(ModelError, match="changed X in place"):
        view.fit(torch.tensor(X, dtype=torch.float32), Y)


def test_torch_is_loaded_for_networks_alone():
    code = (
        "import sys, marginscope as ms\n"
        "from marginscope.adapters import as_model_view\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "as_model_view(LogisticRegression(), seed=0)\n"
        "assert 'torch' not in sys.modules\n"
        "import torch\n"
        "assert 'marginscope.torch' not in sys.modules\n"
        "assert type(as_model_view(torch.nn.Linear(2, 2), seed=0)).__name__ == 'NetworkView'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_a_penalty_that_stifles_a_network_is_found():
    rng = np.random.default_rng(1)
    y = rng.choice(4, p=[0.55, 0.25, 0.12, 0.08], size=800)
    rows = rng.normal(size=(800, 6)) + 2.5 * np.eye(6)[y]
    model = NetworkClassifier(weight_decay=1.0, optimizer="sgd", learning_rate=0.1, n_epochs=20)
    diagnosis = ms.diagnose(model, rows, y)
    lost = [one for one in diagnosis.classes if one.recall < 0.1]
    assert [one.label for one in lost] == ["1", "2", "3"]
    assert {one.cause for one in lost} == {"over-regularised"}


@pytest.mark.slow
def test_a_healthy_network_on_images_is_healthy():
    rng = np.random.default_rng(1)
    y = rng.choice(3, size=600)
    images = rng.normal(size=(600, 1, 8, 8)).astype(np.float32)
    for k in range(3):
        images[y == k, :, 2 * k : 2 * k + 3] += 0.8
    network = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 3))
    diagnosis = ms.diagnose(NetworkClassifier(network, n_epochs=10), torch.tensor(images), y)
    assert {one.verdict for one in diagnosis.classes} == {"healthy"}
