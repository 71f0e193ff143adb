"""From one loss a row to one number: two meanings of a weighted mean, both named.

    "none"            omega_i psi_i, one a row
    "sum"             sum_i omega_i psi_i
    "mean"            sum_i omega_i psi_i / sum_i omega_i      torch's, the default
    "mean_over_rows"  sum_i omega_i psi_i / number of rows     what scikit-learn minimises

Sums run over the rows that are not ignored. A mean over no rows, or of total weight zero, is
not a number, as in torch, but its gradient is zero: a batch of ignored rows moves nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import torch
from torch import Tensor

__all__ = ["REDUCTIONS", "Reduction"]

Reduction: TypeAlias = Literal["none", "sum", "mean", "mean_over_rows"]


def _none(losses: Tensor, weights: Tensor, counted: Tensor) -> Tensor:
    return losses


def _sum(losses: Tensor, weights: Tensor, counted: Tensor) -> Tensor:
    return losses.sum()


def _mean(losses: Tensor, weights: Tensor, counted: Tensor) -> Tensor:
    return _share(losses.sum(), weights.sum())


def _mean_over_rows(losses: Tensor, weights: Tensor, counted: Tensor) -> Tensor:
    return _share(losses.sum(), counted.sum())


def _share(total: Tensor, size: Tensor) -> Tensor:
    """Return total / size, where size is 0 NaN with a gradient of 0."""
    is_empty = size == 0
    return torch.where(is_empty, torch.nan, total / size.masked_fill(is_empty, 1))


# losses and weights of the rows, both 0 for those ignored, and whether a row counts
REDUCTIONS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "none": _none,
    "sum": _sum,
    "mean": _mean,
    "mean_over_rows": _mean_over_rows,
}
