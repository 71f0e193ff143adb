"""Recipes that move every penalty of a model by one factor."""

from __future__ import annotations

from collections.abc import Sequence

from marginscope.adapters.searched_values import notes_on_searches
from marginscope.remedies.parameter_change import parameter_recipe
from marginscope.remedies.recipe import CannotAct, Recipe, Situation

__all__ = ["penalty_recipes"]


def penalty_recipes(slug: str, situation: Situation, factors: Sequence[float], *, weaker: bool) -> tuple[Recipe, ...]:
    """Make one recipe per factor; raise ``CannotAct`` where the model has no penalty."""
    knobs = situation.view.penalty_knobs()
    if not knobs:
        drawn = notes_on_searches(situation.view.estimator)
        raise CannotAct(drawn[0].rstrip(".") if drawn else "the model has no penalty that is known here")
    recipes: list[Recipe] = []
    seen = {tuple(knob.value for knob in knobs)}
    for factor in factors:
        changed = {knob.path: knob.weaker(factor) if weaker else knob.stronger(factor) for knob in knobs}
        values = tuple(changed.values())
        if values in seen:
            continue
        seen.add(values)
        recipes.append(parameter_recipe(f"{slug} x{_short(factor)}", situation, changed))
    if not recipes:
        raise CannotAct("the penalty is at the end of its range already")
    return tuple(recipes)


def _short(factor: float) -> str:
    return f"{factor:.0e}".replace("e+0", "e").replace("e+", "e") if factor >= 1000 else f"{factor:g}"
