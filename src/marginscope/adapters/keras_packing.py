"""A Keras model in a form that can be pickled, compiled or not, trained or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.adapters.keras_building import compiled_with

__all__ = ["PackedModel", "pack_model"]


@dataclass(frozen=True)
class PackedModel:
    """Layers, weights, and what the model was compiled with; the state of the optimizer is left out."""

    config: Mapping[str, Any]
    weights: list[NDArray[Any]]
    loss: Any
    optimizer: Mapping[str, Any] | None

    def unpack(self) -> Any:
        """Return a new model."""
        import keras

        model = keras.saving.deserialize_keras_object(dict(self.config))
        if self.weights:
            model.set_weights(self.weights)
        if self.loss is not None:
            optimizer = None if self.optimizer is None else keras.optimizers.deserialize(dict(self.optimizer))
            model.compile(optimizer=optimizer or "rmsprop", loss=self.loss)
        return model


def pack_model(model: Any) -> PackedModel:
    """Return the packed form of a model."""
    import keras

    config = keras.saving.serialize_keras_object(model)
    config.pop("compile_config", None)
    optimizer = compiled_with(model, "optimizer")
    return PackedModel(
        config,
        [np.asarray(one) for one in model.get_weights()],
        compiled_with(model, "loss"),
        None if optimizer is None else keras.optimizers.serialize(optimizer),
    )
