"""Take a richer class of models: gradient-boosted trees."""

from __future__ import annotations

from dataclasses import dataclass

from marginscope.adapters.references import boosted_expression, boosted_reference
from marginscope.remedies.changes import ALL
from marginscope.remedies.recipe import CannotAct, Recipe, Situation

__all__ = ["RicherModel"]


@dataclass(frozen=True)
class RicherModel:
    """Histogram gradient boosting on the prepared features."""

    slug: str = "richer-model"
    title: str = "gradient-boosted trees"
    side_effects: str = "no coefficients to read; slower to fit"
    acts_on: frozenset[str] = frozenset({"low-capacity", "few-rows", "rival-overlap"})
    expects: float = 0.05
    changes: frozenset[str] = ALL
    family: str = "model"
    fits: int = 10

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        if situation.view.is_flexible():
            raise CannotAct("the model is an ensemble of trees already")
        estimator = boosted_reference(situation.features, n_classes=situation.labels.size, seed=situation.seed)
        return (Recipe(self.slug, estimator, reads_features=True),)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        return (
            "from sklearn.ensemble import HistGradientBoostingClassifier\n\n"
            f"model = {boosted_expression(situation.features, n_classes=situation.labels.size, seed=situation.seed)}\n"
            "model.fit(X, y)"
        )
