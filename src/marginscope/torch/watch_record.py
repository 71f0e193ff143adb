"""One look of a watch: what a net makes of its classes at one step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from marginscope.exceptions import ModelError
from marginscope.geometry.class_gradients import ClassGradients
from marginscope.torch.class_meter import ClassReadings, read_classes
from marginscope.torch.deep_gradients import read_deep
from marginscope.torch.endings import Ending
from marginscope.torch.last_layer_input import LastLayerInput
from marginscope.torch.loss_slopes import LossSlopes
from marginscope.torch.quiet_look import own_module, quiet_look, scores_of
from marginscope.torch.watched_rows import Probe

__all__ = ["WatchRecord", "look", "read_batch"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class WatchRecord:
    """What was read after one step.

    Attributes
    ----------
    step : int
        Steps of the optimizer before it.
    seconds : float
        Time since the start.
    rows : ndarray of shape (n_classes,)
        Rows of every class that were looked at.
    shares : ndarray of shape (n_classes,)
        Shares of the classes in training.
    classes : ClassReadings
    reach : ndarray of shape (n_classes,)
        Mean length of the derivative of a class's own score with respect to its rows; 0 where
        nothing that the score is made of depends on them, NaN where it cannot be had.
    has_last_layer : bool
        Whether the gradients are those of the last layer; else of a bias on the scores.
    deep : ClassGradients or None
        Gradients of all trained parameters.
    """

    step: int
    seconds: float
    rows: NDArray[np.int64]
    shares: Floats
    classes: ClassReadings
    reach: Floats
    has_last_layer: bool
    deep: ClassGradients | None = None


class Answer(NamedTuple):
    """Scores, how the net ends, what its last layer read, the reach of the rows, and that layer."""

    scores: Tensor
    ending: Ending
    features: Tensor | None
    reach: Tensor | None
    last: nn.Module | None


def look(net: nn.Module, probe: Probe, loss: LossSlopes, *, deep: bool, step: int, seconds: float) -> WatchRecord:
    """Look at a net on the rows of a probe, leaving no trace."""
    module = own_module(net)
    probe = probe.on(module)
    with quiet_look(module):
        scores, ending, features, reach, last = _answer(module, probe)
        codes = probe.codes.reshape(-1)
        if scores.shape[0] != codes.numel():
            raise ModelError(
                f"scores of shape (n, n_classes) are needed, but the net gave {scores.shape[0]} rows of them for "
                f"{codes.numel()} labels; return one score a class for every label"
            )
        known = (codes >= 0) & (codes < scores.shape[1])
        scores, codes = scores[known], codes[known]
        features = None if features is None else features[known]
        record = read_batch(scores, codes, ending, features, loss, probe.counts, step=step, seconds=seconds)
        readings = read_deep(module, probe, loss, record.shares, ending, last) if deep else None
    by_class = np.full(scores.shape[1], np.nan)
    if reach is not None:
        by_class = _class_means(reach[known], codes, scores.shape[1])
    return WatchRecord(**{**vars(record), "reach": by_class, "deep": readings})


def read_batch(
    scores: Tensor,
    codes: Tensor,
    ending: Ending,
    features: Tensor | None,
    loss: LossSlopes,
    counts: NDArray[np.int64],
    *,
    step: int,
    seconds: float,
) -> WatchRecord:
    """Read the classes from scores that are there already."""
    scores = scores.detach().float()
    losses, slopes = loss(scores, codes, ending)
    K = scores.shape[1]
    padded = np.zeros(K)
    padded[: min(K, counts.size)] = counts[:K]
    shares = padded / max(1.0, padded.sum())
    read = slopes.new_ones((slopes.shape[0], 1)) if features is None else features.to(slopes.dtype)
    return WatchRecord(
        step=step,
        seconds=seconds,
        rows=np.bincount(codes.cpu().numpy(), minlength=K),
        shares=shares,
        classes=read_classes(scores, codes, losses, slopes, read, shares),
        reach=np.full(K, np.nan),
        has_last_layer=features is not None,
    )


def _answer(module: nn.Module, probe: Probe) -> Answer:
    """Ask the net, and for the length of each row's derivative of its own score."""
    last = LastLayerInput(module)
    can_reach = probe.inputs[0].is_floating_point() and probe.codes.ndim == 1
    inputs = [one.detach() for one in probe.inputs]
    if can_reach:
        inputs[0] = inputs[0].clone().requires_grad_()
    last.listen()
    try:
        # With gradients, also where none is read: the end of the net is told from their graph.
        with torch.enable_grad():
            scores, ending = scores_of(module(*inputs))
            features = last.features_of(scores)
            reach = _reach(scores, probe.codes, inputs[0]) if can_reach else None
    finally:
        last.stop()
    return Answer(scores.detach(), ending, features, reach, last.module)


def _reach(scores: Tensor, codes: Tensor, rows: Tensor) -> Tensor | None:
    if not scores.requires_grad or scores.shape[0] != codes.numel():
        return None
    own = scores.gather(1, codes.clamp(0, scores.shape[1] - 1)[:, None]).sum()
    slope: Tensor | None = torch.autograd.grad(own, rows, allow_unused=True)[0]
    if slope is None:
        return torch.zeros_like(codes, dtype=scores.dtype)
    lengths: Tensor = torch.linalg.vector_norm(slope.flatten(1), dim=1)
    return lengths


def _class_means(values: Tensor, codes: Tensor, n_classes: int) -> Floats:
    numbers, rows = values.detach().cpu().numpy().astype(float), codes.cpu().numpy()
    total = np.bincount(rows, weights=numbers, minlength=n_classes)
    size = np.bincount(rows, minlength=n_classes)
    means: Any = np.where(size > 0, total / np.maximum(size, 1), np.nan)
    return np.asarray(means)
