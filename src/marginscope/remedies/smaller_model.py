"""Take a smaller model of the same kind."""

from __future__ import annotations

from dataclasses import dataclass

from marginscope.adapters.capacity import LEVELS, smaller
from marginscope.remedies.changes import ALL
from marginscope.remedies.parameter_change import parameter_recipe, parameter_snippet
from marginscope.remedies.recipe import CannotAct, Recipe, Situation
from marginscope.remedies.shares import need_refit

__all__ = ["SmallerModel"]


@dataclass(frozen=True)
class SmallerModel:
    """Flatter trees, fewer leaves, narrower hidden layers, more neighbours: what the model has of these."""

    slug: str = "smaller-model"
    title: str = "a smaller model"
    side_effects: str = "finer shapes can no longer be drawn"
    acts_on: frozenset[str] = frozenset({"overfit"})
    expects: float = 0.05
    changes: frozenset[str] = ALL
    family: str = "model"
    fits: int = 2

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        need_refit(situation)
        levels = [smaller(situation.view.estimator, level) for level in range(LEVELS)]
        found = [changed for i, changed in enumerate(levels) if changed and changed not in levels[:i]]
        if not found:
            raise CannotAct("nothing is known here that makes this model smaller, or it is as small as that already")
        return tuple(
            parameter_recipe(f"{self.slug} {', '.join(map(_short, changed.values()))}", situation, changed)
            for changed in found
        )

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        return parameter_snippet(recipe)


def _short(value: object) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
