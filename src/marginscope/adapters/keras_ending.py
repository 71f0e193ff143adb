"""How a Keras model ends: in scores, or in a softmax or sigmoid of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["KerasEnding", "answers_in_batches", "as_read", "ending_of"]

Floats = NDArray[np.float64]

_ROWS_A_BATCH = 4096


@dataclass(frozen=True)
class KerasEnding:
    """The way from the scores of a model to what it returns.

    Attributes
    ----------
    model : Model
    n_outputs : int
        Columns of its answers, 0 if they are no matrix.
    kind : str
        ``"scores"``, ``"softmax"`` or ``"sigmoid"``.
    is_single : bool
        Whether two classes share one output s: their scores are -s/2 and s/2.
    last : layer or None
        The layer that gives the scores with its activation left out, where it is known.
    score_tensor : symbolic tensor or None
        The scores in the graph of the model; ``None`` if the model has no graph.
    """

    model: Any
    n_outputs: int
    kind: str = "scores"
    is_single: bool = False
    last: Any = None
    score_tensor: Any = None

    @cached_property
    def score_model(self) -> Any:
        """A model of the same layers that ends in the scores; some backends compile it at its first call."""
        import keras

        return keras.Model(self.model.inputs[0], self.score_tensor)

    def scores(self, X: NDArray[Any]) -> Floats:
        """Return scores (n_samples, n_outputs), one column a class.

        Without a graph to read they are taken from the answers: after a softmax they sum to zero.
        """
        if self.score_tensor is not None:
            found = answers_in_batches(self.score_model, X)
        else:
            found = self._scores_of_answers(answers_in_batches(self.model, X))
        if not self.is_single:
            return found
        one = found.reshape(len(found))
        return np.column_stack([-one / 2.0, one / 2.0])

    def _scores_of_answers(self, answers: Floats) -> Floats:
        tiny = float(np.finfo(np.float32).tiny)
        if self.kind == "softmax":
            logs = np.log(np.maximum(answers, tiny))
            return np.asarray(logs - logs.mean(axis=1, keepdims=True))
        if self.kind == "sigmoid":
            near = float(np.finfo(np.float32).eps)
            inside = np.clip(answers, near, 1.0 - near)
            return np.asarray(np.log(inside) - np.log1p(-inside))
        return answers

    def of_scores(self, scores: Floats) -> Floats:
        """Return what the model returns for scores, one column a class: the inverse of ``scores``."""
        if self.is_single:
            scores = scores[:, 1:] - scores[:, :1]
        if self.kind == "softmax":
            return _softmax(scores)
        return 0.5 * (1.0 + np.tanh(0.5 * scores)) if self.kind == "sigmoid" else scores

    def probabilities(self, scores: Floats) -> Floats:
        """Return probabilities: a softmax of the scores, or single sigmoids divided by their sum."""
        if self.kind == "sigmoid" and not self.is_single:
            each = 0.5 * (1.0 + np.tanh(0.5 * scores))
            return np.asarray(each / np.maximum(each.sum(axis=1, keepdims=True), np.finfo(float).tiny))
        return _softmax(scores)


def _softmax(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def as_read(rows: NDArray[Any], model: Any) -> NDArray[Any]:
    """Return rows in the type that a model reads: whole numbers stay whole where they are numbers of tokens."""
    inputs = getattr(model, "inputs", None)
    return rows.astype(getattr(inputs[0], "dtype", "float32") if inputs else "float32", copy=False)


def answers_in_batches(model: Any, X: NDArray[Any]) -> Floats:
    """Return what a model gives for all rows, as it stands, without gradients."""
    found = [model.predict_on_batch(X[start : start + _ROWS_A_BATCH]) for start in range(0, len(X), _ROWS_A_BATCH)]
    return np.concatenate([np.asarray(one, dtype=np.float64) for one in found])


def ending_of(model: Any, rows: NDArray[Any]) -> KerasEnding:
    """Return the ending of a model, by its last layer, or by its answers on some rows.

    Answers are looked at where the last layer does not tell, which is so for models that
    are programs and for the last layer inside another model.
    """
    found = _by_graph(model)
    if found is not None:
        return found
    answers = answers_in_batches(model, rows)
    width = answers.shape[-1] if answers.ndim == 2 else 0
    return KerasEnding(model, width, _by_answers(answers), width == 1)


def _by_graph(model: Any) -> KerasEnding | None:
    outputs = getattr(model, "outputs", None) or []
    history = getattr(outputs[0], "_keras_history", None) if len(outputs) == 1 else None
    if history is None or len(model.inputs) != 1:
        return None
    last = history.operation
    if hasattr(last, "layers"):
        return None
    shape = tuple(outputs[0].shape)
    width = int(shape[-1]) if len(shape) == 2 else 0
    if type(last).__name__ == "Softmax":
        return KerasEnding(model, width, "softmax", width == 1, None, last.input)
    activation = getattr(getattr(last, "activation", None), "__name__", "linear")
    if activation == "linear":
        return KerasEnding(model, width, "scores", width == 1, last, outputs[0])
    if activation not in ("softmax", "sigmoid"):
        # What a relu or tanh gives is what the loss reads: these are the scores.
        return KerasEnding(model, width, "scores", width == 1, last, outputs[0])
    config = {**last.get_config(), "activation": "linear", "name": f"{last.name}_scores"}
    twin = type(last).from_config(config)
    scores = twin(last.input)
    twin.set_weights(last.get_weights())
    return KerasEnding(model, width, activation, width == 1, twin, scores)


def _by_answers(answers: Floats) -> str:
    if answers.min() < 0.0 or answers.max() > 1.0:
        return "scores"
    if answers.shape[1] == 1:
        return "sigmoid"
    return "softmax" if np.abs(answers.sum(axis=1) - 1.0).max() < 1e-4 else "sigmoid"
