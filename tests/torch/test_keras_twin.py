"""A Keras network and its PyTorch twin get the same diagnosis, frozen and with a recipe."""

import os

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
torch = pytest.importorskip("torch")

import marginscope as ms  # noqa: E402
from marginscope.torch import NetworkClassifier  # noqa: E402

L = keras.layers
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword")
LABELS = np.array(["ant", "bee", "cat"])


def planted(seed, sizes=(600, 600, 24)):
    """Two common classes that overlap a little, and a rare one that the best rule calls in 2 of 100 rows."""
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1, 2], sizes)
    X = rng.normal(size=(len(y), 6))
    X[:, 0] += np.array([0.0, 2.0, 2.0])[y]
    X[:, 1] += np.array([0.0, 0.0, 1.2])[y]
    return X.astype("float32"), LABELS[y]


def keras_net(hidden=12):
    # the names that torch gives the parts of a chain
    model = keras.Sequential(
        [keras.Input((6,)), L.Dense(hidden, activation="relu", name="0"), L.Dense(3, activation="softmax", name="2")],
        name="sequential",
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    return model


def torch_twin(model):
    """The same chain with the same weights, ending in scores, as torch's cross-entropy wants them."""
    parts = []
    for layer in model.layers:
        kernel, bias = layer.get_weights()
        linear = torch.nn.Linear(*kernel.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.as_tensor(kernel.T))
            linear.bias.copy_(torch.as_tensor(bias))
        parts += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*parts[:-1])


def trained():
    X, y = planted(0)
    model = keras_net()
    model.fit(X, np.searchsorted(LABELS, y), epochs=8, verbose=0)
    return model


def with_dead_units():
    """The units that the rare class needs are switched off for good."""
    model = trained()
    kernel, bias = model.layers[0].get_weights()
    bias[kernel[1] > 0] = -30.0
    model.layers[0].set_weights([kernel, bias])
    return model


def with_large_scores(factor=2.0):
    model = trained()
    kernel, bias = model.layers[1].get_weights()
    model.layers[1].set_weights([factor * kernel, factor * bias])
    return model


def same(one, other, where=""):
    """Hold two documents against each other: words exactly, numbers to rounding."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            same(one[key], other[key], f"{where}/{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), where
        for number, pair in enumerate(zip(one, other, strict=True)):
            same(*pair, f"{where}/{number}")
    elif isinstance(one, float) and isinstance(other, float):
        assert one == pytest.approx(other, rel=2e-3, abs=2e-4), where
    else:
        assert one == other, where


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(trained, marks=pytest.mark.slow),
        with_dead_units,
        pytest.param(with_large_scores, marks=pytest.mark.slow),
    ],
)
def test_frozen_twins_get_the_same_document(make):
    model = make()
    (X, y), (X_test, y_test) = planted(0), planted(1, (1500, 1500, 60))
    found = ms.diagnose(model, X, y, X_test=X_test, y_test=y_test, rng=0)
    twin = ms.diagnose(torch_twin(model), X, y, X_test=X_test, y_test=y_test, rng=0)
    document, other = found.to_dict(), twin.to_dict()
    assert {one["label"]: one["verdict"] for one in document["classes"]}["cat"] == "unlearned"
    assert len(document["findings"]) + len(document["not_checked"]) > 15
    for part in ("classes", "findings", "not_checked", "data"):
        same(document[part], other[part], part)


def test_what_is_seen_inside_is_told_of_both():
    model = with_dead_units()
    X, y = planted(0)
    checks = ["dead-units", "flat-loss", "not-converged"]
    found = [ms.diagnose(one, X, y, checks=checks, rng=0).to_dict()["findings"] for one in (model, torch_twin(model))]
    slugs = [[one["slug"] for one in findings if one["status"] in ("issue", "tip")] for findings in found]
    assert slugs[0] == slugs[1]
    same(*found)


def test_where_keras_cuts_probabilities_off_the_two_differ_and_it_is_said():
    """Keras takes the logarithm of probabilities cut at 1e-7: beyond them its loss is flat, and torch's is not."""
    model = with_large_scores(30.0)
    X, y = planted(0)
    found = [
        {one.slug: one for one in ms.diagnose(net, X, y, checks=["flat-loss"], rng=0).findings}["flat-loss"]
        for net in (model, torch_twin(model))
    ]
    assert [one.status.value for one in found] == ["tip", "passed"]
    proba = model.predict(X, verbose=0)
    wrong = proba[np.arange(len(y)), np.searchsorted(LABELS, y)] < 1e-7
    assert np.mean(wrong[y == "cat"]) > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_twins_that_are_trained_anew_get_the_same_verdicts_and_causes(seed):
    """Same layers, loss, optimizer, epochs and batches; each draws its own initial weights and order."""
    (X, y), (X_test, y_test) = planted(seed), planted(seed + 50, (1500, 1500, 60))
    settings = {"n_epochs": 10, "batch_size": 64}
    model = keras_net()
    recipes = (
        ms.KerasNetwork(model, **settings),
        NetworkClassifier(torch_twin(model), learning_rate=0.01, **settings),
    )
    found = [ms.diagnose(one, X, y, X_test=X_test, y_test=y_test, rng=seed) for one in recipes]
    told = [[(one.label, one.verdict, one.cause) for one in diagnosis.classes] for diagnosis in found]
    assert told[0] == told[1]
    assert sorted(told[0])[2] == ("cat", "unlearned", "imbalance")
