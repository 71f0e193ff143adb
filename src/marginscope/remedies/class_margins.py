"""Class margins: rare classes are kept further from the boundary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marginscope.remedies.changes import ALL
from marginscope.remedies.loss_recipes import loss_recipe, loss_snippet
from marginscope.remedies.recipe import Recipe, Situation
from marginscope.remedies.shares import class_numbers, need_uneven

__all__ = ["ClassMargins"]


@dataclass(frozen=True)
class ClassMargins:
    """psi(u / m_y) with m_y = (n_max / n_y)^power: in the limit class y has margin m_y.

    Weights m_y^2, of the same total as before, keep the curvature of the loss at margin zero: without
    them a large m_y makes the rows of a rare class count less where classes overlap.
    """

    slug: str = "class-margins"
    title: str = "larger margins for rare classes"
    side_effects: str = "no probabilities of its own; frequent classes give way"
    acts_on: frozenset[str] = frozenset({"imbalance", "few-rows", "weights-vanish", "infinite-parameters"})
    expects: float = 0.05
    changes: frozenset[str] = ALL
    family: str = "loss"
    fits: int = 1
    power: float = 0.25

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        counts = need_uneven(situation)
        margins = (counts.max() / counts) ** self.power
        options: dict[str, Any] = {"class_margins": class_numbers(situation, margins)}
        if not situation.view.class_weight_params():
            weights = margins**2
            options["class_weight"] = class_numbers(situation, weights * counts.sum() / (weights @ counts))
        return (loss_recipe(self.slug, situation, options=options, network="class_margins"),)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        return loss_snippet(recipe)
