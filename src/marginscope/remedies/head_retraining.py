"""cRT: the last layer of a network is fitted again on frozen features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.remedies.changes import OPTIMUM, PATH
from marginscope.remedies.network_loss import NO_NETWORK
from marginscope.remedies.recipe import CannotAct, Recipe, Situation
from marginscope.remedies.retrained_head import RetrainedHead
from marginscope.remedies.shares import even_shares, need_refit, need_uneven

__all__ = ["HeadRetraining"]


@dataclass(frozen=True)
class HeadRetraining:
    """The network as it is up to its last layer, and that layer fitted to equal classes (Kang et al. 2020)."""

    slug: str = "head-retraining"
    title: str = "a last layer fitted again to balanced classes (cRT)"
    side_effects: str = "probabilities are those of a balanced population; the features stay as they are"
    acts_on: frozenset[str] = frozenset({"imbalance", "few-rows"})
    expects: float = 0.05
    changes: frozenset[str] = frozenset({PATH, OPTIMUM})
    family: str = "training"
    fits: int = 1

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        need_refit(situation)
        need_uneven(situation)
        if situation.view.network_knobs() is None:
            raise CannotAct(NO_NETWORK)
        return (Recipe(self.slug, RetrainedHead(situation.view.estimator)),)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        return (
            "from marginscope.remedies.retrained_head import RetrainedHead\n\n"
            "model = RetrainedHead(model)\n"
            "model.fit(X, y)"
        )

    def trained_shares(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """See ``TrainsUnderOtherShares``."""
        return even_shares(counts)
