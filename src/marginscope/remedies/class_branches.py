"""Give every class a network of its own."""

from __future__ import annotations

from dataclasses import dataclass

from marginscope.remedies.changes import ALL
from marginscope.remedies.parameter_change import parameter_recipe, parameter_snippet
from marginscope.remedies.recipe import CannotAct, Recipe, Situation
from marginscope.remedies.shares import need_refit

__all__ = ["ClassBranches"]


@dataclass(frozen=True)
class ClassBranches:
    """The present network once for every class, trained under the one loss: classes share no weights.

    With more than ``most_classes`` classes it is not tried: it costs as many networks.
    """

    slug: str = "class-branches"
    title: str = "a branch for each class"
    side_effects: str = "as many networks as classes to train, and nothing that one class learns helps another"
    acts_on: frozenset[str] = frozenset({"shared-interference"})
    expects: float = 0.05
    changes: frozenset[str] = ALL
    family: str = "model"
    fits: int = 10
    most_classes: int = 20

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        need_refit(situation)
        knobs = situation.view.network_knobs()
        if knobs is None or knobs.branches is None:
            raise CannotAct("the model is no network that can have a branch for each class")
        if knobs.branches_value:
            raise CannotAct("the network has a branch for each class already")
        n_classes = int((situation.counts > 0).sum())
        if n_classes > self.most_classes:
            raise CannotAct(f"{n_classes} classes would need as many networks, and {self.most_classes} are the most")
        return (parameter_recipe(self.slug, situation, {knobs.branches: True}),)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        return parameter_snippet(recipe)
