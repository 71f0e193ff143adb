"""Losses by name that need the number of rows of every class, made when these are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from marginscope.losses.adjust import ldam_margins
from marginscope.torch.cosine_network import COSINE_SCALE
from marginscope.torch.ldam import LDAMLoss
from marginscope.torch.limit_losses import CDTLoss, ClassMarginLoss, VSLoss
from marginscope.torch.loss_module import TemplateLoss
from marginscope.torch.shifted_losses import BalancedSoftmaxLoss, LogitAdjustedLoss
from marginscope.torch.weighted_losses import BalancedWeightsLoss, ClassBalancedLoss

__all__ = ["COUNT_LOSSES", "counted_loss"]

# on the scale of scores without a bound: exp(3) is 20 times the weight at the boundary
_LARGEST_MARGIN = 3.0


def _ldam(counts: NDArray[np.int64]) -> nn.Module:
    return TemplateLoss("cross_entropy", own_shifts=ldam_margins(counts, _LARGEST_MARGIN).own_shifts)


def _ldam_of_cosines(counts: NDArray[np.int64]) -> nn.Module:
    return LDAMLoss(counts, scale=COSINE_SCALE, bound=COSINE_SCALE)


def _class_margins(counts: NDArray[np.int64]) -> nn.Module:
    margins = (counts.max() / counts) ** 0.25
    # weights m^2 keep the curvature at margin zero, so that rare rows do not count less where classes overlap
    weights = margins**2 * counts.sum() / (margins**2 @ counts)
    return ClassMarginLoss(margins, weight=weights)


COUNT_LOSSES: dict[str, Callable[[NDArray[np.int64]], nn.Module]] = {
    "balanced": BalancedWeightsLoss,
    "class_balanced": ClassBalancedLoss,
    "logit_adjusted": LogitAdjustedLoss,
    "balanced_softmax": BalancedSoftmaxLoss,
    "ldam": _ldam,
    "ldam_cosine": _ldam_of_cosines,
    "cdt": CDTLoss,
    "vs": VSLoss,
    "class_margins": _class_margins,
}


def counted_loss(loss: Any, counts: NDArray[np.int64]) -> Any:
    """Return the module of a name in ``COUNT_LOSSES`` for these class counts; any other loss as it is.

    Parameters
    ----------
    loss : object
        What a user gave as training loss.
    counts : (n_classes,) array
        Rows of every class in training, positive.
    """
    if isinstance(loss, str) and loss in COUNT_LOSSES:
        return COUNT_LOSSES[loss](counts)
    return loss
