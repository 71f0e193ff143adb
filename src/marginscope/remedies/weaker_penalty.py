"""Weaken the penalty along a path."""

from __future__ import annotations

from dataclasses import dataclass

from marginscope.remedies.changes import OPTIMUM, PATH
from marginscope.remedies.parameter_change import parameter_snippet
from marginscope.remedies.penalty_path import penalty_recipes
from marginscope.remedies.recipe import Recipe, Situation

__all__ = ["WeakerPenalty"]


@dataclass(frozen=True)
class WeakerPenalty:
    """All penalties of the model divided by each of ``factors``, classes unweighted as they are."""

    slug: str = "weaker-penalty"
    title: str = "a weaker penalty"
    side_effects: str = "larger coefficients and more variance"
    acts_on: frozenset[str] = frozenset({"over-regularised", "unscaled-features", "low-capacity"})
    expects: float = 0.05
    changes: frozenset[str] = frozenset({PATH, OPTIMUM})
    family: str = "penalty"
    fits: int = 2
    factors: tuple[float, ...] = (1e2, 1e5)

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        return penalty_recipes(self.slug, situation, self.factors, weaker=True)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        return parameter_snippet(recipe)
