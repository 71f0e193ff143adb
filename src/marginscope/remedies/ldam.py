"""Label-distribution-aware margins: additive, larger for rare classes."""

from __future__ import annotations

from dataclasses import dataclass

from marginscope.losses.adjust import ldam_margins
from marginscope.remedies.changes import OPTIMUM, PATH
from marginscope.remedies.loss_recipes import loss_recipe, loss_snippet
from marginscope.remedies.recipe import Recipe, Situation
from marginscope.remedies.shares import class_numbers, need_uneven

__all__ = ["Ldam"]


@dataclass(frozen=True)
class Ldam:
    """c_y = largest (n_min / n_y)^(1/4) off the score of the true class (Cao et al. 2019), scores as they are.

    The paper has largest = 0.5 on cosines times 30; ``largest`` here is on the scale of the scores.
    """

    slug: str = "ldam"
    title: str = "LDAM, margins subtracted from the true score"
    side_effects: str = "no probabilities of its own; on scores without a bound the margins fade as norms grow"
    acts_on: frozenset[str] = frozenset({"imbalance", "few-rows"})
    expects: float = 0.05
    changes: frozenset[str] = frozenset({PATH, OPTIMUM})
    family: str = "loss"
    fits: int = 1
    largest: float = 3.0

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        counts = need_uneven(situation)
        shifts = class_numbers(situation, ldam_margins(counts, self.largest).own_shifts)
        options = {"own_shifts": shifts}
        return (loss_recipe(self.slug, situation, loss="cross_entropy", options=options, network="ldam"),)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        return loss_snippet(recipe)
