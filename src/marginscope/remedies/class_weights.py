"""Balanced class weights: every class the same total weight in the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.remedies.changes import OPTIMUM, PATH
from marginscope.remedies.recipe import CannotAct, Recipe, Situation
from marginscope.remedies.shares import even_shares, need_refit
from marginscope.remedies.weighted import BalancedWeights

__all__ = ["ClassWeights"]


@dataclass(frozen=True)
class ClassWeights:
    """Weight of class k proportional to 1 / n_k, through whichever route the model has."""

    slug: str = "class-weights"
    title: str = "balanced class weights"
    side_effects: str = (
        "probabilities are those of a balanced population; on separable data without a penalty the effect fades"
    )
    acts_on: frozenset[str] = frozenset({"imbalance", "few-rows", "rival-overlap"})
    expects: float = 0.05
    changes: frozenset[str] = frozenset({PATH, OPTIMUM})
    family: str = "weights"
    fits: int = 1

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        present = situation.view.class_weight_params()
        if present:
            path, value = next(iter(present.items()))
            raise CannotAct(f"the model has class weights already ({path}={value!r})")
        counts = situation.counts[situation.counts > 0]
        if counts.max() <= 1.02 * counts.min():
            raise CannotAct("the classes have equal numbers of rows, so balanced weights are all one")
        route = situation.view.weight_route()
        if route is None:
            raise CannotAct("the model takes neither class_weight nor sample_weight")
        need_refit(situation)
        kind, path = route
        if kind == "class_weight":
            return (Recipe(self.slug, situation.view.with_params(**{path: "balanced"})),)
        return (Recipe(self.slug, BalancedWeights(situation.view.estimator, path)),)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        route: Any = situation.view.weight_route()
        if route is not None and route[0] == "class_weight":
            return f'model.set_params({route[1]}="balanced")\nmodel.fit(X, y)'
        return (
            "from sklearn.utils.class_weight import compute_sample_weight\n\n"
            f'model.fit(X, y, {route[1]}=compute_sample_weight("balanced", y))'
        )

    def trained_shares(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """See ``TrainsUnderOtherShares``."""
        return even_shares(counts)
