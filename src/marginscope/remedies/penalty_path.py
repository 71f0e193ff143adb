"""Recipes that move every penalty of a model by one factor."""

from __future__ import annotations

from collections.abc import Sequence

from marginscope.remedies.recipe import CannotAct, Recipe, Situation

__all__ = ["penalty_recipes", "penalty_snippet"]


def penalty_recipes(slug: str, situation: Situation, factors: Sequence[float], *, weaker: bool) -> tuple[Recipe, ...]:
    """Make one recipe per factor; raise ``CannotAct`` where the model has no penalty."""
    knobs = situation.view.penalty_knobs()
    if not knobs:
        raise CannotAct("the model has no penalty that is known here")
    recipes: list[Recipe] = []
    seen = {tuple(knob.value for knob in knobs)}
    for factor in factors:
        changed = {knob.path: knob.weaker(factor) if weaker else knob.stronger(factor) for knob in knobs}
        values = tuple(changed.values())
        if values in seen:
            continue
        seen.add(values)
        text = ", ".join(f"{path}={value!r}" for path, value in changed.items())
        recipes.append(Recipe(f"{slug} x{_short(factor)}", situation.view.with_params(**changed), expression=text))
    if not recipes:
        raise CannotAct("the penalty is at the end of its range already")
    return tuple(recipes)


def _short(factor: float) -> str:
    return f"{factor:.0e}".replace("e+0", "e").replace("e+", "e") if factor >= 1000 else f"{factor:g}"


def penalty_snippet(recipe: Recipe) -> str:
    """Return code that sets the parameters of the recipe."""
    return f"model.set_params({recipe.expression})\nmodel.fit(X, y)"
