"""How a network ends: in scores, or in a softmax or sigmoid of them.

Read from the autograd graph of an output, so that a module and a function count alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

__all__ = ["Ending", "ending_of"]

_KINDS = {"SoftmaxBackward": "softmax", "LogSoftmaxBackward": "log_softmax", "SigmoidBackward": "sigmoid"}
# steps that only change the shape
_SHAPES = ("View", "Squeeze", "Unsqueeze", "Select", "Clone", "Alias", "ReshapeAlias", "UnsafeView", "ToCopy", "Slice")


@dataclass(frozen=True)
class Ending:
    """The way from the scores of a network to what it returns.

    Attributes
    ----------
    kind : str
        ``"scores"``, ``"softmax"``, ``"log_softmax"`` or ``"sigmoid"``.
    is_single : bool
        Whether two classes share one output s: their scores are -s/2 and s/2.
    n_kept : int or None
        Where there are more columns than classes, how many count: the network is one with
        the first of its columns only.
    """

    kind: str = "scores"
    is_single: bool = False
    n_kept: int | None = None

    def outputs(self, returned: Tensor) -> Tensor:
        """Return what the loss reads, one column a class, of what the network returned."""
        if self.n_kept is not None:
            kept = returned[:, : self.n_kept]
            if self.kind == "softmax":
                return kept / kept.sum(dim=1, keepdim=True).clamp_min(torch.finfo(kept.dtype).tiny)
            return kept.log_softmax(dim=1) if self.kind == "log_softmax" else kept
        if not self.is_single:
            return returned
        one = returned.reshape(len(returned))
        return torch.stack([1.0 - one, one] if self.kind == "sigmoid" else [-one / 2.0, one / 2.0], dim=1)

    def scores(self, outputs: Tensor) -> Tensor:
        """Return what went into the softmax or sigmoid; after a softmax they sum to zero in every row."""
        tiny = torch.finfo(outputs.dtype).tiny
        if self._last in ("softmax", "log_softmax"):
            logs = outputs.clamp_min(tiny).log() if self._last == "softmax" else outputs
            return logs - logs.mean(dim=1, keepdim=True)
        if self._last == "sigmoid":
            return torch.logit(outputs, eps=torch.finfo(outputs.dtype).eps)
        return outputs

    def of_scores(self, scores: Tensor) -> Tensor:
        """Return the outputs that these scores end in."""
        if self._last == "softmax":
            return scores.softmax(dim=1)
        if self._last == "log_softmax":
            return scores.log_softmax(dim=1)
        return scores.sigmoid() if self._last == "sigmoid" else scores

    def probabilities(self, outputs: Tensor) -> Tensor:
        """Return probabilities in double precision; single sigmoids are divided by their sum."""
        exact = outputs.double()
        if self._last in ("scores", "log_softmax"):
            return exact.softmax(dim=1)
        return exact / exact.sum(dim=1, keepdim=True).clamp_min(torch.finfo(exact.dtype).tiny)

    @property
    def _last(self) -> str:
        # 1 - p and p are the softmax of -s/2 and s/2
        return "softmax" if self.is_single and self.kind == "sigmoid" else self.kind


def ending_of(returned: Tensor, n_classes: int) -> Ending:
    """Return the ending of a network from an output that knows its gradient."""
    is_single = n_classes == 2 and (returned.ndim == 1 or returned.shape[1:] == (1,))
    node: Any = returned.grad_fn
    while node is not None and node.name().startswith(_SHAPES) and node.next_functions:
        node = node.next_functions[0][0]
    name = "" if node is None else node.name().rstrip("0123456789")
    kind = _KINDS.get(name, "scores")
    is_wider = returned.ndim == 2 and returned.shape[1] > n_classes
    return Ending("scores" if is_single and kind != "sigmoid" else kind, is_single, n_classes if is_wider else None)
