"""Label smoothing: cross-entropy against a target that gives every class eps / K."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import UsageError
from marginscope.losses.cross_entropy import CROSS_ENTROPY_FACTS, CrossEntropy
from marginscope.losses.facts import LossFacts
from marginscope.losses.tail_form import JointForm
from marginscope.losses.template import Template

__all__ = ["LabelSmoothing"]

Floats = NDArray[np.float64]
_CROSS_ENTROPY = CrossEntropy()


@dataclass(frozen=True)
class LabelSmoothing(Template):
    """Cross-entropy with smoothed labels (Szegedy et al. 2016).

    psi(u) = log(1 + S) + (eps / K) sum_j u_j,    q_j = exp(-u_j) / (1 + S) - eps / K

    The minimum lies where every margin is log(1 + K (1 - eps) / eps).

    Parameters
    ----------
    eps : float
        Mass spread over all classes, between 0 and 1.
    """

    eps: float = 0.1
    name: ClassVar[str] = "label_smoothing"

    def __post_init__(self) -> None:
        if not 0.0 < self.eps < 1.0:
            raise UsageError(
                f"label_smoothing needs eps between 0 and 1, but got {self.eps!r}; use cross_entropy for eps 0"
            )

    @property
    def facts(self) -> LossFacts:
        return replace(
            CROSS_ENTROPY_FACTS,
            strictly_decreasing=False,
            tail="negative",
            tail_constant=None,
            calibration="derived: the softmax of the minimiser is (1 - eps) pi + eps / K, in the order of pi",
            strictly_proper=False,
            limit="none",
            limit_reason="the minimiser is finite, so descent converges to a fit of equal margins, not to a margin",
        )

    @property
    def tail_form(self) -> JointForm:
        return JointForm(partial(_joint, eps=self.eps))

    def value(self, margins: Any, xp: Any = np) -> Any:
        return _CROSS_ENTROPY.value(margins, xp) + self._share(margins) * margins.sum(-1)

    def weights(self, margins: Floats) -> Floats:
        return _CROSS_ENTROPY.weights(margins) - self._share(margins)

    def value_and_weights(self, margins: Floats) -> tuple[Floats, Floats]:
        value, weights = _CROSS_ENTROPY.value_and_weights(margins)
        share = self._share(margins)
        return value + share * margins.sum(-1), weights - share

    def hessian_at(self, margins: Floats) -> Callable[[Floats], Floats]:
        return _CROSS_ENTROPY.hessian_at(margins)

    def hessian_product(self, margins: Floats, vectors: Floats) -> Floats:
        return _CROSS_ENTROPY.hessian_product(margins, vectors)

    def _share(self, margins: Any) -> float:
        return self.eps / (int(margins.shape[-1]) + 1)


def _joint(z: Sequence[Any], ops: Any, eps: float) -> Any:
    total = z[0]
    logs = ops.log(z[0])
    for one in z[1:]:
        total = total + one
        logs = logs + ops.log(one)
    return ops.log1p(total) - eps / (len(z) + 1) * logs
