"""Factors on scores and on margins: what moves the max-margin limit too."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from marginscope.losses import Template, adjust
from marginscope.losses.adjust import Adjustment
from marginscope.torch.class_count_loss import ClassCountLoss
from marginscope.torch.class_vectors import PerClass
from marginscope.torch.loss_module import TemplateLoss
from marginscope.torch.reductions import Reduction
from marginscope.torch.template_loss import IGNORED

__all__ = ["CDTLoss", "ClassMarginLoss", "VSLoss"]


class CDTLoss(ClassCountLoss):
    """Class-dependent temperatures: scores of rare classes count less in training.

        D_k = (n_k / n_max)^gamma

    Predict from the scores as they are. Changes the path, the ridge optimum and the
    max-margin limit, which is min ||W|| with <D_y w_y - D_k w_k, x_i> >= 1.

    Parameters
    ----------
    counts, loss, weight, ignore_index, reduction, **parameters
        See `ClassCountLoss`.
    gamma : float
        Strength; 0 scales nothing.

    References
    ----------
    Ye, Chen, Zhan and Chao 2020 (arXiv 2001.01385).

    Examples
    --------
    >>> CDTLoss([16, 1], gamma=0.25).class_scales.tolist()
    [1.0, 0.5]
    """

    def __init__(
        self,
        counts: PerClass,
        *,
        gamma: float = 0.3,
        loss: str | Template = "cross_entropy",
        weight: PerClass = None,
        ignore_index: int = IGNORED,
        reduction: Reduction = "mean",
        **parameters: Any,
    ) -> None:
        self.gamma = gamma
        super().__init__(counts, loss=loss, weight=weight, ignore_index=ignore_index, reduction=reduction, **parameters)

    def adjustment(self, counts: NDArray[Any]) -> Adjustment:
        return adjust.cdt(counts, self.gamma)


class VSLoss(ClassCountLoss):
    """Vector scaling: class-dependent temperatures and logit adjustment together.

        D_k = (n_k / n_max)^gamma,    i_k = tau log(n_k / N)

    The shifts act early, where small factors slow rare classes down; the factors act in the
    limit. Predict from the scores as they are. Changes the path, the ridge optimum and the
    max-margin limit, which is that of `CDTLoss`.

    Parameters
    ----------
    counts, loss, weight, ignore_index, reduction, **parameters
        See `ClassCountLoss`.
    gamma, tau : float
        Strength of factors and of shifts.

    References
    ----------
    Kini, Paraskevas, Oymak and Thrampoulidis 2021 (arXiv 2103.01550).

    Examples
    --------
    >>> loss = VSLoss([16, 1], gamma=0.25)
    >>> loss.class_scales.tolist(), loss.shifts.exp().tolist()
    ([1.0, 0.5], [0.941..., 0.058...])
    """

    def __init__(
        self,
        counts: PerClass,
        *,
        gamma: float = 0.3,
        tau: float = 1.0,
        loss: str | Template = "cross_entropy",
        weight: PerClass = None,
        ignore_index: int = IGNORED,
        reduction: Reduction = "mean",
        **parameters: Any,
    ) -> None:
        self.gamma, self.tau = gamma, tau
        super().__init__(counts, loss=loss, weight=weight, ignore_index=ignore_index, reduction=reduction, **parameters)

    def adjustment(self, counts: NDArray[Any]) -> Adjustment:
        return adjust.vs_loss(counts, self.gamma, self.tau)


class ClassMarginLoss(TemplateLoss):
    """Margins of their own for the classes, chosen and not counted.

        psi(u_i / m_y)

    Changes the path, the ridge optimum and the max-margin limit, which is min ||W|| with
    <w_y - w_k, x_i> >= m_y.

    Parameters
    ----------
    margins : (n_classes,)
        Positive; kept as the buffer ``class_margins``.
    loss : str or Template
        What is adjusted.
    weight, ignore_index, reduction
        See `marginscope.torch.functional.cross_entropy`.
    **parameters
        Of the template.

    References
    ----------
    `marginscope.losses.adjust.class_margins`: training on x_i / m_y.

    Examples
    --------
    >>> import torch
    >>> loss = ClassMarginLoss([1.0, 2.0], loss="weston_watkins", reduction="none")
    >>> loss(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 1]))
    tensor([0.0000, 0.5000])
    """

    def __init__(
        self,
        margins: PerClass,
        *,
        loss: str | Template = "cross_entropy",
        weight: PerClass = None,
        ignore_index: int = IGNORED,
        reduction: Reduction = "mean",
        **parameters: Any,
    ) -> None:
        super().__init__(
            loss, class_margins=margins, weight=weight, ignore_index=ignore_index, reduction=reduction, **parameters
        )
