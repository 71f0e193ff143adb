"""Label smoothing: a little of every label goes to all classes."""

from __future__ import annotations

from dataclasses import dataclass

from marginscope.remedies.changes import ALL
from marginscope.remedies.loss_recipes import loss_recipe, loss_snippet
from marginscope.remedies.recipe import Recipe, Situation

__all__ = ["LabelSmoothing"]


@dataclass(frozen=True)
class LabelSmoothing:
    """Cross-entropy against labels that give 0.1 / K to every class (Szegedy et al. 2016): the optimum is finite."""

    slug: str = "label-smoothing"
    title: str = "labels that give a little to every class (label smoothing)"
    side_effects: str = "probabilities are pulled towards equal ones"
    acts_on: frozenset[str] = frozenset({"overfit", "mislabelled", "weights-vanish", "infinite-parameters"})
    expects: float = 0.02
    changes: frozenset[str] = ALL
    family: str = "loss"
    fits: int = 1

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        return (loss_recipe(self.slug, situation, loss="label_smoothing", network="label_smoothing"),)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        return loss_snippet(recipe)
