"""A training loss by name, template, module or function: one number a row, or one a batch."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as torch_losses

from marginscope import losses
from marginscope._validation import look_up
from marginscope.exceptions import ModelError, UsageError
from marginscope.torch.template_loss import template_loss

__all__ = ["RowLoss", "loss_names", "row_loss"]

RowFunction = Callable[[Tensor, Tensor], Tensor]

# losses of torch that compare with one-hot rows, entry by entry
_ENTRYWISE = (nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss, nn.BCELoss, nn.BCEWithLogitsLoss)


@dataclass(frozen=True)
class RowLoss:
    """A loss of the outputs (n, K) of a network and class numbers (n,).

    Attributes
    ----------
    name : str
    whole : callable
        (outputs, codes) to a number, as the user's loss reduces a batch; the mean by default.
    by_row : callable or None
        (outputs, codes) to (n,); ``None`` if the loss has only a value of the batch.
    plain : callable or None
        The same without the class weights that the loss itself has.
    """

    name: str
    whole: RowFunction
    by_row: RowFunction | None = None
    plain: RowFunction | None = None

    def weighted(self, outputs: Tensor, codes: Tensor, weights: Tensor) -> Tensor:
        """Return the mean over the rows of weight times loss.

        Raises
        ------
        UsageError
            If the loss has no value for each row.
        """
        if self.by_row is None:
            raise UsageError(
                "a loss with a value for each row is needed where rows or classes have weights, but "
                f"{self.name} gives one number a batch; return one a row (reduction='none'), or leave the weights out"
            )
        return (self.by_row(outputs, codes) * weights).mean()


def loss_names() -> tuple[str, ...]:
    """Return the names that a loss may have."""
    return (*losses.names(), "mse")


def row_loss(loss: Any, example: Tensor) -> RowLoss:
    """Return what a user gave as loss in one form.

    Parameters
    ----------
    loss : str, Template, Module or callable
        A name of ``marginscope.losses.names()``; ``"mse"``, the mean over the classes of the
        squared difference from a one-hot row; a template; a loss module of torch or of this
        package; or a function of (outputs, class numbers).
    example : Tensor of shape (2 or more, n_outputs)
        Some outputs: a function is called with them once, to see what it returns.

    Raises
    ------
    UsageError
        If it is nothing of that kind.
    ModelError
        If a function returns neither a number nor one a row.
    """
    if isinstance(loss, str):
        look_up("loss", loss, dict.fromkeys(loss_names()))
        if loss == "mse":
            return _averaged("mse", partial(_against_one_hot, nn.MSELoss(reduction="none")))
        if loss == "cross_entropy":
            # torch's own is the same function in one call
            by_row = partial(torch_losses.cross_entropy, reduction="none")
            return RowLoss(loss, torch_losses.cross_entropy, by_row, by_row)
    if isinstance(loss, str | losses.Template):
        return _averaged(losses.get(loss).name, partial(template_loss, losses.get(loss), reduction="none"))
    if isinstance(loss, nn.Module) and hasattr(loss, "reduction"):
        return _of_module(loss)
    if not callable(loss) or isinstance(loss, type):
        raise UsageError(
            f"a name, a loss module or a function (outputs, class numbers) is needed as loss, but got {loss!r:.60}; "
            f"names are {', '.join(loss_names())}"
        )
    return _of_function(loss, example)


def _averaged(name: str, by_row: RowFunction, plain: RowFunction | None = None) -> RowLoss:
    def mean(outputs: Tensor, codes: Tensor) -> Tensor:
        return by_row(outputs, codes).mean()

    return RowLoss(name, mean, by_row, plain or by_row)


def _of_module(loss: Any) -> RowLoss:
    name, rows = type(loss).__name__, copy.deepcopy(loss)
    rows.reduction = "none"
    plain = copy.deepcopy(rows)
    if isinstance(getattr(plain, "weight", None), Tensor):
        plain.weight = None
    if isinstance(loss, _ENTRYWISE):
        return _averaged(name, partial(_against_one_hot, rows), partial(_against_one_hot, plain))
    if loss.reduction == "none":
        return _averaged(name, rows, plain)
    return RowLoss(name, copy.deepcopy(loss), rows, plain)


def _of_function(loss: Callable[..., Any], example: Tensor) -> RowLoss:
    """Find out with a small call whether a function gives one number a row."""
    name = getattr(loss, "__name__", type(loss).__name__)
    codes = torch.arange(len(example), device=example.device) % 2
    with torch.no_grad():
        answer = loss(example.detach(), codes)
    if isinstance(answer, Tensor) and answer.shape == codes.shape:
        return _averaged(name, loss)
    if isinstance(answer, Tensor) and answer.numel() == 1:
        return RowLoss(name, lambda outputs, codes: loss(outputs, codes).sum())
    shape = tuple(answer.shape) if isinstance(answer, Tensor) else type(answer).__name__
    raise ModelError(
        f"one number or one a row is needed from the loss {name}, but got {shape}; return a tensor of shape () or (n,)"
    )


def _against_one_hot(loss: Callable[..., Any], outputs: Tensor, codes: Tensor) -> Tensor:
    one_hot = torch_losses.one_hot(codes, outputs.shape[1]).to(outputs.dtype)
    result: Tensor = loss(outputs, one_hot).mean(dim=1)
    return result
