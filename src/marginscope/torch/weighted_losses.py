"""Weights of classes from their numbers of rows: they move the path, not the limit."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from marginscope.losses import Template, adjust
from marginscope.losses.adjust import Adjustment
from marginscope.torch.class_count_loss import ClassCountLoss
from marginscope.torch.class_vectors import PerClass
from marginscope.torch.reductions import Reduction
from marginscope.torch.template_loss import IGNORED

__all__ = ["BalancedWeightsLoss", "ClassBalancedLoss"]


class BalancedWeightsLoss(ClassCountLoss):
    """Weights that give all classes the same total, as ``class_weight="balanced"``.

        omega_y = N / (K n_y)

    Changes the path and the ridge optimum, not the max-margin limit.

    Parameters
    ----------
    counts, loss, ignore_index, reduction, **parameters
        See `ClassCountLoss`.

    References
    ----------
    King and Zeng 2001, Logistic regression in rare events data.

    Examples
    --------
    >>> BalancedWeightsLoss([6, 2]).weight.tolist()
    [0.666..., 2.0]
    """

    def __init__(
        self,
        counts: PerClass,
        *,
        loss: str | Template = "cross_entropy",
        ignore_index: int = IGNORED,
        reduction: Reduction = "mean",
        **parameters: Any,
    ) -> None:
        super().__init__(counts, loss=loss, ignore_index=ignore_index, reduction=reduction, **parameters)

    def adjustment(self, counts: NDArray[Any]) -> Adjustment:
        return adjust.balanced_weights(counts)


class ClassBalancedLoss(ClassCountLoss):
    """Weights by the effective number of rows, of mean 1.

        omega_y proportional to (1 - beta) / (1 - beta^n_y)

    Changes the path and the ridge optimum, not the max-margin limit.

    Parameters
    ----------
    counts, loss, ignore_index, reduction, **parameters
        See `ClassCountLoss`.
    beta : float
        From 0 (equal weights) to below 1 (towards 1 / n_y).

    References
    ----------
    Cui, Jia, Lin, Song and Belongie 2019 (arXiv 1901.05555).

    Examples
    --------
    >>> ClassBalancedLoss([3, 1], beta=0.5).weight.tolist()  # 1 / 1.75 and 1, divided by their mean
    [0.727..., 1.272...]
    """

    def __init__(
        self,
        counts: PerClass,
        *,
        beta: float = 0.9999,
        loss: str | Template = "cross_entropy",
        ignore_index: int = IGNORED,
        reduction: Reduction = "mean",
        **parameters: Any,
    ) -> None:
        self.beta = beta
        super().__init__(counts, loss=loss, ignore_index=ignore_index, reduction=reduction, **parameters)

    def adjustment(self, counts: NDArray[Any]) -> Adjustment:
        return adjust.class_balanced_weights(counts, self.beta)
