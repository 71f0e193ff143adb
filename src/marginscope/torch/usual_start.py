"""First values of a network as its kinds of layers usually draw them, whatever the network does to them."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from marginscope.torch.fresh_networks import default_network

__all__ = ["UsualStart", "draw_as_usual"]


@torch.no_grad()
def draw_as_usual(network: nn.Module) -> None:
    """Draw the parameters of every layer anew, in place, by the method that torch gives its kind.

    A class that extends a layer of ``torch.nn`` counts as that layer. Frozen parameters and
    layers that torch has no rule for keep their values.
    """
    for part in network.modules():
        kind = next((one for one in type(part).__mro__ if one.__module__.startswith("torch.nn.")), nn.Module)
        reset = getattr(kind, "reset_parameters", getattr(kind, "_reset_parameters", None))
        own = list(part.parameters(recurse=False))
        if reset is None or not own or any(is_lazy(p) for p in own):
            continue
        before = [p.detach().clone() for p in own]
        reset(part)
        for p, value in zip(own, before, strict=True):
            if not p.requires_grad:
                p.copy_(value)


class UsualStart:
    """Make a network as before, then draw its first values as usual.

    Parameters
    ----------
    network : Module, callable or None
        As ``NetworkClassifier`` takes it; a module is copied.
    """

    def __init__(self, network: Any) -> None:
        self.network = network

    def __call__(self, n_features: Any, n_classes: int) -> Any:
        """Return the new network; ``n_features`` is the shape of a row where it has several axes."""
        if self.network is None:
            made: Any = default_network(n_features if isinstance(n_features, tuple) else (n_features,), n_classes)
        elif isinstance(self.network, nn.Module):
            made = copy.deepcopy(self.network)
        else:
            made = self.network(n_features, n_classes)
        if isinstance(made, nn.Module):
            draw_as_usual(made)
        return made
