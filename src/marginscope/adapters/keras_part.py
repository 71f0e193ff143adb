"""The inside of a Keras model: by torch's probe on that backend, else its last layer alone."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope._validation import label_codes
from marginscope.adapters.keras_ending import KerasEnding, answers_in_batches
from marginscope.adapters.keras_recipe import KerasLoss, loss_name, row_losses
from marginscope.adapters.keras_split import has_graph
from marginscope.adapters.network_part import NetworkPart

__all__ = ["keras_part"]

Floats = NDArray[np.float64]

_STEP = 1e-2


def keras_part(
    model: Any, X: NDArray[Any], y: Any, classes: NDArray[Any], ending: KerasEnding, loss: KerasLoss
) -> NetworkPart:
    """Return the inside of a trained Keras model on rows with labels.

    On the torch backend this is ``marginscope.torch``'s own probe, with the activations of
    the layers apart. On other backends gradients are not asked for: there are no layers, and
    ``features`` are what the last layer reads.

    Parameters
    ----------
    X : (n_samples, ...) array
        In the type that the model reads.
    y : (n_samples,) labels
    classes : (n_classes,) labels
        In the order of the columns.
    """
    import keras

    if keras.backend.backend() == "torch" and has_graph(model):
        probe = importlib.import_module("marginscope.torch.keras_module")
        part: NetworkPart = probe.keras_network_part(model, X, y, classes, loss)
        return part
    n_classes = len(classes)
    every = ending.scores(X)
    scores, codes = every[:, :n_classes], label_codes(np.asarray(y), classes)
    features, coef, intercept = _last_layer(ending, X, scores)
    return NetworkPart(
        (),
        features,
        coef,
        intercept,
        scores,
        _pull(every, codes, ending, loss)[:, :n_classes],
        np.asarray(classes),
        loss_name(loss.loss),
    )


def _last_layer(ending: KerasEnding, X: NDArray[Any], scores: Floats) -> tuple[Floats, Floats, Floats]:
    """Return what a dense last layer reads, its matrix and its shift; else the scores and the identity."""
    import keras

    n_classes = scores.shape[1]
    kernel = getattr(ending.last, "kernel", None)
    if kernel is None or len(kernel.shape) != 2 or ending.score_tensor is None:
        return scores, np.eye(n_classes), np.zeros(n_classes)
    before = ending.score_tensor._keras_history.operation.input
    features = answers_in_batches(keras.Model(ending.model.inputs[0], before), X)
    coef = np.asarray(keras.ops.convert_to_numpy(kernel), dtype=np.float64).T
    if ending.is_single:
        coef = np.vstack([-coef / 2.0, coef / 2.0])
    coef = coef[:n_classes]
    if features.ndim != 2 or features.shape[1] != coef.shape[1]:
        return scores, np.eye(n_classes), np.zeros(n_classes)
    return features, coef, (scores - features @ coef.T).mean(axis=0)


def _pull(scores: Floats, codes: NDArray[Any], ending: KerasEnding, loss: KerasLoss) -> Floats:
    """Return minus the slope of every row's loss in its scores, by central differences of size 0.01."""
    pull = np.zeros_like(scores)
    known = np.flatnonzero(codes >= 0)
    for k in range(scores.shape[1]):
        ends = []
        for sign in (+1.0, -1.0):
            moved = scores[known].copy()
            moved[:, k] += sign * _STEP
            ends.append(row_losses(loss, ending, moved, codes[known]))
        pull[known, k] = -(ends[0] - ends[1]) / (2.0 * _STEP)
    return pull
