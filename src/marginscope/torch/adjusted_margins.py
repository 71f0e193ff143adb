"""Relative margins of torch scores under class vectors: of the true class, or of every class.

The classes are the last axis here. No matrix of pairs is formed for a true class; for a
distribution over classes every class is the true one once.
"""

from __future__ import annotations

import torch
from torch import Tensor

from marginscope.exceptions import DataError
from marginscope.torch.class_vectors import ClassVectors

__all__ = ["adjusted_log_sums", "adjusted_margins", "every_adjusted_margin", "of_target"]


def adjusted_margins(scores: Tensor, target: Tensor, vectors: ClassVectors) -> Tensor:
    """Return u of shape (..., n_classes - 1) in label-code order, for targets of the leading shape."""
    moved = _moved(scores, vectors)
    slot_of_own = target.unsqueeze(-1)
    own = of_target(moved, target).unsqueeze(-1)
    # one split has one gradient, two slices would add two of full size
    others, last = torch.split(moved, [moved.shape[-1] - 1, 1], dim=-1)
    slots = torch.arange(others.shape[-1], device=moved.device)
    margins = own - torch.where(slots == slot_of_own, last, others)
    if vectors.own_shifts is not None:
        margins = margins - of_target(vectors.own_shifts, target).unsqueeze(-1)
    if vectors.class_margins is not None:
        margins = margins / of_target(vectors.class_margins, target).unsqueeze(-1)
    return _finite_above(margins)


def every_adjusted_margin(scores: Tensor, vectors: ClassVectors) -> Tensor:
    """Return u of every class as the true one, of shape (..., n_classes, n_classes - 1)."""
    moved = _moved(scores, vectors)
    n_classes = moved.shape[-1]
    slots = torch.arange(n_classes - 1, device=moved.device)
    own = torch.arange(n_classes, device=moved.device).unsqueeze(-1)
    # the slot of the class itself holds the last class
    rivals = torch.where(slots == own, n_classes - 1, slots)
    margins = moved.unsqueeze(-1) - moved[..., rivals]
    if vectors.own_shifts is not None:
        margins = margins - vectors.own_shifts.unsqueeze(-1)
    if vectors.class_margins is not None:
        margins = margins / vectors.class_margins.unsqueeze(-1)
    return _finite_above(margins)


def adjusted_log_sums(scores: Tensor, vectors: ClassVectors) -> Tensor:
    """Return log sum_j exp(-u_j) of every class as the true one, of the shape of the scores.

    Without class margins, and without a matrix of pairs: the sum over the rivals is that
    over all classes times 1 - p_k, which cancels for a class with p_k > 1/2. There is one
    such class at most, and its rivals are summed by themselves.
    """
    moved = _moved(scores, vectors)
    first = torch.zeros_like(moved, dtype=torch.bool).scatter(-1, moved.argmax(-1, keepdim=True), True)
    rest = moved.masked_fill(first, -torch.inf).logsumexp(-1, keepdim=True)
    share = moved.softmax(-1).masked_fill(first, 0.0)
    log_sums = torch.where(first, rest, moved.logsumexp(-1, keepdim=True) + torch.log1p(-share)) - moved
    return log_sums if vectors.own_shifts is None else log_sums + vectors.own_shifts


def of_target(classes: Tensor, target: Tensor) -> Tensor:
    """Return the entry of the target, from (..., n_classes) or from one number for each class."""
    index = target.unsqueeze(-1)
    # an expanded vector takes no memory, and gathering is what vmap knows
    each = classes.expand(*target.shape, classes.shape[-1])
    if torch.compiler.is_compiling():
        return each.gather(-1, index).squeeze(-1)
    try:
        return each.gather(-1, index).squeeze(-1)
    except (IndexError, RuntimeError) as error:
        # an accelerator reports this later, in words of its own
        if "out of bounds" not in str(error):
            raise
        raise DataError(
            f"class numbers from 0 to {classes.shape[-1] - 1} are needed as target, but {error}; "
            "encode the labels as positions in the scores, or name the value to skip as ignore_index"
        ) from error


def _finite_above(margins: Tensor) -> Tensor:
    """Return margins that a rival masked by a score of minus infinity cannot turn into 0 times infinity."""
    return margins.clamp(max=torch.finfo(margins.dtype).max ** 0.5)


def _moved(scores: Tensor, vectors: ClassVectors) -> Tensor:
    """Return D_k v_k + i_k."""
    moved = scores if vectors.class_scales is None else scores * vectors.class_scales
    return moved if vectors.shifts is None else moved + vectors.shifts
