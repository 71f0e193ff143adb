"""The last linear layer of a network, found by what it computes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from marginscope.torch.layer_calls import Call

__all__ = ["LastLayer", "last_layer"]

Floats = NDArray[np.float64]
_TOLERANCE = 1e-3


@dataclass(frozen=True)
class LastLayer:
    """What the parts at the end read, and how the scores are made of it, on some rows.

    Attributes
    ----------
    features : Tensor of shape (n_samples, n_hidden), or None
        ``None`` where it cannot be seen.
    coef : Tensor of shape (n_classes, n_hidden), or None
        ``None`` if the scores are no linear function of the features that the weights tell.
    name : str
        Of the part, empty if there are several or none.
    """

    features: Tensor | None
    coef: Tensor | None
    name: str = ""

    @classmethod
    def of(cls, ends: list[Call], scores: Tensor) -> LastLayer:
        """Read the calls that the scores are made of; the graph between them must still be there."""
        read = [_two_axes(call) for call in ends]
        features = [one for one in read if one is not None]
        if not ends or len(features) < len(ends):
            return cls(None, None)
        joined = torch.cat(features, dim=1).detach()
        name = ends[0].name if len(ends) == 1 else ""
        weights = [_matrix(call, one.shape[1]) for call, one in zip(ends, features, strict=True)]
        blocks = [None if w is None else _mixing(scores, call) @ w for call, w in zip(ends, weights, strict=True)]
        if any(block is None for block in blocks):
            return cls(joined, None, name)
        return cls(joined, torch.cat([one for one in blocks if one is not None], dim=1).detach(), name)


def last_layer(seen: list[LastLayer], scores: Floats) -> tuple[Floats, Floats, Floats]:
    """Return features, coefficients and intercepts for all rows.

    Coefficients that do not give the scores back are fitted by least squares; without
    features the scores are the features.
    """
    n_classes = scores.shape[1]
    features = [one.features for one in seen]
    if any(one is None for one in features):
        return scores, np.eye(n_classes), np.zeros(n_classes)
    read = np.concatenate([one.double().cpu().numpy() for one in features if one is not None])
    found = seen[0].coef
    if found is not None:
        coef = found.double().cpu().numpy()
        rest = scores - read @ coef.T
        intercept = rest.mean(axis=0)
        size = max(float(np.abs(scores).max(initial=0.0)), 1.0)
        if np.abs(rest - intercept).max(initial=0.0) <= _TOLERANCE * size:
            return read, coef, intercept
    design = np.column_stack([read, np.ones(len(read))])
    fitted = np.linalg.lstsq(design, scores, rcond=None)[0]
    return read, fitted[:-1].T, fitted[-1]


def _two_axes(call: Call) -> Tensor | None:
    """Return what a part reads as (n, numbers); places of a map or a sequence are averaged."""
    read = call.read
    if read is None or not read.is_floating_point() or read.ndim < 2:
        return None
    if read.ndim == 2:
        return read
    weight = getattr(call.module, "weight", None)
    if isinstance(weight, Tensor) and weight.ndim == 2:
        return read.flatten(1, -2).mean(dim=1)
    return read.flatten(2).mean(dim=2)


def _matrix(call: Call, n_features: int) -> Tensor | None:
    weight = getattr(call.module, "weight", None)
    if not isinstance(weight, Tensor) or weight.ndim < 2 or weight.numel() != weight.shape[0] * n_features:
        return None
    return weight.detach().reshape(weight.shape[0], n_features)


def _mixing(scores: Tensor, call: Call) -> Tensor:
    """Return the derivative (n_classes, units) of the scores of the first row in what the call gave."""
    if call.given is scores:
        return torch.eye(scores.shape[1], dtype=scores.dtype, device=scores.device)
    rows = [torch.autograd.grad(one, call.given, retain_graph=True, allow_unused=True)[0] for one in scores[0]]
    blank = torch.zeros_like(call.given)
    slopes = torch.stack([(blank if row is None else row)[0] for row in rows])
    return slopes.flatten(2).sum(dim=2) if slopes.ndim > 2 else slopes
