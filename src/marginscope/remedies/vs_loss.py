"""Vector scaling: temperatures and shifts by class in training."""

from __future__ import annotations

from dataclasses import dataclass

from marginscope.losses.adjust import vs_loss
from marginscope.remedies.changes import ALL
from marginscope.remedies.loss_recipes import loss_recipe, loss_snippet
from marginscope.remedies.recipe import Recipe, Situation
from marginscope.remedies.shares import class_numbers, need_uneven

__all__ = ["VsLoss"]


@dataclass(frozen=True)
class VsLoss:
    """D_k v_k + tau log pi_k in training, v_k in prediction (Kini et al. 2021)."""

    slug: str = "vs-loss"
    title: str = "vector-scaling loss (VS)"
    side_effects: str = "no probabilities of its own; two strengths that suit one table need not suit another"
    acts_on: frozenset[str] = frozenset({"imbalance", "few-rows", "weights-vanish", "infinite-parameters"})
    expects: float = 0.05
    changes: frozenset[str] = ALL
    family: str = "loss"
    fits: int = 1
    gamma: float = 0.3
    tau: float = 1.0

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        counts = need_uneven(situation)
        scales = class_numbers(situation, vs_loss(counts, self.gamma, self.tau).scales)
        options = {"class_scales": scales, "logit_adjustment": self.tau}
        return (loss_recipe(self.slug, situation, loss="cross_entropy", options=options, network="vs"),)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        return loss_snippet(recipe)
