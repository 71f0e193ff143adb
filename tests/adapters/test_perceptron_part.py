"""The inside of scikit-learn's perceptron, against finite differences and its own answers."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from marginscope.adapters import as_model_view
from marginscope.adapters.networks import network_knobs, network_part

ACTIVATIONS = {
    "identity": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "tanh": np.tanh,
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
}


def rows(n_classes):
    rng = np.random.default_rng(3)
    y = np.arange(60) % n_classes
    X = rng.normal(size=(60, 4)) + y[:, None]
    return X, np.array(["red", "blue", "green", "black"])[y]


def fitted(n_classes=3, activation="relu", sizes=(6, 5), steps=()):
    X, y = rows(n_classes)
    model = make_pipeline(*steps, MLPClassifier(sizes, activation=activation, max_iter=60, random_state=0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, y), X, y


def scores_from(model, pre, number):
    """Return the last layer's scores when layer ``number`` is given ``pre`` before its activation."""
    h = ACTIVATIONS[model.activation](pre)
    for A, b in zip(model.coefs_[number + 1 : -1], model.intercepts_[number + 1 : -1], strict=True):
        h = ACTIVATIONS[model.activation](h @ A + b)
    v = h @ model.coefs_[-1] + model.intercepts_[-1]
    return np.hstack([-v / 2, v / 2]) if v.shape[1] == 1 else v


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("n_classes", [2, 3, 4])
def test_reach_is_the_slope_of_the_own_score_less_the_mean(activation, n_classes):
    pipe, X, y = fitted(n_classes, activation)
    model = pipe[-1]
    part = network_part(pipe, X, y)
    own = np.searchsorted(model.classes_, y)
    pre, step = X, 1e-6
    for number, layer in enumerate(part.layers):
        pre = pre @ model.coefs_[number] + model.intercepts_[number]
        # a kink within a step would make the difference meaningless
        assert np.abs(pre).min() > step or activation != "relu"
        for unit in range(pre.shape[1]):
            ends = []
            for sign in (+1, -1):
                moved = pre.copy()
                moved[:, unit] += sign * step
                scores = scores_from(model, moved, number)
                ends.append(scores[np.arange(len(y)), own] - scores.mean(axis=1))
            slope = np.abs(ends[0] - ends[1]) / (2 * step)
            np.testing.assert_allclose(layer.reach[:, unit], slope, rtol=1e-4, atol=1e-7)
        pre = ACTIVATIONS[activation](pre)
        np.testing.assert_allclose(layer.outputs, pre, atol=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("n_classes", [2, 4])
def test_scores_give_the_probabilities_and_pull_is_what_is_missing(activation, n_classes):
    pipe, X, y = fitted(n_classes, activation, steps=(StandardScaler(),))
    part = network_part(pipe, X, y)
    proba = pipe.predict_proba(X)
    softmax = np.exp(part.scores) / np.exp(part.scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(softmax, proba, atol=1e-12)
    onehot = (y[:, None] == pipe.classes_).astype(float)
    np.testing.assert_allclose(part.pull, onehot - proba, atol=1e-12)
    np.testing.assert_allclose(part.features @ part.coef.T + part.intercept, part.scores, atol=1e-12)
    assert part.coef.shape == (n_classes, 5)
    assert list(part.classes) == sorted(set(y))
    assert part.loss_name == "cross_entropy"
    assert [layer.outputs.shape for layer in part.layers] == [(60, 6), (60, 5)]


def test_pull_is_minus_the_slope_of_the_loss_in_the_scores():
    pipe, X, y = fitted(3)
    part = network_part(pipe, X, y)
    own = np.searchsorted(pipe.classes_, y)

    def loss(scores):
        return np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(y)), own]

    for k in range(3):
        move = 1e-6 * np.eye(3)[k]
        slope = (loss(part.scores + move) - loss(part.scores - move)) / 2e-6
        np.testing.assert_allclose(part.pull[:, k], -slope, atol=1e-8)


def test_a_perceptron_without_hidden_layers_is_a_linear_model():
    pipe, X, y = fitted(3, sizes=())
    part = network_part(pipe, sparse.csr_array(X), y)
    assert part.layers == ()
    np.testing.assert_allclose(part.features, X)
    np.testing.assert_allclose(part.scores, X @ pipe[-1].coefs_[0] + pipe[-1].intercepts_[0])


def test_sparse_rows_and_labels_that_the_fit_did_not_see():
    pipe, X, y = fitted(3)
    dense = network_part(pipe, X, y)
    thin = network_part(pipe, sparse.csr_array(X), y)
    np.testing.assert_allclose(thin.layers[1].reach, dense.layers[1].reach)
    strange = y.copy().astype(object)
    strange[0] = "violet"
    part = network_part(pipe, X, strange)
    assert not part.layers[0].reach[0].any()
    np.testing.assert_allclose(part.pull[0], dense.pull[0] - (y[0] == pipe.classes_))


def test_what_is_no_perceptron_for_one_label_a_row_has_no_inside():
    X, y = rows(3)
    assert network_part(LogisticRegression().fit(X, y), X, y) is None
    assert network_knobs(LogisticRegression()) is None
    assert network_knobs(MLPRegressor()) is None
    several = np.column_stack([y == "red", y == "blue"]).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLPClassifier((3,), max_iter=5).fit(X, several)
    assert network_part(model, X, y) is None


def test_knobs_of_a_perceptron():
    knobs = as_model_view(make_pipeline(StandardScaler(), MLPClassifier(30, activation="tanh")), seed=0).network_knobs()
    assert (knobs.width, knobs.width_value) == ("mlpclassifier__hidden_layer_sizes", (30,))
    assert (knobs.activation, knobs.activation_value) == ("mlpclassifier__activation", "tanh")
    assert knobs.branches is knobs.loss is None
    searched = network_knobs(GridSearchCV(MLPClassifier([8, 4]), {"activation": ["relu", "tanh"]}))
    assert (searched.width, searched.width_value, searched.activation) == (
        "estimator__hidden_layer_sizes",
        (8, 4),
        None,
    )


def test_rows_are_not_changed():
    pipe, X, y = fitted(3)
    before = X.copy()
    as_model_view(pipe, seed=0).network_part(pipe, X, y)
    assert np.array_equal(X, before)
