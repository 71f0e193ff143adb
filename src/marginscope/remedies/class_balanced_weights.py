"""Class weights by the effective number of rows, milder than balanced ones."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.adapters.components import components, is_named, parent_and_name, predictors
from marginscope.losses.adjust import class_balanced_weights
from marginscope.remedies.changes import OPTIMUM, PATH
from marginscope.remedies.recipe import CannotAct, Recipe, Situation
from marginscope.remedies.shares import class_numbers, need_refit, need_uneven
from marginscope.remedies.weighted import LabelWeights

__all__ = ["ClassBalancedWeights"]


@dataclass(frozen=True)
class ClassBalancedWeights:
    """Weight of class k proportional to (1 - beta) / (1 - beta^n_k) (Cui et al. 2019), total weight as it was."""

    slug: str = "class-balanced-weights"
    title: str = "weights by the effective number of rows"
    side_effects: str = (
        "probabilities are those of a more balanced population; on separable data without a penalty the effect fades"
    )
    acts_on: frozenset[str] = frozenset({"imbalance", "few-rows"})
    expects: float = 0.05
    changes: frozenset[str] = frozenset({PATH, OPTIMUM})
    family: str = "weights"
    fits: int = 1
    beta: float = 0.99

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        present = situation.view.class_weight_params()
        if present:
            path, value = next(iter(present.items()))
            raise CannotAct(f"the model has class weights already ({path}={value!r})")
        counts = need_uneven(situation)
        weights = class_numbers(situation, self._weights(counts))
        route = situation.view.weight_route()
        if route is None:
            raise CannotAct("the model takes neither class_weight nor sample_weight")
        need_refit(situation)
        kind, path = route
        if kind == "sample_weight":
            return (Recipe(self.slug, LabelWeights(situation.view.estimator, weights, path), expression=repr(weights)),)
        if any(is_named(part, "BaseHistGradientBoosting") for _, part in predictors(situation.view.estimator)):
            # It looks for the numbers 0 to K - 1 among the keys of a mapping, whatever the labels are.
            raise CannotAct("histogram boosting of scikit-learn takes balanced class weights only")
        if situation.view.joint_fit() is not None:
            raise CannotAct("the model fits each class against the rest, where weights by class mean something else")
        if _is_read_by_scikit_learn(situation.view.estimator, path):
            weights |= _under_numbers(weights)
        return (Recipe(self.slug, situation.view.with_params(**{path: weights}), expression=f"{path}={weights!r}"),)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        if not isinstance(recipe.estimator, LabelWeights):
            return f"model.set_params({recipe.expression})\nmodel.fit(X, y)"
        keyword = recipe.estimator.keyword
        return f"weights = {recipe.expression}\nmodel.fit(X, y, {keyword}=[weights[label] for label in y])"

    def trained_shares(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """See ``TrainsUnderOtherShares``."""
        shares = np.zeros(len(counts))
        present = np.asarray(counts) > 0
        mass = counts[present] * self._weights(counts[present])
        shares[present] = mass / mass.sum()
        return shares

    def _weights(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return weights under which the rows weigh as much as they are many: the penalty keeps its place."""
        if counts.size < 2:
            return np.ones(counts.size)
        weights = np.asarray(class_balanced_weights(counts, self.beta).class_weights)
        return np.asarray(weights * counts.sum() / (weights @ counts))


def _is_read_by_scikit_learn(estimator: Any, path: str) -> bool:
    """Say whether a parameter belongs to one of its own models; others may refuse a key that is no label."""
    known = components(estimator)
    owner = known[parent_and_name(path, known)[0]]
    return str(getattr(type(owner).__init__, "__module__", "")).partition(".")[0] == "sklearn"


def _under_numbers(weights: Mapping[Any, float]) -> dict[Any, float]:
    """Return the weights of labels that are written whole numbers under these numbers.

    scikit-learn 1.9 turns such labels into numbers before it looks for them among the keys;
    earlier versions look for the labels as they are.
    """
    found = {}
    for label, weight in weights.items():
        if isinstance(label, str):
            with suppress(ValueError):
                found[int(label)] = weight
    return found
