"""The inside of Keras models on the torch backend: against finite differences, and against a PyTorch twin."""

import os

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
torch = pytest.importorskip("torch")

from marginscope.adapters import as_model_view, keras_part  # noqa: E402
from marginscope.adapters.keras_model import FrozenKeras, KerasView  # noqa: E402
from marginscope.adapters.keras_network import KerasNetwork  # noqa: E402
from marginscope.adapters.keras_split import with_activations_apart  # noqa: E402
from marginscope.exceptions import ModelError  # noqa: E402
from marginscope.torch.network_part import network_part  # noqa: E402

L = keras.layers
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword")


def rows(n_classes=3, shape=(5,), n=40):
    rng = np.random.default_rng(1)
    return rng.normal(size=(n, *shape)).astype("float32"), np.array(["a", "b", "c", "d"])[np.arange(n) % n_classes]


def part_of(model, X, y):
    view = as_model_view(model, seed=0)
    view.answer(view.fitted, X, np.unique(y))
    return view.network_part(view.fitted, X, y)


def dense_twin(model, activations):
    """Return the PyTorch network with the weights of a chain of dense layers, ending in scores."""
    parts = []
    for layer, activation in zip([one for one in model.layers if one.weights], activations, strict=True):
        kernel, bias = layer.get_weights()
        linear = torch.nn.Linear(*kernel.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.as_tensor(kernel.T))
            linear.bias.copy_(torch.as_tensor(bias))
        parts += [linear, activation] if activation else [linear]
    return torch.nn.Sequential(*parts)


def same_parts(found, twin, tolerance=1e-5):
    assert len(found.layers) == len(twin.layers)
    for one, other in zip(found.layers, twin.layers, strict=True):
        np.testing.assert_allclose(one.outputs, other.outputs, atol=tolerance)
        np.testing.assert_allclose(one.reach, other.reach, atol=tolerance)
    for name in ("features", "coef", "intercept", "scores", "pull"):
        np.testing.assert_allclose(getattr(found, name), getattr(twin, name), atol=tolerance)
    assert found.loss_name == twin.loss_name == "cross_entropy"


@pytest.mark.parametrize(("keras_name", "torch_part"), [("relu", torch.nn.ReLU), ("tanh", torch.nn.Tanh)])
@pytest.mark.parametrize("last", ["softmax", None])
def test_a_dense_chain_has_the_inside_of_its_twin(keras_name, torch_part, last):
    X, y = rows()
    model = keras.Sequential(
        [
            keras.Input((5,)),
            L.Dense(7, activation=keras_name),
            L.Dense(6, activation=keras_name),
            L.Dense(3, activation=last),
        ]
    )
    twin = dense_twin(model, [torch_part(), torch_part(), None])
    found = part_of(model, X, y)
    assert [layer.name for layer in found.layers] == [layer.name for layer in model.layers[:2]]
    assert [layer.outputs.shape[1] for layer in found.layers] == [7, 6]
    same_parts(found, network_part(twin, X, y, np.unique(y)))


def test_reach_by_finite_differences():
    X, y = rows()
    model = keras.Sequential([keras.Input((5,)), L.Dense(4, activation="elu"), L.Dense(3, activation="softmax")])
    (kernel, bias), (last, shift) = (layer.get_weights() for layer in model.layers)
    pre, own, step = X @ kernel + bias, np.searchsorted(["a", "b", "c"], y), 1e-5

    def gap(z):
        scores = np.where(z > 0, z, np.expm1(z)).astype(float) @ last + shift
        return scores[np.arange(len(y)), own] - scores.mean(axis=1)

    found = part_of(model, X, y)
    for unit in range(4):
        move = step * np.eye(4)[unit]
        slope = (gap(pre + move) - gap(pre.astype(float) - move)) / (2 * step)
        np.testing.assert_allclose(found.layers[0].reach[:, unit], np.abs(slope), atol=1e-3)


def test_maps_are_counted_by_channel():
    X, y = rows(shape=(6, 6, 2))
    model = keras.Sequential(
        [keras.Input((6, 6, 2)), L.Conv2D(4, 3, activation="relu"), L.GlobalAveragePooling2D(), L.Dense(3)]
    )
    (kernel, bias), (last, shift) = (layer.get_weights() for layer in model.layers if layer.weights)
    twin = torch.nn.Sequential(
        torch.nn.Conv2d(2, 4, 3),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(4, 3),
    )
    with torch.no_grad():
        twin[0].weight.copy_(torch.as_tensor(kernel.transpose(3, 2, 0, 1)))
        twin[0].bias.copy_(torch.as_tensor(bias))
        twin[4].weight.copy_(torch.as_tensor(last.T))
        twin[4].bias.copy_(torch.as_tensor(shift))
    same_parts(part_of(model, X, y), network_part(twin, X.transpose(0, 3, 1, 2), y, np.unique(y)))


def test_one_output_for_two_classes():
    X, y = rows(2)
    model = keras.Sequential([keras.Input((5,)), L.Dense(4, activation="tanh"), L.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy")
    found = part_of(model, X, y)
    proba = model.predict(X, verbose=0)[:, 0]
    np.testing.assert_allclose(found.scores[:, 1] - found.scores[:, 0], np.log(proba / (1 - proba)), atol=1e-4)
    assert found.coef.shape == (2, 4)
    # the loss sees one number: both columns pull half of what is missing, against each other
    np.testing.assert_allclose(found.pull[:, 1] - found.pull[:, 0], 2 * ((y == "b") - proba), atol=1e-4)


def test_pull_is_that_of_the_compiled_loss():
    X, y = rows()
    model = keras.Sequential([keras.Input((5,)), L.Dense(4, activation="relu"), L.Dense(3, activation="softmax")])
    onehot = (y[:, None] == np.unique(y)).astype(float)
    for loss, slope in (
        ("categorical_crossentropy", lambda p: p - onehot),
        ("mse", lambda p: 2 / 3 * (p * (p - onehot) - p * (p * (p - onehot)).sum(axis=1, keepdims=True))),
    ):
        model.compile("sgd", loss)
        p = model.predict(X, verbose=0).astype(float)
        found = part_of(model, X, y)
        np.testing.assert_allclose(found.pull, -slope(p), atol=1e-5)
        assert found.loss_name == ("cross_entropy" if loss != "mse" else "mse")


def test_a_layer_whose_activation_is_inside_stays_whole():
    X, y = rows(shape=(4, 5))
    model = keras.Sequential([keras.Input((4, 5)), L.LSTM(6), L.Dense(3, activation="softmax")])
    apart = with_activations_apart(model)
    np.testing.assert_allclose(apart.predict(X, verbose=0), model.predict(X, verbose=0), atol=1e-6)
    assert sum(type(layer).__name__ == "Activation" for layer in apart.layers) == 1
    assert part_of(model, X, y).layers[0].outputs.shape == (40, 6)


def test_branches_residuals_and_nested_models_keep_what_they_compute():
    X, y = rows()
    inputs = keras.Input((5,))
    inner = keras.Sequential([keras.Input((5,)), L.Dense(5, activation="relu"), L.BatchNormalization()])
    hidden = L.Add()([inner(inputs), L.Dense(5, activation="tanh")(inputs)])
    model = keras.Model(inputs, L.Dense(3, activation="softmax")(L.LeakyReLU()(hidden)))
    apart = with_activations_apart(model)
    np.testing.assert_allclose(apart.predict(X, verbose=0), model.predict(X, verbose=0), atol=1e-6)
    found = part_of(model, X, y)
    assert {layer.outputs.shape for layer in found.layers} == {(40, 5)}
    last, shift = model.layers[-1].get_weights()
    np.testing.assert_allclose(found.coef, last.T, atol=1e-6)
    np.testing.assert_allclose(found.intercept, shift, atol=1e-5)


def test_the_model_is_left_as_it_was():
    X, y = rows()
    model = keras.Sequential([keras.Input((5,)), L.Dense(4, activation="relu"), L.Dropout(0.5), L.Dense(3)])
    before = model.predict(X, verbose=0)
    part_of(model, X, y)
    assert np.array_equal(model.predict(X, verbose=0), before)


def test_on_other_backends_the_last_layer_is_read_from_the_graph(monkeypatch):
    """What does not ask for gradients gives the same last layer, scores and pull."""
    X, y = rows()
    for last, loss in (("softmax", "sparse_categorical_crossentropy"), ("softmax", "mse"), (None, None)):
        model = keras.Sequential([keras.Input((5,)), L.Dense(4, activation="relu"), L.Dense(3, activation=last)])
        if loss:
            model.compile("adam", loss)
        whole = part_of(model, X, y)
        with monkeypatch.context() as patch:
            patch.setattr(keras_part, "has_graph", lambda model: False)
            part = part_of(model, X, y)
        assert part.layers == ()
        for name in ("features", "coef", "intercept", "scores"):
            np.testing.assert_allclose(getattr(part, name), getattr(whole, name), atol=1e-5)
        np.testing.assert_allclose(part.pull, whole.pull, atol=2e-4)
        assert part.loss_name == whole.loss_name


def test_a_program_shows_its_scores_alone():
    class Program(keras.Model):
        def __init__(self):
            super().__init__()
            self.last = L.Dense(3, activation="softmax")

        def call(self, inputs):
            return self.last(inputs)

    X, y = rows()
    model = Program()
    model(X)
    part = part_of(model, X, y)
    proba = keras.ops.convert_to_numpy(model(X))
    np.testing.assert_allclose(part.pull, (y[:, None] == np.unique(y)) - proba, atol=1e-4)
    np.testing.assert_allclose(part.features @ part.coef.T + part.intercept, part.scores)


def test_a_bare_model_is_frozen_and_opened_as_keras():
    X, y = rows()
    model = keras.Sequential([keras.Input((5,)), L.Dense(3, activation="softmax")])
    view = as_model_view(model, seed=0)
    assert isinstance(view, KerasView)
    assert isinstance(view.fitted, FrozenKeras)
    assert not view.can_refit
    assert view.kind == "Sequential"
    labels = np.unique(y)
    codes, proba = view.answer(view.fitted, X, labels)
    np.testing.assert_allclose(proba, model.predict(X, verbose=0), atol=1e-6)
    assert np.array_equal(codes, proba.argmax(axis=1))
    with pytest.raises(ModelError, match="Sequential has no weights yet"):
        as_model_view(keras.Sequential([L.Dense(3)]), seed=0)
    two = as_model_view(model, seed=0)
    with pytest.raises(ModelError, match="has 3 outputs and y has 2 labels"):
        two.answer(two.fitted, X, labels[:2])


def test_a_recipe_shows_its_inside_behind_a_pipeline():
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, y = rows()
    model = keras.Sequential([keras.Input((5,)), L.Dense(4, activation="relu"), L.Dense(3, activation="softmax")])
    for settings in ({}, {"branches": True}, {"copies": 2}, {"loss": "focal"}):
        pipe = make_pipeline(StandardScaler(), KerasNetwork(model, n_epochs=2, random_state=0, **settings)).fit(X, y)
        view = as_model_view(pipe, seed=0)
        part = view.network_part(pipe, X, y)
        scores = pipe.decision_function(X)
        # a softmax of several models forgets what all scores of a row have in common
        gap = part.scores - scores
        np.testing.assert_allclose(gap - gap.mean(axis=1, keepdims=True), 0.0, atol=1e-4)
        np.testing.assert_allclose(part.features @ part.coef.T + part.intercept, part.scores, atol=1e-3)
        assert part.loss_name == settings.get("loss", "cross_entropy")
        assert sum(layer.outputs.shape[1] for layer in part.layers) == 4 * (
            3 if "branches" in settings else settings.get("copies", 1)
        )
