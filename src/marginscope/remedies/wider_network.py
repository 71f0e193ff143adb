"""Give the network more hidden units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marginscope.remedies.changes import ALL
from marginscope.remedies.parameter_change import parameter_recipe, parameter_snippet
from marginscope.remedies.recipe import CannotAct, Recipe, Situation
from marginscope.remedies.shares import need_refit

__all__ = ["WiderNetwork"]


@dataclass(frozen=True)
class WiderNetwork:
    """``factor`` times the hidden units: as many copies of a torch network side by side, or wider layers.

    The number of steps stays, so that what it gains is not gained by a longer training.
    """

    slug: str = "wider-network"
    title: str = "a wider network"
    side_effects: str = "every fit takes as many times longer, and more units can learn more by heart"
    acts_on: frozenset[str] = frozenset({"shared-interference", "low-capacity", "dead-units"})
    expects: float = 0.05
    changes: frozenset[str] = ALL
    family: str = "model"
    fits: int = 4
    factor: int = 4

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        need_refit(situation)
        knobs = situation.view.network_knobs()
        if knobs is None or knobs.width is None:
            raise CannotAct("the model is no network whose width is a parameter")
        wider = _times(knobs.width_value, self.factor)
        if wider is None:
            raise CannotAct("the network has no hidden layer that could be wider")
        return (parameter_recipe(f"{self.slug} x{self.factor}", situation, {knobs.width: wider}),)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        return parameter_snippet(recipe)


def _times(width: Any, factor: int) -> Any:
    """Return a number of copies, or the sizes of hidden layers, times ``factor``; ``None`` without any."""
    if isinstance(width, tuple):
        return tuple(factor * int(one) for one in width) or None
    return factor * int(width)
