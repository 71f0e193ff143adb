"""Copies of a network side by side: a wider network, and a network a class.

Both need no rule for any layer, because they are made outside the network. The sum of m
copies is one network whose every hidden layer is m times as wide, its weights between
copies fixed at zero, and whose last layer reads all of them. A copy a class, of which
class k uses output k alone, shares nothing between classes but the loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from marginscope.torch.endings import Ending

__all__ = ["BranchPerClass", "SummedCopies"]


class SummedCopies(nn.Module):
    """Copies whose scores are added: one network, as many times wider.

        v(x) = sum_m v^(m)(x)

    Parameters
    ----------
    copies : sequence of Module
        Of one form, initialised apart.
    ending : Ending
        Of each copy. A softmax or sigmoid comes once, after the sum.
    """

    def __init__(self, copies: Sequence[nn.Module], ending: Ending) -> None:
        super().__init__()
        self.copies = nn.ModuleList(copies)
        self.ending = ending

    def forward(self, *inputs: Any) -> Tensor:
        """Return outputs of the ending's kind, one column a class."""
        scores = [self.ending.scores(self.ending.outputs(one(*inputs))) for one in self.copies]
        return self.ending.of_scores(torch.stack(scores).sum(dim=0))


class BranchPerClass(nn.Module):
    """A whole network for every class, trained under one loss.

        v_k(x) = v_k^(k)(x),    k = 1, ..., K

    Parameters
    ----------
    copies : sequence of Module
        One a class, of one form, initialised apart; each has one output a class.
    ending : Ending
        Of each copy. A softmax or sigmoid comes once, after the choice of the scores.
    """

    def __init__(self, copies: Sequence[nn.Module], ending: Ending) -> None:
        super().__init__()
        self.copies = nn.ModuleList(copies)
        self.ending = ending

    def forward(self, *inputs: Any) -> Tensor:
        """Return outputs of the ending's kind, one column a class."""
        own = [self.ending.scores(self.ending.outputs(one(*inputs)))[:, k] for k, one in enumerate(self.copies)]
        return self.ending.of_scores(torch.stack(own, dim=1))
