"""The inside of any torch network, by hooks and autograd alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from marginscope._validation import label_codes
from marginscope.adapters.network_part import NetworkPart, UnitLayer
from marginscope.torch.endings import Ending
from marginscope.torch.last_layer import LastLayer, last_layer
from marginscope.torch.layer_calls import Call, LayerCalls, units_axis
from marginscope.torch.network_building import checked_ending
from marginscope.torch.network_inputs import network_inputs, try_types
from marginscope.torch.quiet_look import own_module, quiet_look
from marginscope.torch.row_losses import RowLoss, row_loss

__all__ = ["Seen", "look_inside", "network_part"]

Floats = NDArray[np.float64]
_MOST_NUMBERS = 2_000_000


def network_part(
    module: nn.Module, X: Any, y: Any, classes: Any, loss: Any = "cross_entropy", *, batch_size: int | None = None
) -> NetworkPart:
    """Return the inside of a network on rows with labels.

    Nothing about layers is assumed: a layer of units is a part with parameters whose output is
    (n, units), (n, channels, ...) or (n, ..., units). The network answers in evaluation mode
    and is left as it was.

    Parameters
    ----------
    module : Module
    X : (n_samples, ...) array or tensor
    y : (n_samples,) labels
        A label that is none of the classes pulls nothing.
    classes : (n_classes,) labels
        In the order of the columns.
    loss : str, Template, Module or callable
        Training loss; see ``NetworkClassifier``. One that gives only a number a batch counts
        as a mean over the rows.
    batch_size : int, optional
        Rows a call; by default as many as keep two million numbers.

    Returns
    -------
    NetworkPart
        Of units with places the outputs are averaged and the reach is summed over the places.
        ``outputs`` are taken after the parts without parameters that follow, or where
        functions hide these, where the next part with parameters reads them. A layer whose
        output a norm reads as it is, is left out: the norm has the same units.

        ``scores`` are what goes into a softmax or sigmoid at the end; after a softmax of
        something else than a layer (copies) they sum to zero. ``features``, ``coef`` and
        ``intercept`` are those of the last linear layer; of several side by side (copies,
        branches) the features stand in one row, and the coefficients beside each other. Of an
        end that is not linear (cosines) they are the least squares fit of the scores to what
        the end reads; where that cannot be seen, the scores themselves and the identity.

    Raises
    ------
    ModelError
        If the network does not take the rows, or has fewer outputs than classes.
    """
    seen, loss_name = look_inside(module, X, y, classes, loss, batch_size=batch_size)
    scores, pull = (_joined([getattr(batch, name) for batch in seen]) for name in ("scores", "pull"))
    features, coef, intercept = last_layer([batch.last for batch in seen], scores)
    names = [name for name in seen[0].layers if all(name in batch.layers for batch in seen)]
    layers = tuple(
        UnitLayer(name, *(_joined([batch.layers[name][at] for batch in seen]) for at in (0, 1))) for name in names
    )
    return NetworkPart(layers, features, coef, intercept, scores, pull, np.asarray(classes), loss_name)


def look_inside(
    module: nn.Module, X: Any, y: Any, classes: Any, loss: Any, *, batch_size: int | None = None
) -> tuple[list[Seen], str]:
    """Return what was seen batch by batch, and the name of the loss; see ``network_part``."""
    net = own_module(module)
    labels = np.asarray(classes)
    device = next((p.device for p in net.parameters()), torch.device("cpu"))
    inputs = network_inputs(X)
    codes = torch.as_tensor(label_codes(y, labels), device=device)
    with quiet_look(net):
        dtype, returned = try_types(net, inputs, device)
        ending = checked_ending(net, returned, len(labels))
        one = row_loss(loss, ending.outputs(returned).detach().expand(max(2, len(returned)), -1))
        rows = inputs.tensor(dtype, device)
        size = batch_size or max(16, min(1024, _MOST_NUMBERS * len(rows) // max(rows.numel(), 1)))
        seen = [_look(net, rows[at], codes[at], ending, one) for at in _batches(len(rows), size)]
    return seen, one.name


@dataclass(frozen=True)
class Seen:
    """What was seen on some rows; ``layers`` has outputs and reach by name."""

    layers: dict[str, tuple[Tensor, Tensor]]
    last: LastLayer
    scores: Tensor
    pull: Tensor


def _look(net: nn.Module, X: Tensor, codes: Tensor, ending: Ending, loss: RowLoss) -> Seen:
    with LayerCalls(net) as seen, torch.enable_grad():
        outputs = ending.outputs(net(X.clone()))
        ends = seen.sources(outputs)
        scores = _scores(outputs, ends, ending)
        own = scores.gather(1, codes.clamp_min(0)[:, None])[:, 0] * (codes >= 0)
        total = (own - scores.mean(dim=1)).sum()
        hidden = _hidden(seen.calls, ends)
        slopes: Any = ()
        if hidden and total.requires_grad:
            slopes = torch.autograd.grad(total, [call.given for call in hidden], retain_graph=True, allow_unused=True)
        layers = {}
        for call, slope in zip(hidden, slopes, strict=False):
            axis = units_axis(call)
            if slope is not None and axis is not None:
                given = _outputs(call, axis, seen)
                layers[call.name] = (_over_places(given, axis).detach(), _over_places(slope.abs(), axis, torch.sum))
        last = LastLayer.of(ends, scores)
    return Seen(layers, last, scores.detach(), _pull(scores, codes, ending, loss))


def _scores(outputs: Tensor, ends: list[Call], ending: Ending) -> Tensor:
    """Return the output of the last layer where the network ends in it, else what its own end says."""
    if len(ends) == 1 and ends[0].given.shape == outputs.shape and not ending.is_single:
        given = ends[0].given
        if torch.allclose(ending.of_scores(given), outputs, rtol=1e-4, atol=1e-6):
            return given
    return ending.scores(outputs)


def _pull(scores: Tensor, codes: Tensor, ending: Ending, loss: RowLoss) -> Tensor:
    """Return minus the slope of the loss of every row in its scores."""
    pull = torch.zeros_like(scores)
    known = codes >= 0
    if not bool(known.any()):
        return pull.detach()
    leaf = scores[known].detach().requires_grad_(True)
    with torch.enable_grad():
        outputs = ending.of_scores(leaf)
        if loss.plain is not None:
            total = loss.plain(outputs, codes[known]).sum()
        else:
            total = loss.whole(outputs, codes[known]) * len(leaf)
        (slope,) = torch.autograd.grad(total, leaf)
    pull[known] = -slope
    return pull.detach()


def _hidden(calls: list[Call], ends: list[Call]) -> list[Call]:
    """Return the last call of every part with parameters before the end."""
    own = list({call.name: call for call in calls if call.has_parameters and call not in ends}.values())
    # What a norm reads as it is has its units twice.
    return [call for call in own if not any(_has_same_units(other, call) for other in own)]


def _has_same_units(reader: Call, call: Call) -> bool:
    is_alike = reader.given.shape == call.given.shape and units_axis(reader) == units_axis(call)
    return is_alike and reader.reads_as_given(call)


def _outputs(call: Call, axis: int, seen: LayerCalls) -> Tensor:
    """Return what the units of a call give on."""
    n_units = call.given.shape[axis]
    given = call.passed
    for other in seen.calls:
        same_rank = other.given.ndim == call.given.ndim
        if not other.has_parameters and other.read is given and same_rank and other.given.shape[axis] == n_units:
            given = other.given
    if given is not call.passed:
        return given
    for other in seen.calls:
        is_reader = other.has_parameters and other is not call and other.read is not call.passed
        if is_reader and other.read is not None and seen.sources(other.read) == [call]:
            return _in_units(other.read, call.given, axis)
    # An activation in place has overwritten what was passed on, which is what the next part reads.
    return call.passed


def _in_units(read: Tensor, given: Tensor, axis: int) -> Tensor:
    """Return what a part reads with its units on ``axis``, or the values before it where that cannot be told."""
    if read.ndim == given.ndim and read.shape[axis] == given.shape[axis]:
        return read
    if axis == 1 and read.ndim == 2 and read.shape[1] % given.shape[1] == 0:
        # flattened maps: channels come first
        return read.reshape(*given.shape[:2], -1)
    return given


def _over_places(values: Tensor, axis: int, reduce: Any = torch.mean) -> Tensor:
    """Return (n, units): all other axes but the rows are reduced."""
    others = [at for at in range(1, values.ndim) if at != axis]
    if axis == 1 and values.ndim > 2:
        others = list(range(2, values.ndim))
    result: Tensor = reduce(values, dim=others) if others else values
    return result


def _batches(n_rows: int, size: int) -> Iterator[slice]:
    for start in range(0, n_rows, size):
        yield slice(start, start + size)


def _joined(parts: list[Tensor]) -> Floats:
    return np.asarray(torch.cat([part.detach() for part in parts]).double().cpu().numpy())
