"""A Keras model without the recipe of its training, as a ModelView: a frozen model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.adapters.frozen_network import FrozenNetworkView
from marginscope.adapters.keras_building import compiled_with
from marginscope.adapters.keras_ending import KerasEnding, as_read, ending_of
from marginscope.adapters.keras_part import keras_part
from marginscope.adapters.keras_recipe import keras_loss
from marginscope.adapters.network_part import NetworkPart
from marginscope.adapters.network_rows import rows_of_any_shape
from marginscope.exceptions import ModelError

__all__ = ["FrozenKeras", "KerasView"]


class FrozenKeras:
    """A trained Keras model that answers like a classifier, as it stands.

    Its columns are the labels in sorted order, or one output for two classes. How it ends is
    read with the first question: do not train it on in between.

    Parameters
    ----------
    network : keras.Model
    labels : (n_classes,) array, optional
        In the order of the columns; without them it answers nothing yet.
    """

    def __init__(self, network: Any, labels: NDArray[Any] | None = None) -> None:
        self.network = network
        self.classes_ = labels
        self._ending: KerasEnding | None = None

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return scores (n_samples, n_classes), before any softmax; their difference for two classes."""
        scores = self._scores(X)[0]
        return np.asarray(scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return probabilities (n_samples, n_classes)."""
        scores, ending = self._scores(X)
        return ending.probabilities(scores)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the label of the largest score."""
        return np.asarray(self._labels[self._scores(X)[0].argmax(axis=1)])

    def network_part(self, X: Any, y: Any) -> NetworkPart:
        """Return the inside of the model; the loss is that of ``compile``, or else cross-entropy."""
        rows, ending = self._read(X)
        loss = keras_loss(None, compiled_with(self.network, "loss"), is_single=ending.is_single, kind=ending.kind)
        return keras_part(self.network, rows, y, self._labels, ending, loss)

    def _read(self, X: Any) -> tuple[NDArray[Any], KerasEnding]:
        rows = as_read(rows_of_any_shape(X), self.network)
        if self._ending is None:
            self._ending = ending_of(self.network, rows[:64])
        return rows, self._ending

    @property
    def _labels(self) -> NDArray[Any]:
        if self.classes_ is None:
            raise ModelError("labels of the columns of the network are needed, but none are known yet; give them")
        return self.classes_

    def _scores(self, X: Any) -> tuple[NDArray[np.float64], KerasEnding]:
        rows, ending = self._read(X)
        scores = ending.scores(rows)
        n_classes = len(self._labels)
        if scores.ndim != 2 or scores.shape[1] != n_classes:
            raise ModelError(
                f"one output a class is needed, but {type(self.network).__name__} has {ending.n_outputs or 'other'} "
                f"outputs and y has {n_classes} labels; give y all classes, or wrap the model in "
                "KerasNetwork"
            )
        return scores, ending


class KerasView(FrozenNetworkView):
    """View of a bare Keras model; it cannot be refitted."""

    def __init__(self, network: Any, *, seed: int) -> None:
        if not network.built:
            raise ModelError(
                f"a trained Keras model is needed, but {type(network).__name__} has no weights yet; fit it, or wrap it "
                "in marginscope.KerasNetwork"
            )
        self._network = network
        super().__init__(FrozenKeras(network), seed=seed)

    @property
    def kind(self) -> str:
        """See ``ModelView``."""
        return type(self._network).__name__
