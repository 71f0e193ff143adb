"""tau-normalisation: class vectors divided by a power of their length, after the fit."""

from __future__ import annotations

from dataclasses import dataclass

from marginscope.adapters.components import is_named, own_params, steps_of
from marginscope.remedies.changes import ALL
from marginscope.remedies.recipe import CannotAct, Recipe, Situation
from marginscope.remedies.rescaled_rows import TauNormalised
from marginscope.remedies.shares import need_refit, need_uneven

__all__ = ["TauNormalisation"]


@dataclass(frozen=True)
class TauNormalisation:
    """Scores v_k / ||w_k||^tau of a linear model or of a network's last layer (Kang et al. 2020)."""

    slug: str = "tau-normalisation"
    title: str = "class vectors of like length"
    side_effects: str = "probabilities stay those of the model and need not agree with decisions"
    acts_on: frozenset[str] = frozenset({"imbalance", "weights-vanish"})
    expects: float = 0.05
    changes: frozenset[str] = ALL
    family: str = "decision"
    fits: int = 1
    taus: tuple[float, ...] = (0.5, 1.0)

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        need_refit(situation)
        if need_uneven(situation).size < 3:
            raise CannotAct("two classes have one class vector up to its sign, so their lengths are equal")
        if not _has_class_vectors(situation):
            raise CannotAct("the model has no class vectors: it is neither linear nor a network")
        return tuple(
            Recipe(f"{self.slug} tau={tau:g}", TauNormalised(situation.view.estimator, tau), expression=f"tau={tau:g}")
            for tau in self.taus
        )

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        return (
            "from marginscope.remedies.rescaled_rows import TauNormalised\n\n"
            f"model = TauNormalised(model, {recipe.expression})\n"
            "model.fit(X, y)"
        )


def _has_class_vectors(situation: Situation) -> bool:
    if situation.view.network_knobs() is not None:
        return True
    model = situation.view.estimator
    while (steps := steps_of(model)) or is_named(model, "BaseSearchCV", "OneVsRestClassifier"):
        model = steps[-1][1] if steps else own_params(model)["estimator"]
    return is_named(model, "LinearClassifierMixin", "LinearClassifier")
