"""One look of a watch: what a net makes of its classes at one step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from marginscope.diagnosis.live_units import live_shares_of
from marginscope.exceptions import DataError, MarginscopeError, ModelError
from marginscope.geometry.class_gradients import ClassGradients
from marginscope.torch.class_meter import ClassReadings, read_classes, readable_rows
from marginscope.torch.deep_gradients import read_deep
from marginscope.torch.endings import Ending
from marginscope.torch.last_layer_input import LastLayerInput
from marginscope.torch.loss_slopes import LossSlopes
from marginscope.torch.network_part import network_part
from marginscope.torch.quiet_look import own_module, quiet_look, scores_of
from marginscope.torch.watched_rows import Probe

__all__ = ["WatchRecord", "has_finite_parameters", "look", "must_take", "read_batch"]

Floats = NDArray[np.float64]
# Rows on which the way to the scores is differentiated: that costs as much as a step of as many rows.
_ROWS_DIFFERENTIATED = 128


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
        Gradients of all trained parameters but those of the last layer.
    units : dict or None
        Share of the units of every hidden layer, by its name, that let a gradient through on
        the rows of each class; empty where they cannot be seen, ``None`` where not looked at.
    is_finite : bool
        Whether the scores of every row, their losses and all parameters were finite. If not, neither
        gradients nor units are looked at.
    """

    step: int
    seconds: float
    rows: NDArray[np.int64]
    shares: Floats
    classes: ClassReadings
    reach: Floats
    has_last_layer: bool
    deep: ClassGradients | None = None
    units: dict[str, Floats] | None = None
    is_finite: bool = True


def has_finite_parameters(net: nn.Module) -> bool:
    """Return whether all parameters of a net are finite."""
    found = [torch.isfinite(one.detach()).all() for one in net.parameters() if one.is_floating_point()]
    return bool(torch.stack([one.cpu() for one in found]).all()) if found else True


def must_take(net: nn.Module, probe: Probe) -> None:
    """Raise ``DataError`` if a net cannot be called on the rows of a probe."""
    module = own_module(net)
    probe = probe.on(module)
    try:
        with quiet_look(module), torch.no_grad():
            module(*probe.inputs)
    except Exception as error:
        came = " and ".join(f"rows of shape {tuple(one.shape[1:])}, {one.dtype}" for one in probe.inputs)
        raise DataError(
            f"X must be what the net takes, but on {came}, {type(module).__name__} raised {type(error).__name__}: "
            f"{' '.join(str(error).split()):.200}; pass X as the loop passes it to the net, a tuple for several inputs"
        ) from error


def look(
    net: nn.Module, probe: Probe, loss: LossSlopes, *, deep: bool, units: bool, step: int, seconds: float
) -> WatchRecord:
    """Look at a net on the rows of a probe, leaving no trace."""
    module = own_module(net)
    probe = probe.on(module)
    last = LastLayerInput(module)
    with quiet_look(module):
        few = probe.few(max(4, _ROWS_DIFFERENTIATED // max(1, int(np.count_nonzero(probe.counts)))))
        reach, ending = _reach(module, few)
        last.listen()
        try:
            with torch.no_grad():
                scores = scores_of(module(*probe.inputs), ending)[0]
            features = last.features_of(scores)
        finally:
            last.stop()
        codes = probe.codes.reshape(-1)
        if scores.shape[0] != codes.numel():
            raise ModelError(
                f"scores of shape (n, n_classes) are needed, but the net gave {scores.shape[0]} rows of them for "
                f"{codes.numel()} labels; return one score a class for every label"
            )
        known = (codes >= 0) & (codes < scores.shape[1])
        features = None if features is None else features[known]
        record = read_batch(
            scores[known], codes[known], ending, features, loss, probe.counts, step=step, seconds=seconds
        )  # fmt: skip
        is_finite = record.is_finite and has_finite_parameters(module)
        readings = None
        if deep:
            readings = read_deep(module, probe, loss, record.shares, ending, last.module, is_finite=is_finite)
    live = None
    if units:
        # A class may be masked by a score of minus infinity, from which no units can be read.
        can_see = is_finite and bool(torch.isfinite(scores).all())
        live = _live_units(module, few, record.rows.size) if can_see else {}
    by_class = record.reach if reach is None else reach
    return replace(record, reach=by_class, deep=readings, units=live, is_finite=is_finite)


def _live_units(module: nn.Module, few: Probe, n_classes: int) -> dict[str, Floats]:
    """Return the shares of live units by layer, empty where the inside cannot be seen."""
    if len(few.inputs) > 1 or few.codes.ndim > 1:
        return {}
    codes = few.codes.cpu().numpy()
    try:
        part = network_part(module, few.inputs[0], codes, np.arange(n_classes))
    except MarginscopeError:
        return {}
    return live_shares_of(part, codes, n_classes)


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
    """Read the classes from scores that are there already.

    The loss is not asked for rows whose scores are not finite: it may raise there.
    """
    scores = scores.detach().float()
    losses, slopes = torch.full_like(scores[:, 0], torch.nan), torch.full_like(scores, torch.nan)
    known = readable_rows(scores)
    if bool(known.any()):
        losses[known], slopes[known] = loss(scores[known], codes[known], ending)
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
        is_finite=bool(torch.isfinite(losses).all()),
    )


def _reach(module: nn.Module, few: Probe) -> tuple[Floats | None, Ending]:
    """Length of the derivative of a row's own score, by class, ``None`` without one; and how the net ends."""
    inputs = [one.detach() for one in few.inputs]
    can_reach = inputs[0].is_floating_point() and few.codes.ndim == 1
    if can_reach:
        inputs[0] = inputs[0].clone().requires_grad_()
    # With gradients, also where none is read: the end of the net is told from their graph.
    with torch.enable_grad():
        scores, ending = scores_of(module(*inputs))
        if not can_reach or not scores.requires_grad or scores.shape[0] != few.codes.numel():
            return None, ending
        codes = few.codes.clamp(0, scores.shape[1] - 1)
        own = scores.gather(1, codes[:, None]).sum()
        slope: Tensor | None = torch.autograd.grad(own, inputs[0], allow_unused=True)[0]
    if slope is None:
        return np.zeros(scores.shape[1]), ending
    return _class_means(torch.linalg.vector_norm(slope.flatten(1), dim=1), codes, scores.shape[1]), ending


def _class_means(values: Tensor, codes: Tensor, n_classes: int) -> Floats:
    numbers, rows = values.detach().cpu().numpy().astype(float), codes.cpu().numpy()
    total = np.bincount(rows, weights=numbers, minlength=n_classes)
    size = np.bincount(rows, minlength=n_classes)
    means: Any = np.where(size > 0, total / np.maximum(size, 1), np.nan)
    return np.asarray(means)
