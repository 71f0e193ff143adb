"""A Keras model of the torch backend as a torch module whose parts can be listened to.

Keras keeps its layers and their weights where ``named_modules`` does not find them, and
counts channels last. Here every layer is a part with the name of the layer, and a matrix
``weight`` with one row a unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from marginscope.adapters.keras_recipe import KerasLoss, loss_name
from marginscope.adapters.keras_split import with_activations_apart
from marginscope.adapters.network_part import NetworkPart
from marginscope.torch.network_part import network_part

__all__ = ["KerasModule", "keras_network_part"]


class KerasModule(nn.Module):
    """A copy of a Keras model with a graph, its activations apart.

    Parameters
    ----------
    model : keras.Model
        Not changed.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        copy = with_activations_apart(model)
        # in a tuple, so that torch does not count the weights twice
        self._model = (copy,)
        for layer in _layers(copy):
            self.add_module(self._free_name(layer.name.replace(".", "_")), _Part(layer))

    def _free_name(self, name: str) -> str:
        """Return a name that no part has: copies of a model have layers of the same names."""
        candidates = (name if number == 1 else f"{name}_copy{number}" for number in count(1))
        return next(one for one in candidates if not hasattr(self, one))

    def forward(self, X: Tensor) -> Tensor:
        """Return what the model returns, in evaluation mode."""
        answer: Tensor = self._model[0](X, training=False)
        return answer


class _Part(nn.Module):
    """One layer of a private copy, from now on called through this part."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self._call = layer.call
        if layer.weights:
            self.weight = nn.Parameter(_matrix(layer), requires_grad=False)
        layer.call = lambda *inputs, **keywords: self(*inputs, **keywords)

    def forward(self, *inputs: Any, **keywords: Any) -> Any:
        """Return what the layer gives."""
        return self._call(*inputs, **keywords)


def _layers(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from _layers(layer)
        elif layer.weights or type(layer).__name__ != "InputLayer":
            yield layer


def _matrix(layer: Any) -> Tensor:
    """Return the kernel with one row a unit; of another layer ones, whose rank says where its units are counted."""
    kernel = getattr(layer, "kernel", None)
    value = getattr(kernel if kernel is not None else layer.weights[0], "value", None)
    if kernel is not None and isinstance(value, Tensor) and value.ndim >= 2:
        by_unit = value.detach().reshape(-1, value.shape[-1]).T.contiguous()
    else:
        by_unit = torch.ones((1, 1), device=value.device if isinstance(value, Tensor) else None)
    if getattr(layer, "data_format", "") == "channels_first":
        return by_unit.reshape(*by_unit.shape, 1)
    return by_unit


def keras_network_part(model: Any, X: NDArray[Any], y: Any, classes: NDArray[Any], loss: KerasLoss) -> NetworkPart:
    """Return the inside of a Keras model on rows with labels; see ``marginscope.torch.network_part``."""
    module = KerasModule(model).eval()
    return network_part(module, X, y, classes, _row_function(loss, model.outputs[0].shape[-1] == 1))


def _row_function(loss: KerasLoss, is_single: bool) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the loss as torch's probe asks it: of outputs, one column a class, and class numbers."""
    from keras import losses

    function = losses.get(loss.loss)
    function = getattr(function, "call", function)

    def by_row(outputs: Tensor, codes: Tensor) -> Tensor:
        if is_single:
            is_share = bool(((outputs.sum(dim=1) - 1.0).abs() < 1e-5).all())
            outputs = outputs[:, 1:] if is_share else outputs[:, 1:] - outputs[:, :1]
        if loss.form == "codes":
            targets = codes
        elif loss.form == "column":
            targets = codes[:, None].to(outputs.dtype)
        else:
            targets = nn.functional.one_hot(codes, outputs.shape[1]).to(outputs.dtype)
        values: Tensor = function(targets, outputs)
        return values.reshape(len(codes), -1).mean(dim=1)

    by_row.__name__ = loss_name(loss.loss)
    return by_row
