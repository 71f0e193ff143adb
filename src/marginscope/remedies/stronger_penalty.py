"""Strengthen the penalty along a path."""

from __future__ import annotations

from dataclasses import dataclass

from marginscope.remedies.changes import ALL
from marginscope.remedies.parameter_change import parameter_snippet
from marginscope.remedies.penalty_path import penalty_recipes
from marginscope.remedies.recipe import Recipe, Situation

__all__ = ["StrongerPenalty"]


@dataclass(frozen=True)
class StrongerPenalty:
    """All penalties of the model multiplied by each of ``factors``."""

    slug: str = "stronger-penalty"
    title: str = "a stronger penalty"
    side_effects: str = "smaller coefficients; rare classes give way first"
    acts_on: frozenset[str] = frozenset({"few-rows", "overfit", "weights-vanish", "infinite-parameters"})
    expects: float = 0.05
    changes: frozenset[str] = ALL
    family: str = "penalty"
    fits: int = 3
    factors: tuple[float, ...] = (10.0, 1e3, 1e5)

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        return penalty_recipes(self.slug, situation, self.factors, weaker=False)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        return parameter_snippet(recipe)
