"""The gradient of the mean loss of each class, layer by layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call, vjp, vmap

from marginscope._validation import check_labels, label_codes
from marginscope.torch.last_layer import last_layer
from marginscope.torch.network_building import checked_ending
from marginscope.torch.network_inputs import network_inputs, try_types
from marginscope.torch.network_part import look_inside
from marginscope.torch.quiet_look import own_module, quiet_look
from marginscope.torch.row_losses import row_loss

__all__ = ["class_gradients"]

Floats = NDArray[np.float64]


def class_gradients(
    module: nn.Module, X: Any, y: Any, *, loss: Any = "cross_entropy", classes: Any = None, deep: bool = False
) -> dict[str, Floats]:
    """Return the gradient of the mean loss of each class, layer by layer.

        g_c = 1 / n_c  sum over the rows i of class c of  d loss_i / d parameters

    Times the share of class c these add up to the gradient of the mean loss. The network
    answers in evaluation mode and is left as it was.

    Parameters
    ----------
    module : Module
    X : (n_samples, ...) array or tensor
    y : (n_samples,) labels
    loss : str, Template, Module or callable
        See ``NetworkClassifier``. Class weights that it has itself are left out: they are
        factors on whole rows of the answer.
    classes : (n_classes,) labels, optional
        In the order of the columns; by default the sorted labels of y.
    deep : bool
        Whether all trained layers are looked at. All rows go through the network at once
        then, and the answer has n_classes numbers for every parameter: give a subsample.

    Returns
    -------
    dict of str to (n_classes, n_parameters) arrays
        By name of the part; its parameters in their own order, flattened. Without ``deep`` the
        last linear layer alone, from the pull of the loss and what the layer reads, under
        its name; several side by side are one ``"last layer"``, coefficients before intercepts.
        A class without rows has zeros.

    Raises
    ------
    ModelError
        If the network does not take the rows, or has fewer outputs than classes.
    """
    labels = check_labels(y).labels if classes is None else np.asarray(classes)
    codes = label_codes(y, labels)
    if deep:
        return _of_all_layers(module, X, codes, labels, loss)
    seen, _ = look_inside(module, X, y, labels, loss)
    scores, pull = (
        np.concatenate([getattr(one, name).double().cpu().numpy() for one in seen]) for name in ("scores", "pull")
    )
    features = last_layer([one.last for one in seen], scores)[0]
    name = seen[0].last.name
    part = own_module(module).get_submodule("" if name == "network" else name) if name else None
    if part is not None and getattr(part, "bias", None) is None:
        read = features
    else:
        read = np.column_stack([features, np.ones(len(features))])
    found = np.zeros((len(labels), len(labels), read.shape[1]))
    for code in np.unique(codes[codes >= 0]):
        rows = codes == code
        found[code] = -pull[rows].T @ read[rows] / rows.sum()
    n_features = features.shape[1]
    return {name or "last layer": np.concatenate([_flat(found[..., :n_features]), _flat(found[..., n_features:])], 1)}


def _of_all_layers(
    module: nn.Module, X: Any, codes: NDArray[np.int64], labels: NDArray[Any], loss: Any
) -> dict[str, Floats]:
    net = own_module(module)
    device = next((p.device for p in net.parameters()), torch.device("cpu"))
    trained = {name: p.detach() for name, p in net.named_parameters() if p.requires_grad}
    inputs = network_inputs(X)
    with quiet_look(net):
        dtype, returned = try_types(net, inputs, device)
        ending = checked_ending(net, returned, len(labels))
        one = row_loss(loss, ending.outputs(returned).detach().expand(max(2, len(returned)), -1))
        rows = inputs.tensor(dtype, device)
        numbers = torch.as_tensor(codes, device=device)
        members = [torch.nonzero(numbers == k)[:, 0] for k in range(len(labels))]

        def class_losses(parameters: dict[str, Tensor]) -> Tensor:
            outputs = ending.outputs(functional_call(net, parameters, (rows.clone(),)))
            losses = [_mean_loss(one.plain or one.whole, outputs[at], numbers[at]) for at in members]
            return torch.stack(losses)

        pull_back: Any = vjp(class_losses, trained)[1]
        chosen = torch.eye(len(labels), dtype=ending.outputs(returned).dtype, device=device)
        try:
            (by_name,) = vmap(pull_back)(chosen)
        except RuntimeError:
            # A recurrent layer for instance has no batched form.
            each = [pull_back(row)[0] for row in chosen]
            by_name = {name: torch.stack([row[name] for row in each]) for name in trained}
    parts: dict[str, list[Floats]] = {}
    for name, slopes in by_name.items():
        part = name.rpartition(".")[0] or "network"
        parts.setdefault(part, []).append(_flat(slopes.detach().double().cpu().numpy()))
    return {part: np.concatenate(slopes, axis=1) for part, slopes in parts.items()}


def _mean_loss(loss: Any, outputs: Tensor, codes: Tensor) -> Tensor:
    return loss(outputs, codes).mean() if len(codes) else outputs.sum() * 0.0


def _flat(values: Floats) -> Floats:
    return np.asarray(values, dtype=np.float64).reshape(len(values), -1)
