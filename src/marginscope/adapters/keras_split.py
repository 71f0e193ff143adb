"""A Keras model in which every activation is a layer of its own.

Keras writes ``Dense(8, activation="relu")``: one layer whose units have a value before and after
the activation. Which layers end in their activation is found out by calling them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marginscope.adapters.keras_building import copy_of

__all__ = ["has_graph", "with_activations_apart"]

# stands for every length that the graph leaves open
_SOME_LENGTH = 3


def has_graph(model: Any) -> bool:
    """Return whether it is a built Sequential or functional model of one input and one output."""
    return len(getattr(model, "outputs", None) or ()) == 1 and len(getattr(model, "inputs", None) or ()) == 1


def with_activations_apart(model: Any) -> Any:
    """Return a copy of a model with a graph that computes the same, its activations apart."""
    import keras

    pairs: list[tuple[Any, Any]] = []
    activations: dict[int, Any] = {}

    def new_layer(layer: Any) -> Any:
        if hasattr(layer, "layers") and has_graph(layer):
            return with_activations_apart(layer)
        if not hasattr(layer, "weights"):
            return layer  # a bare operation of the graph, such as a slice
        twin = _linear_twin(layer)
        if twin is None:
            twin = type(layer).from_config(layer.get_config())
        else:
            activations[id(twin)] = keras.layers.Activation(layer.activation, name=f"{layer.name}_activation")
        pairs.append((layer, twin))
        return twin

    def call(layer: Any, *inputs: Any, **keywords: Any) -> Any:
        given = layer(*inputs, **keywords)
        return activations[id(layer)](given) if id(layer) in activations else given

    apart = copy_of(model, new_layer, call)
    for layer, twin in pairs:
        if layer.weights:
            twin.set_weights(layer.get_weights())
    return apart


def _linear_twin(layer: Any) -> Any:
    """Return a new layer without the activation, ``None`` unless the activation is the last thing that it does."""
    import keras

    activation = getattr(layer, "activation", None)
    if not layer.weights or not callable(activation) or getattr(activation, "__name__", "") == "linear":
        return None
    try:
        shape = [2, *(length or _SOME_LENGTH for length in layer.input.shape[1:])]
        rows = np.random.default_rng(0).normal(size=shape).astype(layer.input.dtype)
        twin = type(layer).from_config({**layer.get_config(), "activation": "linear"})
        twin(rows)
        twin.set_weights(layer.get_weights())
        whole = keras.ops.convert_to_numpy(layer(rows))
        apart = keras.ops.convert_to_numpy(activation(twin(rows)))
    except Exception:
        # A layer that cannot be called by itself stays as it is.
        return None
    if whole.shape != apart.shape or not np.allclose(whole, apart, rtol=1e-4, atol=1e-6):
        return None
    return type(layer).from_config({**layer.get_config(), "activation": "linear"})
