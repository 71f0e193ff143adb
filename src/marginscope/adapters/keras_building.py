"""An untrained Keras model from a model or from a function that makes one, on any backend.

Nothing is known of single layers: every ``seed`` in a layer's configuration is drawn anew,
so that initial weights and dropout come from the seed that is given.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marginscope.adapters.keras_ending import KerasEnding, ending_of
from marginscope.exceptions import ModelError, UsageError

__all__ = ["Built", "build_model", "compiled_with", "copy_of", "is_keras_model"]

# Layers without a seed of their own take one from Python's generator, which all threads share.
_LOCK = threading.RLock()
_HIDDEN = 64


class Built(NamedTuple):
    """A fresh model, how it ends, and the model whose configuration and recipe it has."""

    model: Any
    ending: KerasEnding
    given: Any


def is_keras_model(thing: Any) -> bool:
    """Return whether it is a Keras model, without importing Keras."""
    return any(
        parent.__module__.partition(".")[0] == "keras" and parent.__name__ == "Model" for parent in type(thing).__mro__
    )


def compiled_with(model: Any, name: str) -> Any:
    """Return the loss or optimizer that a model was compiled with, ``None`` without one."""
    return getattr(model, name, None) if getattr(model, "compiled", False) else None


def build_model(
    network: Any,
    row_shape: Sequence[int],
    n_classes: int,
    *,
    copies: int,
    branches: bool,
    on_scores: bool,
    rng: np.random.Generator,
) -> Built:
    """Return a model with initial weights; what was given stays as it is.

    Parameters
    ----------
    network : Model, callable or None
        ``None``: two hidden layers of 64 units. A callable is called as
        ``network(n_features, n_classes)``, with the shape of a row in place of
        ``n_features`` where rows have more than one axis.
    copies : int
        Copies side by side whose scores are added.
    branches : bool
        A network of its own for every class.
    on_scores : bool
        Whether the model shall return scores, one column a class, without a last softmax.

    Raises
    ------
    ModelError, UsageError
        If it is no such model, or has fewer outputs than classes.
    """
    with _seeded_python(int(rng.integers(2**31))):
        given = _given_model(network, row_shape, n_classes)
        blank = np.zeros((2, *row_shape), dtype=np.float32)
        one = _fresh(given, blank, rng)
        ending = ending_of(one, blank)
        _check_width(one, ending, n_classes)
        if copies == 1 and not branches and not on_scores:
            return Built(one, ending, given)
        if ending.score_tensor is None:
            raise ModelError(
                "a Sequential or functional Keras model is needed for copies, branches or a loss of scores, but got "
                f"{type(one).__name__}; build it with keras.Sequential or keras.Model"
            )
        n_models = copies * (n_classes if branches else 1)
        parts = [ending, *(ending_of(_fresh(given, blank, rng), blank) for _ in range(n_models - 1))]
        model = _joined([part.score_model for part in parts], copies, ending, on_scores)
        return Built(model, ending_of(model, blank), given)


def _joined(models: list[Any], copies: int, ending: KerasEnding, on_scores: bool) -> Any:
    """Return one model: each ``copies`` models are added, and branch k gives score k."""
    import keras

    inputs = keras.Input(batch_shape=models[0].inputs[0].shape, dtype=models[0].inputs[0].dtype)
    single = [model(inputs) for model in models]
    scores = [_sum(single[start : start + copies]) for start in range(0, len(single), copies)]
    if len(scores) == 1:
        whole = scores[0]
    elif ending.is_single:
        whole = scores[1] - scores[0]
    else:
        whole = keras.layers.Concatenate()([own[:, k : k + 1] for k, own in enumerate(scores)])
    if on_scores:
        whole = keras.layers.Concatenate()([-0.5 * whole, 0.5 * whole]) if ending.is_single else whole
    elif ending.kind != "scores":
        whole = keras.layers.Activation(ending.kind)(whole)
    return keras.Model(inputs, whole)


def _sum(scores: list[Any]) -> Any:
    import keras

    return scores[0] if len(scores) == 1 else keras.layers.Add()(scores)


def _default_model(row_shape: Sequence[int], n_classes: int) -> Any:
    """Return two hidden layers of 64 units with ReLU, on the flattened row."""
    import keras

    layers = keras.layers
    hidden = [layers.Dense(_HIDDEN, activation="relu") for _ in range(2)]
    return keras.Sequential([keras.Input(tuple(row_shape)), layers.Flatten(), *hidden, layers.Dense(n_classes)])


def _given_model(network: Any, row_shape: Sequence[int], n_classes: int) -> Any:
    if network is None:
        return _default_model(row_shape, n_classes)
    if is_keras_model(network):
        return network
    if not callable(network) or isinstance(network, type):
        raise UsageError(
            "a Keras model or a function (n_features, n_classes) that makes one is needed as network, but got "
            f"{type(network).__name__}; pass one of them"
        )
    n_features = int(row_shape[0]) if len(row_shape) == 1 else tuple(map(int, row_shape))
    made = network(n_features, n_classes)
    if not is_keras_model(made):
        raise UsageError(
            f"a function that returns a Keras model is needed as network, but it returned {type(made).__name__}; "
            "return the model"
        )
    return made


def _fresh(given: Any, rows: NDArray[Any], rng: np.random.Generator) -> Any:
    model = _fresh_copy(given, rng)
    if not model.built:
        model(rows)
    if given.built:
        _keep_frozen(given, model)
    return model


def _fresh_copy(model: Any, rng: np.random.Generator) -> Any:
    def fresh_layer(layer: Any) -> Any:
        # A bare operation of the graph, such as a slice, holds nothing.
        return layer if not hasattr(layer, "weights") else type(layer).from_config(_reseeded(layer.get_config(), rng))

    try:
        fresh = copy_of(model, fresh_layer)
    except Exception as error:
        raise ModelError(
            f"a Keras model that can be made anew is needed, but {type(model).__name__} raised "
            f"{type(error).__name__}: {' '.join(str(error).split()):.200}; give it a get_config, or pass a function "
            "(n_features, n_classes) that makes it"
        ) from error
    return fresh


def copy_of(model: Any, new_layer: Callable[[Any], Any], call: Callable[..., Any] | None = None) -> Any:
    """Return a model with ``new_layer(layer)`` for every layer, not compiled.

    Parameters
    ----------
    call : callable, optional
        ``call(new_layer, *inputs)`` in place of calling the layer; the model must have a graph then.
    """
    import keras

    if isinstance(model, keras.Sequential) and call is None:
        layers = [new_layer(layer) for layer in model.layers]
        inputs = model.inputs if model.built else []
        start = [keras.Input(batch_shape=one.shape, dtype=one.dtype) for one in inputs]
        return keras.Sequential([*start, *layers])
    if not getattr(model, "outputs", None):
        return new_layer(model)
    # A model of the same layers that was not compiled: a loss of one's own has no name to be found by.
    graph = keras.Model(model.inputs if len(model.inputs) > 1 else model.inputs[0], model.outputs[0])
    return keras.models.clone_model(graph, clone_function=new_layer, call_function=call)


def _keep_frozen(model: Any, fresh: Any) -> None:
    """Copy the weights of layers that are no part of the training: frozen ones, and statistics of the data."""
    for before, after in zip(model.layers, fresh.layers, strict=True):
        if not before.weights:
            continue
        if not before.trainable or hasattr(before, "adapt"):
            after.set_weights(before.get_weights())
        elif hasattr(before, "layers"):
            _keep_frozen(before, after)


def _reseeded(config: Any, rng: np.random.Generator) -> Any:
    """Return a copy of a configuration in which every seed is drawn anew."""
    if isinstance(config, Mapping):
        return {
            key: int(rng.integers(2**31)) if key == "seed" else _reseeded(value, rng) for key, value in config.items()
        }
    return [_reseeded(value, rng) for value in config] if isinstance(config, list) else config


def _check_width(model: Any, ending: KerasEnding, n_classes: int) -> None:
    width = 2 if ending.is_single else ending.n_outputs
    if width < n_classes:
        raise ModelError(
            f"a Keras model with {n_classes} outputs, one a class, is needed, but {type(model).__name__} gives "
            f"{ending.n_outputs or 'no matrix'}; give its last layer {n_classes} units"
        )


@contextmanager
def _seeded_python(seed: int) -> Iterator[None]:
    """Start Python's generator from a seed, and put it back."""
    with _LOCK:
        before = random.getstate()
        random.seed(seed)
        try:
            yield
        finally:
            random.setstate(before)
