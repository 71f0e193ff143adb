"""The view of a bare network of any library: a frozen model whose columns get their labels late."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.adapters.network_part import NetworkPart
from marginscope.adapters.sklearn_model import SklearnModel

__all__ = ["FrozenNetworkView"]


class FrozenNetworkView(SklearnModel):
    """View of a network that cannot be refitted.

    Its columns get the sorted labels of the problem with the first question: the frozen
    model that it is made of has a ``classes_`` that is ``None`` until then.
    """

    def answer(
        self, fitted: Any, X: Any, labels: NDArray[Any], *, with_proba: bool = True
    ) -> tuple[NDArray[np.int64], NDArray[np.float64] | None]:
        """See ``ModelView``."""
        return super().answer(_named(fitted, labels), X, labels, with_proba=with_proba)

    def probabilities(self, fitted: Any, X: Any, labels: NDArray[Any]) -> NDArray[np.float64] | None:
        """See ``ModelView``."""
        return super().probabilities(_named(fitted, labels), X, labels)

    def scores(self, fitted: Any, X: Any, labels: NDArray[Any]) -> NDArray[np.float64] | None:
        """See ``ModelView``."""
        return super().scores(_named(fitted, labels), X, labels)

    def network_part(self, fitted: Any, X: Any, y: Any) -> NetworkPart | None:
        """See ``ModelView``."""
        return super().network_part(_named(fitted, np.unique(np.asarray(y))), X, y)


def _named(fitted: Any, labels: NDArray[Any]) -> Any:
    """Give the columns their labels, if they have none."""
    if fitted.classes_ is None:
        fitted.classes_ = np.asarray(labels)
    return fitted
