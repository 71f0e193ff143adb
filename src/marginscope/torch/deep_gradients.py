"""Gradients of all layers, class by class, through torch.func on a subsample of the probe."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call, vjp, vmap

from marginscope.geometry.class_gradients import ClassGradients, class_gradients_from_products, unknown_class_gradients
from marginscope.torch.endings import Ending
from marginscope.torch.loss_slopes import LossSlopes
from marginscope.torch.quiet_look import scores_of
from marginscope.torch.watched_rows import Probe

__all__ = ["class_gradients_of", "read_deep"]

Floats = NDArray[np.float64]

_ROWS_A_CLASS = 16
_MOST_NUMBERS = 250_000_000


def read_deep(
    net: nn.Module,
    probe: Probe,
    loss: LossSlopes,
    shares: Floats,
    ending: Ending,
    without: nn.Module | None,
    *,
    is_finite: bool = True,
) -> ClassGradients | None:
    """Read the gradients of all trained parameters but those of the module ``without``.

    ``None`` where there are none, or so many that the gradients of all classes would not fit;
    NaN of a net whose scores or parameters are not finite.
    """
    last = set() if without is None else {id(one) for one in without.parameters()}
    trained = {name: one for name, one in net.named_parameters() if one.requires_grad and id(one) not in last}
    if not trained or shares.size * sum(one.numel() for one in trained.values()) > _MOST_NUMBERS:
        return None
    if not is_finite:
        return unknown_class_gradients(shares.size)
    chosen = probe.few(_ROWS_A_CLASS)
    by_class = class_gradients_of(trained, net, chosen, loss, ending, shares.size)
    rows = [one.reshape(shares.size, -1).double().cpu() for one in by_class.values()]
    products = sum(one @ one.T for one in rows).numpy()  # type: ignore[union-attr]
    codes = chosen.codes.reshape(-1)
    seen = np.bincount(codes[codes >= 0].cpu().numpy(), minlength=shares.size)[: shares.size] > 0
    return class_gradients_from_products(products, shares, seen)


def class_gradients_of(
    trained: Mapping[str, Tensor], net: nn.Module, probe: Probe, loss: LossSlopes, ending: Ending, n_classes: int
) -> dict[str, Tensor]:
    """Return the gradient of the mean loss of every class, by parameter, classes along the first axis."""
    trained = {name: one.detach() for name, one in trained.items()}
    codes = probe.codes.reshape(-1)

    def scores(parameters: Mapping[str, Tensor]) -> Tensor:
        return scores_of(functional_call(net, dict(parameters), probe.inputs))[0]

    try:
        found: Any = vjp(scores, trained)
        answer, pull_back = found
        with warnings.catch_warnings():
            # Slower than it could be, with an answer all the same.
            warnings.filterwarnings("ignore", message="There is a performance drop")
            (by_class,) = vmap(pull_back)(_cotangents(answer.detach(), codes, loss, ending, n_classes))
    except RuntimeError:
        # The net does what torch.func has no rule for, such as counting its calls in a buffer.
        by_class = _one_by_one(trained, scores, codes, loss, ending, n_classes)
    return {name: one.detach() for name, one in by_class.items()}


def _cotangents(answer: Tensor, codes: Tensor, loss: LossSlopes, ending: Ending, n_classes: int) -> Tensor:
    """One cotangent a class: the slopes of its rows over their number, all other rows zero."""
    known = (codes >= 0) & (codes < n_classes)
    kept = codes.clamp(0, n_classes - 1)
    _, slopes = loss(answer.float(), kept, ending)
    member = torch.nn.functional.one_hot(kept, n_classes).to(answer.dtype) * known[:, None]
    means = member / member.sum(0).clamp(min=1.0)
    return means.T[:, :, None] * slopes.to(answer.dtype)


def _one_by_one(
    trained: Mapping[str, Tensor],
    scores: Callable[[Mapping[str, Tensor]], Tensor],
    codes: Tensor,
    loss: LossSlopes,
    ending: Ending,
    n_classes: int,
) -> dict[str, Tensor]:
    leaves = {name: one.clone().requires_grad_() for name, one in trained.items()}
    with torch.enable_grad():
        answer = scores(leaves)
    rows = []
    for one in _cotangents(answer.detach(), codes, loss, ending, n_classes):
        slopes = torch.autograd.grad(answer, list(leaves.values()), one, retain_graph=True, allow_unused=True)
        rows.append([torch.zeros_like(p) if g is None else g for p, g in zip(leaves.values(), slopes, strict=True)])
    return {name: torch.stack([row[i] for row in rows]) for i, name in enumerate(leaves)}
