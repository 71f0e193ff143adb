"""Recipes that set parameters of the present model, and the code that does the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marginscope.adapters.search_settings import settings
from marginscope.remedies.recipe import Recipe, Situation

__all__ = ["parameter_recipe", "parameter_snippet"]


def parameter_recipe(name: str, situation: Situation, changed: Mapping[str, Any]) -> Recipe:
    """Return the present model with some parameters, by deep name, set to other values, in grids of a search too."""
    text = ", ".join(f"{one.name}={one.code}" for one in settings(situation.view.estimator, changed))
    return Recipe(name, situation.view.with_params(**changed), expression=text)


def parameter_snippet(recipe: Recipe) -> str:
    """Return code that sets the parameters of the recipe."""
    return f"model.set_params({recipe.expression})\nmodel.fit(X, y)"
