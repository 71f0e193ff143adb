"""Scores shifted by the shares of the classes: they move the path, not the limit."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from marginscope.losses import Template, adjust
from marginscope.losses.adjust import Adjustment
from marginscope.torch.class_count_loss import ClassCountLoss
from marginscope.torch.class_vectors import PerClass
from marginscope.torch.reductions import Reduction
from marginscope.torch.template_loss import IGNORED

__all__ = ["BalancedSoftmaxLoss", "LogitAdjustedLoss"]


class LogitAdjustedLoss(ClassCountLoss):
    """Shifts by the log shares of the classes, in training only.

        i_k = tau log(n_k / N)

    With cross-entropy and tau = 1 consistent for the balanced error. Changes the path and
    the ridge optimum, not the max-margin limit.

    Parameters
    ----------
    counts, loss, weight, ignore_index, reduction, **parameters
        See `ClassCountLoss`.
    tau : float
        Strength; 0 shifts nothing.

    References
    ----------
    Menon et al. 2021 (arXiv 2007.07314).

    Examples
    --------
    >>> LogitAdjustedLoss([3, 1]).shifts.exp().tolist()
    [0.75, 0.25]
    """

    def __init__(
        self,
        counts: PerClass,
        *,
        tau: float = 1.0,
        loss: str | Template = "cross_entropy",
        weight: PerClass = None,
        ignore_index: int = IGNORED,
        reduction: Reduction = "mean",
        **parameters: Any,
    ) -> None:
        self.tau = tau
        super().__init__(counts, loss=loss, weight=weight, ignore_index=ignore_index, reduction=reduction, **parameters)

    def adjustment(self, counts: NDArray[Any]) -> Adjustment:
        return adjust.logit_adjustment(counts, self.tau)


class BalancedSoftmaxLoss(LogitAdjustedLoss):
    """Cross-entropy of a softmax whose terms are multiplied by the class counts.

        -log( n_y exp(v_y) / sum_k n_k exp(v_k) )

    Logit adjustment with tau = 1. Changes the path and the ridge optimum, not the max-margin
    limit.

    Parameters
    ----------
    counts, loss, weight, ignore_index, reduction, **parameters
        See `ClassCountLoss`.

    References
    ----------
    Ren et al. 2020 (arXiv 2007.10740).

    Examples
    --------
    >>> import torch
    >>> loss = BalancedSoftmaxLoss([3, 1])
    >>> loss(torch.zeros(1, 2), torch.tensor([0])).exp().item()  # 1 / 0.75
    1.333...
    """

    def __init__(
        self,
        counts: PerClass,
        *,
        loss: str | Template = "cross_entropy",
        weight: PerClass = None,
        ignore_index: int = IGNORED,
        reduction: Reduction = "mean",
        **parameters: Any,
    ) -> None:
        super().__init__(counts, loss=loss, weight=weight, ignore_index=ignore_index, reduction=reduction, **parameters)
