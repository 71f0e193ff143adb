"""Fit all classes together instead of one against the rest."""

from __future__ import annotations

from dataclasses import dataclass

from marginscope.remedies.changes import ALL
from marginscope.remedies.recipe import CannotAct, Recipe, Situation
from marginscope.remedies.shares import need_refit

__all__ = ["JointFit"]


@dataclass(frozen=True)
class JointFit:
    """The same pieces of loss and the same penalty on differences of scores: the joint form of the model."""

    slug: str = "joint-fit"
    title: str = "all classes fitted together"
    side_effects: str = "coefficients tell classes from each other, no longer each from all others"
    acts_on: frozenset[str] = frozenset({"one-vs-rest-masking"})
    expects: float = 0.05
    changes: frozenset[str] = ALL
    family: str = "model"
    fits: int = 2

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        need_refit(situation)
        if (situation.counts > 0).sum() < 3:
            raise CannotAct("with two classes one against the rest is joint already")
        joint = situation.view.joint_fit()
        if joint is None:
            raise CannotAct("the model is not one against the rest, or has no joint form")
        return (Recipe(self.slug, joint, expression=" ".join(repr(joint).split())),)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        return (
            "from marginscope.adapters.joint_fit import joint_fit\n\n"
            f"model = joint_fit(model)  # {recipe.expression}\n"
            "model.fit(X, y)"
        )
