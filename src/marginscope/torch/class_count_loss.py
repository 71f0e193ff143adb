"""Losses made from the numbers of rows of the classes, each in front of any template.

What each of them moves, on linear scores and with an exponential tail:

    loss                   path   optimum at fixed ridge   max-margin limit
    BalancedWeightsLoss    yes    yes                      no
    ClassBalancedLoss      yes    yes                      no
    LogitAdjustedLoss      yes    yes                      no
    BalancedSoftmaxLoss    yes    yes                      no
    LDAMLoss               yes    yes                      no; on cosines it keeps its meaning
    CDTLoss                yes    yes                      yes
    VSLoss                 yes    yes                      yes
    ClassMarginLoss        yes    yes                      yes

``effects`` of a module says the same of its own numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from marginscope.losses import Template
from marginscope.losses.adjust import Adjustment
from marginscope.torch.class_vectors import FIELD_OF, PerClass, as_class_vector
from marginscope.torch.loss_module import TemplateLoss
from marginscope.torch.reductions import Reduction
from marginscope.torch.template_loss import IGNORED

__all__ = ["ClassCountLoss"]


class ClassCountLoss(TemplateLoss):
    """What losses from class counts share; ``adjustment`` is all that one adds.

    The counts are a buffer that is saved; what follows from them is computed anew when a
    state is loaded.

    Parameters
    ----------
    counts : (n_classes,)
        Rows of every class in the training data, positive.
    loss : str or Template
        What is adjusted.
    weight : (n_classes,), optional
        Weights of the classes, where the adjustment has none itself.
    ignore_index, reduction
        See `marginscope.torch.functional.cross_entropy`.
    **parameters
        Of the template. One that has the name of a parameter of the loss itself, as ``gamma``
        of ``"focal"`` in `VSLoss`, goes into the template:
        ``loss=marginscope.losses.get("focal", gamma=1.0)``.
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
        super().__init__(loss, weight=weight, ignore_index=ignore_index, reduction=reduction, **parameters)
        rows = counts.detach().cpu().numpy() if isinstance(counts, torch.Tensor) else np.asarray(counts)
        self.adjustment(rows)  # refuses counts that cannot be
        whole = np.all(rows == np.round(rows))
        self.register_buffer("counts", torch.from_numpy(rows.astype(np.int64 if whole else np.float64)))
        self._derive()

    def adjustment(self, counts: NDArray[Any]) -> Adjustment:
        """Return the class-dependent numbers that follow from the counts."""
        raise NotImplementedError

    def _derive(self) -> None:
        """Make the class vectors from the counts, where those are."""
        counts = self.get_buffer("counts")
        made = self.adjustment(counts.cpu().numpy())
        for name, field in FIELD_OF.items():
            values = getattr(made, field)
            if values is not None:
                vector = as_class_vector(name, values).to(counts.device)
                self.register_buffer(name, vector, persistent=False)
        self._check_lengths()

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._derive()
