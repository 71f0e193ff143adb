"""What the last linear layer of a net reads, caught by a hook that leaves the call as it is.

``last_layer`` sees more, but clones every output on the way; a training loop that is watched
shall not pay for that, nor get another graph.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["LastLayerInput"]


class LastLayerInput:
    """Finds the last linear layer of a net by what it computes, and keeps what it read.

    A module with a matrix ``weight`` of one row a class is the last layer if the net's
    scores are its input times that matrix, plus its ``bias``. Its own class does not matter.
    ``module`` is the one that was found, if any; once found it is believed.
    """

    def __init__(self, net: nn.Module) -> None:
        self._net = net
        self._handles: list[Any] = []
        self._seen: list[tuple[nn.Module, Tensor]] = []
        self.module: nn.Module | None = None

    def listen(self) -> None:
        """Start to keep what candidates read."""
        for module in self._net.modules():
            weight = getattr(module, "weight", None)
            if isinstance(weight, Tensor) and weight.ndim == 2:
                self._handles.append(module.register_forward_hook(self._keep))

    def stop(self) -> None:
        """Take the hooks away, and forget."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self._seen = []

    def _keep(self, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if inputs and isinstance(inputs[0], Tensor) and inputs[0].ndim >= 2:
            # Only the last call can be the last layer.
            self._seen = [(module, inputs[0])]

    def features_of(self, scores: Tensor) -> Tensor | None:
        """Return what the last layer read, a column of ones for its bias; ``None`` without such a layer."""
        if not self._seen:
            return None
        module, read = self._seen[0]
        self._seen = []
        weight, bias = module.weight, getattr(module, "bias", None)
        read = read.detach().reshape(-1, read.shape[-1])
        if weight.shape != (scores.shape[1], read.shape[1]) or read.shape[0] != scores.shape[0]:
            return None
        if self.module is not module and not _gives(read, weight, bias, scores):
            return None
        self.module = module
        ones = read.new_ones((read.shape[0], 1 if isinstance(bias, Tensor) else 0))
        return torch.cat([read, ones], dim=1)


@torch.no_grad()
def _gives(read: Tensor, weight: Any, bias: Any, scores: Tensor) -> bool:
    """Whether the layer gives these scores, but for what all scores of a row have in common."""
    # A softmax at the end forgets that part.
    gap = (nn.functional.linear(read, weight, bias) - scores.detach()).float()
    gap = gap - gap.mean(dim=1, keepdim=True)
    return bool((gap.abs() <= 1e-4 + 1e-3 * scores.detach().abs().amax()).all())
