"""The same loss in whatever can have one: a linear fit or a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marginscope.remedies.linear_slot import linear_recipe, linear_snippet
from marginscope.remedies.network_loss import TORCH_LOSSES, network_recipe, network_snippet
from marginscope.remedies.recipe import Recipe, Situation

__all__ = ["loss_recipe", "loss_snippet"]


def loss_recipe(
    name: str,
    situation: Situation,
    *,
    loss: Any = None,
    options: Mapping[str, Any] | None = None,
    network: str,
) -> Recipe:
    """Return the model with another training loss.

    Parameters
    ----------
    name : str
        Of the recipe.
    loss : str or Template, optional
        Of a linear fit, default its own.
    options : mapping, optional
        Of ``MarginClassifier``.
    network : str
        Name of the loss in a network.

    Raises
    ------
    CannotAct
        If the model has no loss that can be exchanged.
    """
    if situation.view.network_knobs() is not None:
        return network_recipe(name, situation, network)
    return linear_recipe(name, situation, loss=loss, **(options or {}))


def loss_snippet(recipe: Recipe) -> str:
    """Return code that exchanges the loss."""
    name = recipe.expression.partition("=")[2].strip("'")
    return network_snippet(recipe) if name in TORCH_LOSSES else linear_snippet(recipe)
