"""Loss of every row, and its slope in the scores of the row, under any training loss."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from marginscope.torch.endings import Ending
from marginscope.torch.row_losses import RowLoss, row_loss

__all__ = ["LossSlopes", "name_of_loss"]


def name_of_loss(loss: Any) -> str:
    """Return the name of a training loss, as a sentence has it."""
    return loss if isinstance(loss, str) else str(getattr(loss, "name", getattr(loss, "__name__", type(loss).__name__)))


class LossSlopes:
    """A training loss by ``row_loss``, differentiated row by row.

    Of a loss that gives one number a batch, every row gets the number of the rows of its class.
    """

    def __init__(self, loss: Any) -> None:
        self._given = loss
        self._loss: RowLoss | None = None

    def __call__(self, scores: Tensor, codes: Tensor, ending: Ending) -> tuple[Tensor, Tensor]:
        """Return losses (n,) and their derivatives (n, K) with respect to the scores (n, K)."""
        if isinstance(self._given, str) and self._given == "cross_entropy" and ending.kind == "scores":
            return _cross_entropy(scores, codes)
        if self._loss is None:
            # two rows or more: what a loss returns for one row tells nothing
            example = ending.of_scores(scores.detach()[:2].expand(2, -1) if len(scores) < 2 else scores.detach()[:3])
            self._loss = row_loss(self._given, example)
        by_row = self._loss.by_row
        if by_row is None:
            return self._class_by_class(self._loss, scores, codes, ending)
        with torch.enable_grad():
            leaf = scores.detach().clone().requires_grad_()
            values = by_row(ending.of_scores(leaf), codes)
            (slopes,) = torch.autograd.grad(values.sum(), leaf)
        return values.detach(), slopes

    def _class_by_class(
        self, loss: RowLoss, scores: Tensor, codes: Tensor, ending: Ending
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        losses, slopes = torch.zeros_like(scores[:, 0]), torch.zeros_like(scores)
        for k in torch.unique(codes).tolist():
            rows = torch.nonzero(codes == k)[:, 0]
            with torch.enable_grad():
                leaf = scores.detach()[rows].requires_grad_()
                value = loss.whole(ending.of_scores(leaf), codes[rows])
                (slope,) = torch.autograd.grad(value, leaf)
            losses[rows] = value.detach()
            # The batch of a class is averaged; a row's own part is that many times larger.
            slopes[rows] = slope * rows.numel()
        return losses, slopes


def _cross_entropy(scores: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
    log_p = torch.log_softmax(scores, dim=1)
    slopes = log_p.exp()
    slopes[torch.arange(codes.numel(), device=codes.device), codes] -= 1.0
    return -log_p.gather(1, codes[:, None])[:, 0], slopes
