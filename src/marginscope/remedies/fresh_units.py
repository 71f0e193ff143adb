"""Give a network units that live: another start, or another activation."""

from __future__ import annotations

from dataclasses import dataclass

from marginscope.remedies.changes import ALL
from marginscope.remedies.parameter_change import parameter_recipe, parameter_snippet
from marginscope.remedies.recipe import CannotAct, Recipe, Situation
from marginscope.remedies.shares import need_refit

__all__ = ["FreshUnits"]

# A rectified unit can die, a bounded one can saturate: what is tried in its place.
_OTHER_ACTIVATION = {"relu": "tanh", "tanh": "relu", "logistic": "relu", "sigmoid": "relu"}


@dataclass(frozen=True)
class FreshUnits:
    """First values as the layers usually draw them, another activation, and another random start.

    The first two where a parameter of the model sets them.
    """

    slug: str = "fresh-units"
    title: str = "other units"
    side_effects: str = "another network: its other classes may change too"
    acts_on: frozenset[str] = frozenset({"dead-units"})
    expects: float = 0.05
    changes: frozenset[str] = ALL
    family: str = "model"
    fits: int = 2
    seeds_on: int = 1

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        need_refit(situation)
        knobs = situation.view.network_knobs()
        if knobs is None:
            raise CannotAct("the model is no network that is known here")
        recipes = []
        if knobs.usual_start is not None and not knobs.usual_start_value:
            recipes.append(parameter_recipe(f"{self.slug} from the usual start", situation, {knobs.usual_start: True}))
        other = _OTHER_ACTIVATION.get(str(knobs.activation_value))
        if knobs.activation is not None and other is not None:
            recipes.append(parameter_recipe(f"{self.slug} {other}", situation, {knobs.activation: other}))
        params = situation.view.estimator.get_params(deep=True)
        seeds = {
            path: value + self.seeds_on
            for path, value in params.items()
            if path.rpartition("__")[2] == "random_state" and isinstance(value, int)
        }
        if seeds:
            recipes.append(parameter_recipe(f"{self.slug} from another start", situation, seeds))
        if not recipes:
            raise CannotAct("neither the activation nor the random start of the network can be set")
        return tuple(recipes)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        return parameter_snippet(recipe)
