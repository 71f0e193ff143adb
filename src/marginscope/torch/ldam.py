"""Label-distribution-aware margins, with weights that are switched on late."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from marginscope.exceptions import DataQualityWarning, UsageError
from marginscope.losses import Template, adjust
from marginscope.losses.adjust import Adjustment
from marginscope.torch.class_count_loss import ClassCountLoss
from marginscope.torch.class_vectors import PerClass
from marginscope.torch.reductions import Reduction
from marginscope.torch.template_loss import IGNORED

__all__ = ["LDAMLoss"]

_REASON = (
    "the norm of scores that are not bounded grows in training, and a fixed margin subtracted from them vanishes "
    "beside it in the limit"
)
# bfloat16 rounds cosines by up to 1 / 256
_ROUNDING = 1.01


class LDAMLoss(ClassCountLoss):
    """A margin subtracted from the cosine of the true class, larger for rare classes.

        u_j = s (v_y - c_y - v_j),    c_y = largest (n_min / n_y)^(1/4)

    The scores are cosines between features and class vectors, as `CosineHead` with
    ``scale=1.0`` gives them: the loss multiplies by s, after the margin. On scores that are
    not bounded the margin changes the path and the ridge optimum only, not the limit, and a
    factor of 30 makes steps far too long; there is one warning that says so. Nothing is
    rescaled.

    Parameters
    ----------
    counts, loss, ignore_index, reduction, **parameters
        See `ClassCountLoss`.
    largest : float
        Margin of the rarest class, on the scale of a cosine.
    scale : float
        s, positive. Cosines differ by 2 at most: without a factor the probability of a class
        never passes 1 / (1 + (K - 1) exp(-2)).
    bound : float or None
        What you declare about the scores: none is larger in size. 1 for cosines; s where the
        head multiplies by s itself, then u_j = v_y - s c_y - v_j; ``None`` for scores without
        a bound, which warns at once. Scores are held against it in each call that can read
        them: on a CPU always, on an accelerator the first after a start and after
        ``set_epoch``; not inside ``torch.compile`` and ``vmap``.
    drw_epoch : int, optional
        Deferred re-weighting: from this epoch on the loss has class-balanced weights, equal
        ones before. Call ``set_epoch`` in every epoch, counted from 0.
    beta : float
        Of those weights, see `ClassBalancedLoss`.

    Attributes
    ----------
    counts, own_shifts, class_margins, weight : Tensor
        The formula in the letters of `TemplateLoss`: c and 1 / s.
    epoch : Tensor
        The last one set; it is saved with the module.

    Raises
    ------
    UsageError
        If a number is out of range.

    Warns
    -----
    DataQualityWarning
        Once a module, if scores have no bound or break it.

    References
    ----------
    Cao, Wei, Gaidon, Arechiga and Ma 2019 (arXiv 1906.07413);
    the authors' code has largest = 0.5, s = 30, beta = 0.9999 and epoch 160 of 200.

    Examples
    --------
    >>> loss = LDAMLoss([16, 1], scale=2.0, loss="weston_watkins", drw_epoch=160)
    >>> loss.own_shifts.tolist()
    [0.25, 0.5]
    >>> loss(torch.tensor([[0.75, 0.5]]), torch.tensor([0])).item()  # 1 - 2 (0.75 - 0.25 - 0.5)
    1.0
    >>> loss.set_epoch(160)
    >>> loss.weight.tolist()
    [0.117..., 1.882...]
    """

    def __init__(
        self,
        counts: PerClass,
        *,
        largest: float = 0.5,
        scale: float = 30.0,
        bound: float | None = 1.0,
        drw_epoch: int | None = None,
        beta: float = 0.9999,
        loss: str | Template = "cross_entropy",
        ignore_index: int = IGNORED,
        reduction: Reduction = "mean",
        **parameters: Any,
    ) -> None:
        for name, number in {"largest": largest, "scale": scale, "bound": 1.0 if bound is None else bound}.items():
            if not 0.0 < number < math.inf:
                raise UsageError(f"{name} needs a positive finite number, but got {number!r}; the usual is 0.5, 30, 1")
        if drw_epoch is not None and drw_epoch < 0:
            raise UsageError(f"drw_epoch needs an epoch of 0 or later, but got {drw_epoch!r}; None is never")
        self.largest, self.scale, self.bound = largest, scale, bound
        self.drw_epoch, self.beta = drw_epoch, beta
        self._has_warned, self._is_unread = False, True
        super().__init__(counts, loss=loss, ignore_index=ignore_index, reduction=reduction, **parameters)
        self.register_buffer("epoch", torch.zeros((), dtype=torch.int64))
        self.set_epoch(0)
        if bound is None:
            self._warn("LDAM needs scores with a bound, as a CosineHead gives, but got bound=None")

    def set_epoch(self, epoch: int) -> None:
        """Tell the loss which epoch begins, so that weights are deferred until ``drw_epoch``."""
        if epoch < 0:
            raise UsageError(f"an epoch of 0 or later is needed, but got {epoch!r}; count from 0")
        self.get_buffer("epoch").fill_(epoch)
        self._is_unread = True
        if self.drw_epoch is not None:
            # in place, so that a compiled step sees it
            weights = self._weights(self.get_buffer("counts").cpu().numpy())
            self.get_buffer("weight").copy_(torch.from_numpy(weights))

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of scores within the declared bound."""
        if self.bound is not None and not self._has_warned and not torch.compiler.is_compiling():
            self._check_bound(input, self.bound)
        return super().forward(input, target)

    def adjustment(self, counts: NDArray[Any]) -> Adjustment:
        own_shifts = adjust.ldam_margins(counts, self.largest).own_shifts
        bound = 1.0 if self.bound is None else self.bound
        return Adjustment(
            own_shifts=bound * own_shifts,
            margins=np.full(len(own_shifts), bound / self.scale),
            class_weights=None if self.drw_epoch is None else self._weights(counts),
        )

    def _weights(self, counts: NDArray[Any]) -> NDArray[Any]:
        weights = adjust.class_balanced_weights(counts, self.beta).class_weights
        epoch = self._buffers.get("epoch")
        is_on = self.drw_epoch is not None and epoch is not None and int(epoch) >= self.drw_epoch
        return np.array(weights if is_on else np.ones(len(counts)))

    def _check_bound(self, scores: Tensor, bound: float) -> None:
        if scores.device.type != "cpu" and not self._is_unread:
            return
        try:
            largest = float(scores.detach().abs().amax()) if scores.numel() else 0.0
        except RuntimeError:  # inside vmap
            return
        self._is_unread = False
        if largest > _ROUNDING * bound:
            self._warn(
                f"LDAM needs scores of at most {bound:g} in size, as was declared, but got {largest:.3g}; put a "
                f"CosineHead(..., scale={bound:g}) before it"
            )

    def _warn(self, words: str) -> None:
        self._has_warned = True
        warnings.warn(f"{words}, because {_REASON}", DataQualityWarning, stacklevel=3)
