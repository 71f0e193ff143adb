"""Train the same model with cross-entropy."""

from __future__ import annotations

from dataclasses import dataclass

from marginscope.adapters.components import is_named, own_params, predictors
from marginscope.remedies.changes import ALL
from marginscope.remedies.parameter_change import parameter_recipe, parameter_snippet
from marginscope.remedies.recipe import CannotAct, Recipe, Situation
from marginscope.remedies.shares import need_refit

__all__ = ["CrossEntropy"]

_OWN_CLASSIFIERS = ("MarginClassifier", "GradientDescentClassifier")


@dataclass(frozen=True)
class CrossEntropy:
    """The loss replaced by cross-entropy, whose gradient is largest where the answer is most wrong."""

    slug: str = "cross-entropy"
    title: str = "cross-entropy as the loss"
    side_effects: str = "rows with wrong labels pull harder than under a bounded loss"
    acts_on: frozenset[str] = frozenset({"flat-loss"})
    expects: float = 0.05
    changes: frozenset[str] = ALL
    family: str = "loss"
    fits: int = 1

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        need_refit(situation)
        path, present = _loss_parameter(situation)
        if str(getattr(present, "name", present)) == "cross_entropy":
            raise CannotAct("the loss is cross-entropy already")
        return (parameter_recipe(self.slug, situation, {path: "cross_entropy"}),)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        return parameter_snippet(recipe)


def _loss_parameter(situation: Situation) -> tuple[str, object]:
    """Return the deep name and the value of the parameter that sets the training loss."""
    knobs = situation.view.network_knobs()
    if knobs is not None and knobs.loss is not None:
        return knobs.loss, knobs.loss_value
    for path, part in predictors(situation.view.estimator):
        if is_named(part, *_OWN_CLASSIFIERS):
            return f"{path}__loss" if path else "loss", own_params(part)["loss"]
    raise CannotAct("the model has no choice of loss that is known here")
