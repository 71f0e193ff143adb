"""Stop the training early."""

from __future__ import annotations

from dataclasses import dataclass

from marginscope.remedies.changes import PATH
from marginscope.remedies.parameter_change import parameter_recipe, parameter_snippet
from marginscope.remedies.recipe import CannotAct, Recipe, Situation
from marginscope.remedies.training_length import step_counts

__all__ = ["EarlyStopping"]


@dataclass(frozen=True)
class EarlyStopping:
    """A tenth and a hundredth of the training steps, where the model has a number of them."""

    slug: str = "early-stopping"
    title: str = "fewer training steps"
    side_effects: str = "the fit is not finished: what it predicts depends on the step size and the start"
    acts_on: frozenset[str] = frozenset({"overfit", "weights-vanish", "infinite-parameters"})
    expects: float = 0.05
    changes: frozenset[str] = frozenset({PATH})
    family: str = "training"
    fits: int = 1
    factors: tuple[float, ...] = (10.0, 100.0)

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        counts = step_counts(situation)
        recipes: list[Recipe] = []
        tried = [{knob.path: knob.value for knob in counts}]
        for factor in self.factors:
            shorter = {knob.path: _shorter(knob.value, factor) for knob in counts}
            if shorter not in tried:
                tried.append(shorter)
                recipes.append(parameter_recipe(f"{self.slug} /{factor:g}", situation, shorter))
        if not recipes:
            raise CannotAct("the model trains for one step only")
        return tuple(recipes)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        return parameter_snippet(recipe)


def _shorter(value: float, factor: float) -> float:
    return max(1, round(value / factor)) if isinstance(value, int) else max(1.0, value / factor)
