"""Train as long as now, with another step size."""

from __future__ import annotations

from dataclasses import dataclass

from marginscope.remedies.changes import PATH
from marginscope.remedies.parameter_change import parameter_recipe, parameter_snippet
from marginscope.remedies.recipe import CannotAct, Recipe, Situation
from marginscope.remedies.training_length import other_step_sizes, step_sizes

__all__ = ["StepSize"]


@dataclass(frozen=True)
class StepSize:
    """The default step size where the present one is another, and ``factors`` times the present one.

    The number of steps stays, so that the training takes as long as now.
    """

    slug: str = "step-size"
    title: str = "another step size"
    side_effects: str = "a larger step may not settle, a smaller one may not arrive"
    acts_on: frozenset[str] = frozenset({"not-converged", "dead-units", "flat-loss"})
    expects: float = 0.05
    changes: frozenset[str] = frozenset({PATH})
    family: str = "training"
    fits: int = 4
    factors: tuple[float, ...] = (10.0, 100.0, 0.1)

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        knobs = step_sizes(situation)
        # One parameter decides: models with several step sizes are ensembles of models of their own.
        found = other_step_sizes(situation, knobs[0], self.factors)
        if not found:
            raise CannotAct("the step size is at the end of its range already")
        return tuple(
            parameter_recipe(f"{self.slug} {name}", situation, {knobs[0].path: value}) for name, value in found.items()
        )

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        return parameter_snippet(recipe)
