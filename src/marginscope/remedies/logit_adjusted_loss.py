"""Logit-adjusted loss, which at tau = 1 is the balanced softmax."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.remedies.changes import OPTIMUM, PATH
from marginscope.remedies.loss_recipes import loss_recipe, loss_snippet
from marginscope.remedies.recipe import Recipe, Situation
from marginscope.remedies.shares import even_shares, need_uneven

__all__ = ["LogitAdjustedLoss"]


@dataclass(frozen=True)
class LogitAdjustedLoss:
    """Scores v_k + tau log pi_k in training, v_k in prediction (Menon et al. 2021; Ren et al. 2020)."""

    slug: str = "logit-adjusted-loss"
    title: str = "logit-adjusted loss (balanced softmax)"
    side_effects: str = (
        "probabilities are those of a balanced population; on separable data without a penalty the effect fades"
    )
    acts_on: frozenset[str] = frozenset({"imbalance", "knob-ignored", "few-rows"})
    expects: float = 0.05
    changes: frozenset[str] = frozenset({PATH, OPTIMUM})
    family: str = "loss"
    fits: int = 1
    tau: float = 1.0

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        need_uneven(situation)
        options = {"logit_adjustment": self.tau}
        recipe = loss_recipe(self.slug, situation, loss="cross_entropy", options=options, network="logit_adjusted")
        return (recipe,)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        return loss_snippet(recipe)

    def trained_shares(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """See ``TrainsUnderOtherShares``."""
        return even_shares(counts)
