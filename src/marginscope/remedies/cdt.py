"""Class-dependent temperatures: scores scaled by class in training."""

from __future__ import annotations

from dataclasses import dataclass

from marginscope.losses.adjust import cdt
from marginscope.remedies.changes import ALL
from marginscope.remedies.loss_recipes import loss_recipe, loss_snippet
from marginscope.remedies.recipe import Recipe, Situation
from marginscope.remedies.shares import class_numbers, need_uneven

__all__ = ["Cdt"]


@dataclass(frozen=True)
class Cdt:
    """D_k v_k in training with D_k = (n_k / n_max)^gamma, v_k in prediction (Ye et al. 2020)."""

    slug: str = "cdt"
    title: str = "class-dependent temperatures (CDT)"
    side_effects: str = "no probabilities of its own; small temperatures slow the rare classes early in training"
    acts_on: frozenset[str] = frozenset({"imbalance", "few-rows", "weights-vanish", "infinite-parameters"})
    expects: float = 0.05
    changes: frozenset[str] = ALL
    family: str = "loss"
    fits: int = 1
    gamma: float = 0.3

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        counts = need_uneven(situation)
        scales = class_numbers(situation, cdt(counts, self.gamma).scales)
        recipe = loss_recipe(self.slug, situation, options={"class_scales": scales}, network="cdt")
        return (recipe,)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        return loss_snippet(recipe)
