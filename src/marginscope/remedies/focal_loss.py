"""Focal loss: rows that are right already count less."""

from __future__ import annotations

from dataclasses import dataclass

from marginscope.remedies.changes import OPTIMUM, PATH
from marginscope.remedies.loss_recipes import loss_recipe, loss_snippet
from marginscope.remedies.recipe import Recipe, Situation
from marginscope.remedies.shares import need_uneven

__all__ = ["FocalLoss"]


@dataclass(frozen=True)
class FocalLoss:
    """(1 - p)^2 log(1 / p) in place of the log-loss (Lin et al. 2017)."""

    slug: str = "focal-loss"
    title: str = "a loss that counts rows less the better they are told (focal)"
    side_effects: str = "no probabilities of its own; wrong labels count more"
    acts_on: frozenset[str] = frozenset({"imbalance"})
    expects: float = 0.02
    changes: frozenset[str] = frozenset({PATH, OPTIMUM})
    family: str = "loss"
    fits: int = 1

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        need_uneven(situation)
        return (loss_recipe(self.slug, situation, loss="focal", network="focal"),)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        return loss_snippet(recipe)
