"""Any template as a torch function of scores and targets: the one way from scores to a loss.

The functions of ``functional`` and the modules differ in what they fill in.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from marginscope import losses
from marginscope._validation import look_up
from marginscope.exceptions import DataError, UsageError
from marginscope.losses import Template
from marginscope.losses.sum_template import SumTemplate
from marginscope.torch.adjusted_margins import (
    adjusted_log_sums,
    adjusted_margins,
    every_adjusted_margin,
    of_target,
)
from marginscope.torch.class_vectors import ClassVectors, PerClass, class_vectors
from marginscope.torch.reductions import REDUCTIONS, Reduction

__all__ = ["IGNORED", "template_loss"]

# torch's own mark of a row to skip
IGNORED = -100


def template_loss(
    loss: str | Template,
    input: Tensor,
    target: Tensor,
    *,
    weight: PerClass = None,
    class_margins: PerClass = None,
    class_scales: PerClass = None,
    shifts: PerClass = None,
    own_shifts: PerClass = None,
    ignore_index: int = IGNORED,
    reduction: Reduction = "mean",
    **parameters: Any,
) -> Tensor:
    """Compute any template, one of your own too, of torch scores and targets.

        u_j = (D_y v_y + i_y - c_y - D_j v_j - i_j) / m_y,    loss = omega_y psi(u)

    Parameters
    ----------
    loss : str or Template
        A name of `marginscope.losses.names`, or a template.
    input, target : Tensor
    weight, class_margins, class_scales, shifts, own_shifts : (n_classes,), optional
    ignore_index, reduction
        See `marginscope.torch.functional.cross_entropy`.
    **parameters
        Of the template, such as ``gamma`` of ``"focal"``.

    Returns
    -------
    Tensor
        A scalar; with ``"none"`` one number for each target.

    Raises
    ------
    DataError
        If shapes, types or class numbers do not fit each other.
    UsageError
        If a name or an option is unknown, or a number of another sign.

    Examples
    --------
    >>> import torch
    >>> scores, target = torch.tensor([[2.0, 0.0, -1.0]]), torch.tensor([1])
    >>> template_loss("smooth_weston_watkins", scores, target, h=2.0)  # (3 - 1) + 0
    tensor(2.)
    """
    template = losses.get(loss, **parameters)
    reduce = look_up("reduction", reduction, REDUCTIONS)
    scores = _scores(input)
    vectors = class_vectors(
        scores,
        weight=weight,
        class_margins=class_margins,
        class_scales=class_scales,
        shifts=shifts,
        own_shifts=own_shifts,
    )
    if not isinstance(target, Tensor):
        raise DataError(
            f"a tensor of class numbers or probabilities is needed as target, but got {type(target).__name__}; "
            "make one with torch.as_tensor"
        )
    if target.is_floating_point():
        return reduce(*_expected(template, scores, _distribution(input, target, ignore_index), vectors))
    return reduce(*_of_true_class(template, scores, _class_numbers(scores, target), vectors, ignore_index))


def _of_true_class(
    template: Template, scores: Tensor, target: Tensor, vectors: ClassVectors, ignore_index: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return weighted loss, weight and whether it counts, of every row."""
    counted = target != ignore_index
    # what an ignored row holds, infinity too, must not reach the gradient
    scores = torch.where(counted.unsqueeze(-1), scores, 0.0)
    target = torch.where(counted, target, 0)
    values = template.value(adjusted_margins(scores, target, vectors), torch)
    if vectors.weight is None:
        return torch.where(counted, values, 0.0), counted, counted
    weights = torch.where(counted, of_target(vectors.weight, target), 0.0)
    return torch.where(counted, values, 0.0) * weights, weights, counted


def _expected(
    template: Template, scores: Tensor, target: Tensor, vectors: ClassVectors
) -> tuple[Tensor, Tensor, Tensor]:
    """Return sum_k t_k omega_k psi_k, and ones twice: torch's mean over distributions is over rows."""
    if (
        isinstance(template, SumTemplate)
        and type(template).value is SumTemplate.value
        and vectors.class_margins is None
    ):
        values = template.of_log_sum(adjusted_log_sums(scores, vectors), torch)
    else:
        values = template.value(every_adjusted_margin(scores, vectors), torch)
    values = values * target if vectors.weight is None else values * target * vectors.weight
    expected = values.sum(-1)
    return expected, torch.ones_like(expected), torch.ones_like(expected)


def _scores(input: Tensor) -> Tensor:
    """Return the scores with the classes last, in single precision at least."""
    if not isinstance(input, Tensor) or not input.is_floating_point():
        kind = input.dtype if isinstance(input, Tensor) else type(input).__name__
        raise DataError(f"a tensor of real scores is needed as input, but got {kind}; pass what the network returns")
    axis = 0 if input.ndim == 1 else 1
    if input.ndim == 0 or input.shape[axis] < 2:
        raise DataError(
            "scores of two or more classes, of shape (K,), (N, K) or (N, K, d1, ...), are needed as input, but got "
            f"the shape {tuple(input.shape)}; give a two-class network two scores"
        )
    return input.movedim(axis, -1).to(torch.promote_types(input.dtype, torch.float32))


def _class_numbers(scores: Tensor, target: Tensor) -> Tensor:
    if target.dtype == torch.bool or target.is_complex():
        raise DataError(
            f"integer class numbers or real probabilities are needed as target, but got {target.dtype}; "
            "convert with target.long()"
        )
    if target.shape != scores.shape[:-1]:
        raise DataError(
            f"a target of shape {tuple(scores.shape[:-1])} is needed, one class number for each vector of scores, but "
            f"got {tuple(target.shape)}; probabilities, one-hot ones too, are given as floats in the shape of the input"
        )
    return target.long()


def _distribution(input: Tensor, target: Tensor, ignore_index: int) -> Tensor:
    if target.shape != input.shape:
        raise DataError(
            f"probabilities in the shape of the input, {tuple(input.shape)}, are needed as target, but got "
            f"{tuple(target.shape)}; class numbers are given as integers"
        )
    if ignore_index != IGNORED:
        raise UsageError(
            f"class numbers are needed as target where rows are to be ignored, but got probabilities and "
            f"ignore_index={ignore_index}; leave those rows out"
        )
    axis = 0 if input.ndim == 1 else 1
    return target.movedim(axis, -1).to(torch.promote_types(input.dtype, torch.float32))
