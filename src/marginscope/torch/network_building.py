"""From what a user gave as network to the module that is trained."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from marginscope.exceptions import ModelError
from marginscope.torch.copies import BranchPerClass, SummedCopies
from marginscope.torch.endings import Ending, ending_of
from marginscope.torch.fresh_networks import fresh_network
from marginscope.torch.network_inputs import NetworkInputs, try_types

__all__ = ["Built", "build_network", "checked_ending"]


class Built(NamedTuple):
    """A fresh network, how it ends, the type of its inputs, and outputs of it on two rows."""

    network: nn.Module
    ending: Ending
    dtype: torch.dtype
    example: Tensor


def build_network(
    network: Any, rows: NetworkInputs, n_classes: int, *, copies: int, branches: bool, device: torch.device
) -> Built:
    """Return a network with initial weights; all draws come from torch's global generator.

    Raises
    ------
    ModelError
        If it cannot be copied, does not take the rows, or has fewer outputs than classes.
    """

    def one() -> nn.Module:
        return fresh_network(network, rows.shape[1:], n_classes).to(device)

    def several(ending: Ending) -> nn.Module:
        """Return ``copies`` of the network as one."""
        made = [first.pop() if first else one() for _ in range(copies)]
        return made[0] if copies == 1 else SummedCopies(made, ending)

    first = [one()]
    dtype, returned = try_types(first[0], rows, device)
    ending = checked_ending(first[0], returned, n_classes)
    if copies == 1 and not branches:
        return Built(first[0], ending, dtype, ending.outputs(returned).detach())
    built: nn.Module = several(ending)
    if branches:
        # A sum of copies has one column a class whatever each copy has, and the ending of a softmax or of scores.
        inner = ending if copies == 1 else _ending(built, rows, dtype, n_classes, device)[0]
        built = BranchPerClass([built, *(several(ending) for _ in range(n_classes - 1))], inner)
    ending, returned = _ending(built, rows, dtype, n_classes, device)
    return Built(built, ending, dtype, ending.outputs(returned).detach())


def _ending(
    network: nn.Module, rows: NetworkInputs, dtype: torch.dtype, n_classes: int, device: torch.device
) -> tuple[Ending, Tensor]:
    # Lazy layers of every copy take their shapes here.
    two = NetworkInputs(rows.values[:2], rows.is_whole).tensor(dtype, device)
    network.eval()
    with torch.enable_grad():
        returned = network(two.clone())
    return checked_ending(network, returned, n_classes), returned


def checked_ending(network: nn.Module, returned: Tensor, n_classes: int) -> Ending:
    """Return how a network ends.

    Raises
    ------
    ModelError
        If there are fewer columns than classes.
    """
    ending = ending_of(returned, n_classes)
    width = ending.outputs(returned).shape[1:]
    if width.numel() < n_classes or len(width) != 1:
        raise ModelError(
            f"a network with {n_classes} outputs, one a class, is needed, but {type(network).__name__} returned the "
            f"shape {tuple(returned.shape)} for {len(returned)} rows; give its last layer {n_classes} outputs"
        )
    return ending
