"""Standardise the features in front of the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marginscope.adapters.components import components, is_named, own_params, steps_of
from marginscope.remedies.changes import ALL
from marginscope.remedies.recipe import CannotAct, Recipe, Situation
from marginscope.remedies.shares import need_refit

__all__ = ["Scaling"]

_MAKE_SPARSE = ("ColumnTransformer", "OneHotEncoder", "CountVectorizer", "TfidfTransformer", "HashingVectorizer")


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

        scaler = StandardScaler(with_mean=not _may_be_sparse(situation))
        return (Recipe(self.slug, situation.view.with_step_in_front(scaler)),)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        scaler = "StandardScaler(with_mean=False)" if _may_be_sparse(situation) else "StandardScaler()"
        head = "from sklearn.preprocessing import StandardScaler\n"
        place = _place(recipe.estimator, situation.view.estimator)
        if place is None:
            head += f"from sklearn.pipeline import make_pipeline\n\nmodel = make_pipeline({scaler}, model)\n"
        else:
            owner, name, steps_after = place
            head += f"\n{owner}.steps.insert({-steps_after}, ({name!r}, {scaler}))\n"
        return f"{head}model.fit(X, y)"


def _may_be_sparse(situation: Situation) -> bool:
    """Whether rows that reach the scaler are sparse, or may be: those are not centred."""
    if situation.features.is_sparse:
        return True
    return any(is_named(part, *_MAKE_SPARSE) for part in components(situation.view.estimator).values())


def _place(made: Any, present: Any) -> tuple[str, str, int] | None:
    """Return the pipeline that got the scaler, the step's name and the steps after it; None for a new pipeline."""
    path = "model"
    while (steps := steps_of(present)) is None:
        present, made = own_params(present).get("estimator"), own_params(made).get("estimator")
        if present is None or made is None:
            return None
        path += ".estimator"
    known = [name for name, _ in steps]
    names = [name for name, _ in steps_of(made) or ()]
    return next(((path, name, len(names) - 1 - at) for at, name in enumerate(names) if name not in known), None)
