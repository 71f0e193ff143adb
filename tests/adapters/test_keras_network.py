"""A Keras model that is trained again: seeds, losses, copies, branches, frozen layers, rows of any shape."""

import os
import pickle
import random

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")

from marginscope import losses  # noqa: E402
from marginscope.adapters import as_model_view  # noqa: E402
from marginscope.adapters.keras_network import KerasNetwork  # noqa: E402
from marginscope.adapters.keras_recipe import keras_loss  # noqa: E402
from marginscope.exceptions import DataError, ModelError, UsageError  # noqa: E402

L = keras.layers
# Keras on NumPy 2: every reading of its weights says so.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword")


@pytest.fixture(scope="module")
def wine_rows():
    X, y = load_wine(return_X_y=True)
    return ((X - X.mean(axis=0)) / X.std(axis=0)), np.array(["barolo", "grignolino", "barbera"])[y]


def made(last="softmax", loss="sparse_categorical_crossentropy", units=3, hidden=8, **compiled):
    model = keras.Sequential([keras.Input((13,)), L.Dense(hidden, activation="relu"), L.Dense(units, activation=last)])
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss=loss, **compiled)
    return model


def recipe(model=None, **settings):
    return KerasNetwork(made() if model is None else model, **{"n_epochs": 15, "random_state": 0, **settings})


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::marginscope.DataQualityWarning")
@parametrize_with_checks(
    [KerasNetwork(n_epochs=10, random_state=0)],
    expected_failed_checks=lambda _: {
        "check_sample_weight_equivalence_on_dense_data": "copies of a row fall into other batches",
        "check_methods_subset_invariance": "single precision adds in another order",
    },
)
def test_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


def test_it_learns_and_answers_in_the_labels_of_y(wine_rows):
    X, y = wine_rows
    fitted = recipe().fit(X, y)
    assert np.mean(fitted.predict(X) == y) > 0.97
    assert list(fitted.classes_) == ["barbera", "barolo", "grignolino"]
    proba = fitted.predict_proba(X)
    np.testing.assert_allclose(proba, fitted.model_.predict(X, verbose=0), atol=1e-6)
    scores = fitted.decision_function(X)
    np.testing.assert_allclose(scores - scores[:, :1], np.log(proba) - np.log(proba[:, :1]), atol=1e-3)
    assert fitted.history_["loss"].shape == (15,)
    assert fitted.history_["loss"][-1] < 0.1 < fitted.history_["loss"][0]
    counts = np.unique(y, return_counts=True)[1] / len(y)
    assert fitted.history_["prior_entropy"] == pytest.approx(-(counts * np.log(counts)).sum())
    assert (fitted.n_epochs_, fitted.n_features_in_) == (15, 13)


def test_the_model_that_was_given_is_never_changed_and_clones_share_it(wine_rows):
    X, y = wine_rows
    given = made()
    before = given.get_weights()
    estimator = recipe(given)
    estimator.fit(X, y)
    assert all(np.array_equal(one, other) for one, other in zip(before, given.get_weights(), strict=True))
    assert int(given.optimizer.iterations) == 0
    assert clone(estimator).network is given
    assert not hasattr(clone(estimator), "model_")


def test_the_seed_decides_everything_and_global_generators_stay(wine_rows):
    X, y = wine_rows
    dropping = keras.Sequential([keras.Input((13,)), L.Dense(8, activation="relu"), L.Dropout(0.3), L.Dense(3)])
    random.seed(5)
    here, there = random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    answers = [recipe(dropping, n_epochs=3, random_state=seed).fit(X, y).predict_proba(X) for seed in (1, 1, 2)]
    assert np.array_equal(answers[0], answers[1])
    assert np.abs(answers[0] - answers[2]).max() > 0.01
    assert random.getstate() == here
    assert np.array_equal(np.random.get_state()[1], there)  # noqa: NPY002


def test_initial_weights_with_seeds_of_their_own_are_drawn_anew(wine_rows):
    X, y = wine_rows
    fixed = keras.initializers.GlorotUniform(seed=3)
    model = keras.Sequential([keras.Input((13,)), L.Dense(8, kernel_initializer=fixed), L.Dense(3)])
    first, second = (recipe(model, n_epochs=1, learning_rate=0.0, random_state=seed).fit(X, y) for seed in (0, 1))
    assert not np.allclose(first.model_.get_weights()[0], second.model_.get_weights()[0])
    assert np.abs(first.model_.get_weights()[0]).max() < np.sqrt(6 / (13 + 8))


LOSSES = [
    ("softmax", "sparse_categorical_crossentropy", 3),
    ("softmax", "categorical_crossentropy", 3),
    ("softmax", "mse", 3),
    ("softmax", "kl_divergence", 3),
    ("linear", "categorical_hinge", 3),
    ("sigmoid", "binary_crossentropy", 3),
    (None, keras.losses.SparseCategoricalCrossentropy(from_logits=True), 3),
    (None, keras.losses.CategoricalCrossentropy(from_logits=True), 3),
    (None, None, 3),
    # more columns than classes
    ("softmax", "sparse_categorical_crossentropy", 5),
]


def named(one):
    """Name a value of a test without its address."""
    return type(one).__name__ if isinstance(one, keras.losses.Loss) else str(one)


@pytest.mark.parametrize(("last", "loss", "units"), LOSSES, ids=named)
def test_the_loss_of_the_compiled_model_is_fed_in_its_form(wine_rows, last, loss, units):
    X, y = wine_rows
    model = made(last, loss, units)
    fitted = recipe(model).fit(X, y)
    assert np.mean(fitted.predict(X) == y) > 0.95
    assert fitted.predict_proba(X).shape == (len(y), 3)
    np.testing.assert_allclose(fitted.predict_proba(X).sum(axis=1), 1.0, atol=1e-6 if units == 3 else 0.05)


@pytest.mark.parametrize(
    ("last", "loss"),
    [
        ("sigmoid", "binary_crossentropy"),
        (None, keras.losses.BinaryCrossentropy(from_logits=True)),
        ("sigmoid", "mse"),
        ("sigmoid", None),
    ],
    ids=named,
)
@pytest.mark.parametrize("settings", [{}, {"copies": 2}, {"branches": True}, {"loss": "focal"}], ids=str)
def test_one_output_for_two_classes(wine_rows, last, loss, settings):
    X, y = wine_rows
    two = y != "barolo"
    fitted = recipe(made(last, loss, 1), **settings).fit(X[two], y[two])
    assert np.mean(fitted.predict(X[two]) == y[two]) > 0.95
    assert fitted.decision_function(X[two]).shape == (two.sum(),)
    proba = fitted.predict_proba(X[two])
    np.testing.assert_allclose(np.log(proba[:, 1] / proba[:, 0]), fitted.decision_function(X[two]), atol=1e-6)


@pytest.mark.parametrize("template", losses.TEMPLATES, ids=lambda one: one.name)
def test_every_loss_of_this_package_has_its_value_on_keras(template):
    """The same template in NumPy, on margins made by hand."""
    rng = np.random.default_rng(0)
    scores, codes = rng.normal(size=(9, 4)) * 2, np.arange(9) % 4
    value = keras_loss(template, None, is_single=False, kind="softmax").loss
    found = keras.ops.convert_to_numpy(value(keras.ops.convert_to_tensor(codes), keras.ops.convert_to_tensor(scores)))
    margins = np.array([[scores[i, codes[i]] - scores[i, k] for k in range(4) if k != codes[i]] for i in range(9)])
    np.testing.assert_allclose(found, template.value(margins), rtol=1e-6, atol=1e-9)


def test_a_loss_of_this_package_is_trained_on_scores(wine_rows):
    X, y = wine_rows
    fitted = recipe(loss="sparsemax").fit(X, y)
    assert np.mean(fitted.predict(X) == y) > 0.95
    raw = fitted.model_.predict(X, verbose=0)
    np.testing.assert_allclose(raw, fitted.decision_function(X), atol=1e-6)
    assert raw.min() < -0.5


def test_copies_are_added(wine_rows):
    X, y = wine_rows
    fitted = recipe(copies=3).fit(X, y)
    assert sum(w.size for w in fitted.model_.get_weights()) == 3 * sum(w.size for w in made().get_weights())
    parts = [layer for layer in fitted.model_.layers if hasattr(layer, "layers")]
    total = sum(part.predict(X, verbose=0) for part in parts)
    np.testing.assert_allclose(total, fitted.decision_function(X), atol=1e-4)
    kernels = [part.get_weights()[0] for part in parts]
    assert len(kernels) == 3
    assert np.abs(kernels[0] - kernels[1]).max() > 0.1


def test_a_branch_gives_the_score_of_its_class_alone(wine_rows):
    X, y = wine_rows
    fitted = recipe(branches=True).fit(X, y)
    assert np.mean(fitted.predict(X) == y) > 0.95
    before = fitted.decision_function(X)
    parts = [layer for layer in fitted.model_.layers if hasattr(layer, "layers")]
    parts[1].set_weights([w + 1.0 for w in parts[1].get_weights()])
    moved = np.abs(fitted.decision_function(X) - before).max(axis=0)
    assert moved[1] > 0.1
    assert moved[0] == moved[2] == 0.0


def test_frozen_layers_and_adapted_ones_keep_their_weights(wine_rows):
    X, y = wine_rows
    scale = L.Normalization()
    scale.adapt(5.0 * X + 3.0)
    model = keras.Sequential([keras.Input((13,)), scale, L.Dense(8, activation="relu"), L.Dense(3, "softmax")])
    model.layers[1].trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    fitted = recipe(model, n_epochs=2).fit(5.0 * X + 3.0, y)
    for before, after in zip(model.layers[:2], fitted.model_.layers[:2], strict=True):
        for one, other in zip(before.get_weights(), after.get_weights(), strict=True):
            assert np.array_equal(one, other)
    assert np.abs(model.layers[2].get_weights()[0] - fitted.model_.layers[2].get_weights()[0]).max() > 0.01


def test_weights_of_rows_and_classes(wine_rows):
    X, y = wine_rows
    rare = y == "barbera"
    by_row = recipe(n_epochs=4).fit(X, y, sample_weight=np.where(rare, 30.0, 1.0)).predict(X)
    by_class = recipe(n_epochs=4, class_weight={"barbera": 30.0, "barolo": 1.0, "grignolino": 1.0}).fit(X, y).predict(X)
    assert np.array_equal(by_row, by_class)
    assert np.sum(by_class == "barbera") > np.sum(recipe(n_epochs=4).fit(X, y).predict(X) == "barbera")
    some = recipe(n_epochs=4).fit(X, y, sample_weight=(~rare).astype(float))
    assert list(some.classes_) == ["barolo", "grignolino"]


def test_early_stopping_keeps_the_best_epoch(wine_rows):
    X, y = wine_rows
    noisy = np.random.default_rng(0).permutation(y)
    fitted = recipe(n_epochs=40, early_stopping=True, patience=2, validation_fraction=0.3).fit(X, noisy)
    outside = fitted.history_["validation_loss"]
    assert len(outside) == fitted.n_epochs_ < 40
    assert int(np.argmin(outside)) == len(outside) - 3


def test_training_that_diverges_keeps_the_last_finite_weights(wine_rows):
    X, y = wine_rows
    wild = made("linear", "mse")
    with pytest.warns(ConvergenceWarning, match="diverged in epoch"):
        fitted = recipe(wild, optimizer="sgd", learning_rate=1e6).fit(X, y)
    assert np.isfinite(fitted.predict_proba(X)).all()


def test_numbers_of_the_optimizer_may_be_given(wine_rows):
    X, y = wine_rows
    still = recipe(n_epochs=1, learning_rate=0.0).fit(X, y)
    assert float(still.model_.optimizer.learning_rate) == 0.0
    decayed = recipe(n_epochs=30, weight_decay=3.0).fit(X, y)
    assert (
        np.abs(decayed.model_.get_weights()[0]).max()
        < np.abs(recipe(n_epochs=30).fit(X, y).model_.get_weights()[0]).max()
    )
    schedule = keras.optimizers.schedules.ExponentialDecay(0.02, 10, 0.9)
    model = made()
    model.compile(keras.optimizers.SGD(schedule, momentum=0.9), "sparse_categorical_crossentropy")
    assert recipe(model).fit(X, y).model_.optimizer.momentum == 0.9
    assert type(recipe(model, optimizer="rmsprop").fit(X, y).model_.optimizer).__name__ == "RMSprop"


def test_functional_models_nested_ones_and_programs(wine_rows):
    X, y = wine_rows

    @keras.saving.register_keras_serializable("marginscope_tests")
    class Program(keras.Model):
        def __init__(self, width=8, **keywords):
            super().__init__(**keywords)
            self.first = L.Dense(width, activation="tanh")
            self.last = L.Dense(3, activation="softmax")

        def call(self, inputs):
            return self.last(self.first(inputs))

        def get_config(self):
            return {"width": 8}

    inputs = keras.Input((13,))
    inner = keras.Sequential([keras.Input((13,)), L.Dense(6, activation="relu")])
    nested = keras.Model(inputs, L.Dense(3)(L.Concatenate()([inner(inputs), inputs])))
    unbuilt = keras.Sequential([L.Dense(8, activation="relu"), L.Dense(3, activation="softmax")])
    separate = keras.Sequential([keras.Input((13,)), L.Dense(8), L.ReLU(), L.Dense(3), L.Softmax()])
    for model in (nested, unbuilt, Program(), separate):
        fitted = recipe(model, n_epochs=25, optimizer="adam", learning_rate=0.02).fit(X, y)
        assert np.mean(fitted.predict(X) == y) > 0.95
        proba = fitted.predict_proba(X)
        raw = keras.ops.convert_to_numpy(fitted.model_(X.astype("float32")))
        if model is not nested:
            np.testing.assert_allclose(proba, raw, atol=1e-5)
    with pytest.raises(ModelError, match="Sequential or functional Keras model is needed for copies"):
        recipe(Program(), copies=2).fit(X, y)


def test_a_function_that_makes_the_model_and_a_loss_of_ones_own(wine_rows):
    X, y = wine_rows

    def own_loss(y_true, y_pred):
        return keras.losses.categorical_crossentropy(y_true, y_pred)

    def build(n_features, n_classes):
        assert (n_features, n_classes) == (13, 3)
        return made(loss=own_loss)

    fitted = recipe(build).fit(X, y)
    assert np.mean(fitted.predict(X) == y) > 0.95
    assert np.mean(recipe(made(loss=own_loss), copies=2).fit(X, y).predict(X) == y) > 0.95


def test_rows_of_any_shape(wine_rows):
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    X = rng.normal(size=(90, 6, 5, 1))
    X[np.arange(90), y, 2] += 4.0
    model = keras.Sequential([keras.Input((6, 5, 1)), L.Conv2D(4, 3, activation="relu"), L.Flatten(), L.Dense(3)])
    fitted = recipe(model, n_epochs=30, optimizer="adam", learning_rate=0.02).fit(X, y)
    assert np.mean(fitted.predict(X) == y) > 0.9
    assert fitted.n_features_in_ == 30
    with pytest.raises(DataError, match=r"rows of the shape \(6, 5, 1\) are needed"):
        fitted.predict(X[..., 0])
    words = rng.integers(0, 4, size=(90, 7)) + 4 * y[:, None]
    tokens = keras.Sequential(
        [keras.Input((7,), dtype="int32"), L.Embedding(12, 4), L.GlobalAveragePooling1D(), L.Dense(3)]
    )
    assert (
        np.mean(recipe(tokens, n_epochs=40, optimizer="adam", learning_rate=0.05).fit(words, y).predict(words) == y)
        > 0.9
    )


def test_in_a_pipeline_with_the_knobs_of_a_diagnosis(wine_rows):
    X, y = wine_rows
    view = as_model_view(make_pipeline(StandardScaler(), recipe(early_stopping=True)), seed=0)
    steps, rate = sorted(view.training_knobs(), key=lambda knob: knob.kind, reverse=True)
    assert (steps.path, steps.value, steps.companions) == (
        "kerasnetwork__n_epochs",
        15,
        (("kerasnetwork__early_stopping", False),),
    )
    assert (rate.path, rate.value) == ("kerasnetwork__learning_rate", pytest.approx(0.02))
    knobs = view.network_knobs()
    assert (knobs.width, knobs.width_value) == ("kerasnetwork__copies", 1)
    assert (knobs.branches, knobs.branches_value) == ("kerasnetwork__branches", False)
    assert (knobs.loss, knobs.loss_value) == ("kerasnetwork__loss", "cross_entropy")
    assert view.class_weight_params() == {}
    assert view.weight_route() == ("class_weight", "kerasnetwork__class_weight")
    wider = view.with_params(kerasnetwork__copies=2, kerasnetwork__learning_rate=0.01)
    assert np.mean(wider.fit(X, y).predict(X) == y) > 0.95
    penalties = as_model_view(recipe(made(), optimizer=keras.optimizers.AdamW(0.02, weight_decay=0.5)), seed=0)
    assert [(knob.path, knob.value) for knob in penalties.penalty_knobs()] == [("weight_decay", pytest.approx(0.5))]


def test_a_fitted_network_can_be_pickled(wine_rows):
    X, y = wine_rows
    fitted = recipe(n_epochs=3).fit(X, y)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_allclose(again.predict_proba(X), fitted.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"n_epochs": 0}, "a whole number of 1 or more is needed as n_epochs"),
        ({"batch_size": 2.5}, "batch_size"),
        ({"learning_rate": -1.0}, "a number of 0 or more is needed as learning_rate"),
        ({"loss": "no_such_loss"}, "a loss of Keras or of this package is needed"),
        ({"loss": {"a": "mse"}}, "one loss is needed for one output"),
        ({"optimizer": "no_such"}, "an optimizer of Keras is needed"),
        ({"early_stopping": True, "validation_fraction": 1.5}, "between 0 and 1"),
    ],
)
def test_parameters_that_cannot_be_meant(wine_rows, settings, told):
    X, y = wine_rows
    with pytest.raises(UsageError, match=told):
        recipe(**settings).fit(X, y)


def test_models_and_rows_that_cannot_be_meant(wine_rows):
    X, y = wine_rows
    with pytest.raises(UsageError, match="a Keras model or a function"):
        KerasNetwork("a name").fit(X, y)
    with pytest.raises(UsageError, match="it returned int"):
        KerasNetwork(lambda n_features, n_classes: 3).fit(X, y)
    with pytest.raises(ModelError, match="with 3 outputs, one a class"):
        recipe(made(units=2)).fit(X, y)
    with pytest.raises(DataError, match="at least 2 classes"):
        recipe().fit(X[:5], y[:5])
    with pytest.raises(NotFittedError):
        recipe().predict(X)
