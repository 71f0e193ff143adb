"""A network whose last linear layer is replaced by cosines with class vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn

from marginscope.exceptions import ModelError
from marginscope.torch.fresh_networks import fresh_network
from marginscope.torch.heads import CosineHead

__all__ = ["COSINE_SCALE", "CosineNetwork"]

# of Wang et al. (2018) and of the code of LDAM
COSINE_SCALE = 30.0


@dataclass
class CosineNetwork:
    """Makes fresh networks that end in a ``CosineHead``; what is called as ``network(n_features, n_classes)``.

    Parameters
    ----------
    network : torch.nn.Module, callable or None
        As in ``NetworkClassifier``; its last ``nn.Linear`` with one output a class goes.
    """

    network: Any = None

    def __call__(self, n_features: Any, n_classes: int) -> nn.Module:
        """Return a network with initial weights.

        Raises
        ------
        ModelError
            If it has no linear layer with one output a class.
        """
        shape = n_features if isinstance(n_features, tuple) else (n_features,)
        made = fresh_network(self.network, shape, n_classes)
        found = [
            (parent, name, child)
            for parent in made.modules()
            for name, child in parent.named_children()
            if type(child) is nn.Linear and child.out_features == n_classes
        ]
        if not found:
            raise ModelError(
                f"a network that ends in a nn.Linear with {n_classes} outputs is needed for cosines, but "
                f"{type(made).__name__} has none; end it so, or use a loss for scores without a bound"
            )
        parent, name, last = found[-1]
        weight = last.weight
        head = CosineHead(last.in_features, n_classes, scale=COSINE_SCALE, device=weight.device, dtype=weight.dtype)
        setattr(parent, name, head)
        return made
