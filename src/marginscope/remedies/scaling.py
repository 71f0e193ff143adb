"""Standardise the features in front of the model."""

from __future__ import annotations

from dataclasses import dataclass

from marginscope.remedies.changes import ALL
from marginscope.remedies.recipe import CannotAct, Recipe, Situation
from marginscope.remedies.shares import need_refit

__all__ = ["Scaling"]


@dataclass(frozen=True)
class Scaling:
    """Zero mean and unit variance per feature, fitted on the training rows."""

    slug: str = "scaling"
    title: str = "standardised features"
    side_effects: str = "coefficients refer to standardised features"
    acts_on: frozenset[str] = frozenset({"unscaled-features"})
    expects: float = 0.05
    changes: frozenset[str] = ALL
    family: str = "features"
    fits: int = 1

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        need_refit(situation)
        if situation.view.has_scaler():
            raise CannotAct("the model scales its features already")
        if situation.view.is_scale_free():
            raise CannotAct("the model does not depend on the scale of single features")
        if situation.features.is_flattened:
            raise CannotAct(
                "the model reads rows with several axes (images, sequences), and a scaler reads tables only"
            )
        from sklearn.preprocessing import StandardScaler

        sparse = situation.features.is_sparse
        scaler = StandardScaler(with_mean=not sparse)
        return (Recipe(self.slug, situation.view.with_step_in_front(scaler)),)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        return (
            "from sklearn.pipeline import make_pipeline\n"
            "from sklearn.preprocessing import StandardScaler\n\n"
            "model = make_pipeline(StandardScaler(), model)\n"
            "model.fit(X, y)"
        )
