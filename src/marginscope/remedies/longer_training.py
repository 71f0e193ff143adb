"""Train longer."""

from __future__ import annotations

from dataclasses import dataclass

from marginscope.adapters.step_limits import is_cut_short
from marginscope.remedies.changes import PATH
from marginscope.remedies.parameter_change import parameter_recipe, parameter_snippet
from marginscope.remedies.recipe import CannotAct, Recipe, Situation
from marginscope.remedies.training_length import lengthened, other_step_sizes, step_counts

__all__ = ["LongerTraining"]


@dataclass(frozen=True)
class LongerTraining:
    """More steps with the step size as it is, and at its default if that is far off; if short, with larger ones too.

    A training is short if it has less than a quarter of the default steps: then other step sizes cost little.

    The number of steps is ``factor`` times the present one, ``factor_of_epochs`` times for a
    model that has a step size (its steps are whole passes or trees, and cost most), and never
    less than the default. Rules that stop the training early are switched off.
    """

    slug: str = "longer-training"
    title: str = "more training steps"
    side_effects: str = "training takes as many times longer; without a penalty the model may start to overfit"
    acts_on: frozenset[str] = frozenset({"not-converged", "flat-loss"})
    expects: float = 0.05
    changes: frozenset[str] = frozenset({PATH})
    family: str = "training"
    fits: int = 10
    factor: float = 10.0
    factor_of_epochs: float = 4.0
    step_factors: tuple[float, ...] = (10.0, 100.0)

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        counts = step_counts(situation)
        sizes = [knob for knob in situation.view.training_knobs() if knob.kind == "step_size"]
        longer = lengthened(situation, counts, self.factor_of_epochs if sizes else self.factor)
        if all(longer[knob.path] == knob.value for knob in counts):
            raise CannotAct("the number of training steps is at the end of its range already")
        first = counts[0]
        name = f"{self.slug} x{longer[first.path] / first.value:.3g}"
        recipes = [parameter_recipe(name, situation, longer)]
        is_short = is_cut_short(situation.view.estimator, counts)
        factors = self.step_factors if is_short else ()
        is_unusual = is_short or is_cut_short(situation.view.estimator, sizes)
        for how, value in other_step_sizes(situation, sizes[0], factors).items() if sizes and is_unusual else ():
            whole = {**longer, sizes[0].path: value}
            recipes.append(parameter_recipe(f"{name}, step size {how}", situation, whole))
        return tuple(recipes)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        return parameter_snippet(recipe)
