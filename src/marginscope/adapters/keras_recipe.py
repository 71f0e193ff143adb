"""What a Keras model is trained with: loss, form of the targets, optimizer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope import losses
from marginscope.adapters.keras_ending import KerasEnding
from marginscope.exceptions import UsageError

__all__ = ["KerasLoss", "keras_loss", "loss_name", "make_optimizer", "row_losses"]

# names of one loss in Keras
_CROSS_ENTROPIES = ("sparse_categorical_crossentropy", "categorical_crossentropy", "binary_crossentropy")
_SQUARES = ("mean_squared_error", "mse")


@dataclass(frozen=True)
class KerasLoss:
    """A loss as ``compile`` takes it, and what it is told of a row's class.

    ``form`` is ``"codes"``, ``"onehot"`` or ``"column"`` (one output for two classes);
    ``on_scores`` says that it reads scores, one column a class.
    """

    loss: Any
    form: str
    on_scores: bool = False

    def targets(self, codes: NDArray[np.int64], width: int) -> NDArray[Any]:
        """Return what ``fit`` is told."""
        if self.form == "onehot":
            return np.eye(width, dtype=np.float32)[codes]
        return codes[:, None].astype(np.float32) if self.form == "column" else codes


def loss_name(loss: Any) -> str:
    """Return the name of a training loss; the cross-entropies of Keras have one name."""
    if isinstance(loss, str):
        name = loss
    else:
        name = str(getattr(loss, "name", None) or getattr(loss, "__name__", type(loss).__name__))
    name = _snake(name)
    if name in _CROSS_ENTROPIES:
        return "cross_entropy"
    return "mse" if name in _SQUARES else name


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def keras_loss(given: Any, own: Any, *, is_single: bool, kind: str) -> KerasLoss:
    """Return the loss to train with.

    Parameters
    ----------
    given : str, Loss, Template, callable or None
        A name of ``marginscope.losses.names()``, ``"mse"``, or what ``compile`` takes;
        ``None`` is the model's own.
    own : object
        The loss that the model was compiled with, or ``None``.
    is_single, kind
        Of the model's ending.

    Raises
    ------
    UsageError
        If it is nothing of that kind.
    """
    import keras

    loss = own if given is None else given
    if loss is None or (isinstance(loss, str) and loss == "cross_entropy"):
        from_scores = kind == "scores"
        if is_single or kind == "sigmoid":
            form = "column" if is_single else "onehot"
            return KerasLoss(keras.losses.BinaryCrossentropy(from_logits=from_scores), form)
        return KerasLoss(keras.losses.SparseCategoricalCrossentropy(from_logits=from_scores), "codes")
    if isinstance(loss, losses.Template) or (isinstance(loss, str) and loss in losses.names()):
        return KerasLoss(_of_template(losses.get(loss)), "codes", on_scores=True)
    if isinstance(loss, str):
        try:
            keras.losses.get(loss)
        except ValueError as error:
            raise UsageError(
                f"a loss of Keras or of this package is needed, but got {loss!r:.60}; names here are "
                f"{', '.join(losses.names())}, mse"
            ) from error
    elif not callable(loss):
        raise UsageError(f"one loss is needed for one output, but got {loss!r:.60}; give a name, a Loss or a function")
    if _snake(str(getattr(loss, "name", None) or getattr(loss, "__name__", loss))).startswith("sparse"):
        return KerasLoss(loss, "codes")
    return KerasLoss(loss, "column" if is_single else "onehot")


def row_losses(loss: KerasLoss, ending: KerasEnding, scores: NDArray[np.float64], codes: NDArray[Any]) -> Any:
    """Return the loss of every row (n,) from its scores, one column a class."""
    from keras import losses as keras_losses
    from keras import ops

    answers = scores if loss.on_scores else ending.of_scores(scores)
    targets = loss.targets(codes, answers.shape[1])
    function = keras_losses.get(loss.loss)
    function = getattr(function, "call", function)
    values = function(ops.convert_to_tensor(targets), ops.convert_to_tensor(answers))
    return ops.convert_to_numpy(values).reshape(len(codes), -1).mean(axis=1)


def _of_template(template: Any) -> Callable[[Any, Any], Any]:
    """Return a function of class numbers and scores that gives one loss a row."""
    import keras

    ops, words = keras.ops, _array_words()

    def loss(codes: Any, scores: Any) -> Any:
        codes = ops.cast(ops.reshape(codes, (-1, 1)), "int32")
        own = ops.take_along_axis(scores, codes, axis=-1)
        # label-code order: the slot of the own class holds the last class
        slots = ops.arange(scores.shape[-1] - 1)[None, :]
        return template.value(own - ops.where(slots == codes, scores[:, -1:], scores[:, :-1]), words)

    loss.__name__ = template.name
    return loss


def _array_words() -> Any:
    """Return what the templates ask of an array namespace, in the words of torch, on any backend."""
    from keras import backend, ops

    def clip(x: Any, low: Any, high: Any) -> Any:
        x = x if low is None else ops.maximum(x, low)
        return x if high is None else ops.minimum(x, high)

    same = ("concatenate", "cumsum", "exp", "logsumexp", "ones_like", "where", "zeros_like")
    return SimpleNamespace(
        **{name: getattr(ops, name) for name in same},
        amax=ops.max,
        amin=ops.min,
        clip=clip,
        # traced values cannot be read
        compiler=SimpleNamespace(is_compiling=lambda: backend.backend() != "torch"),
        flip=lambda x, axes: ops.flip(x, axis=axes[0]),
        finfo=lambda dtype: np.finfo(str(dtype).rpartition(".")[2]),
        sort=lambda x, axis: SimpleNamespace(values=ops.sort(x, axis=axis)),
        nn=SimpleNamespace(functional=SimpleNamespace(softplus=lambda t, threshold=0.0: ops.softplus(t))),
    )


def make_optimizer(given: Any, own: Any, *, learning_rate: float | None, weight_decay: float | None) -> Any:
    """Return a new optimizer: the given one or the model's own, with the numbers that are given."""
    import keras

    if callable(given) and not isinstance(given, type | keras.optimizers.Optimizer):
        given = given()
    chosen = given if given is not None else own if own is not None else "adam"
    try:
        config = keras.optimizers.serialize(keras.optimizers.get(chosen))
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"an optimizer of Keras is needed, but got {chosen!r:.60}; give a name such as 'adam' or an Optimizer"
        ) from error
    changed = {"learning_rate": learning_rate, "weight_decay": weight_decay}
    config["config"] = {**config["config"], **{name: value for name, value in changed.items() if value is not None}}
    return keras.optimizers.deserialize(config)
