"""Which parameters make which model smaller: depth, leaves, width, neighbours."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from marginscope.adapters.components import is_named, own_params, predictors
from marginscope.adapters.searched_values import listed_values

__all__ = ["CAPACITIES", "LEVELS", "Capacity", "limits", "smaller"]

_TREES = ("DecisionTreeClassifier", "BaseForest", "BaseGradientBoosting")


@dataclass(frozen=True)
class Capacity:
    """One kind of parameter that limits what a model can learn.

    ``owners`` are class names (a subclass counts). ``values`` are tried from mild to strong, as
    far as they limit more than the present value; ``factors`` are multiples of the present one.
    ``larger_is_smaller`` is for parameters whose larger values mean a smaller model.
    """

    parameter: str
    owners: tuple[str, ...]
    values: tuple[int, ...] = ()
    factors: tuple[float, ...] = ()
    larger_is_smaller: bool = False

    def limited(self, present: Any, level: int) -> Any:
        """Return the value of one level, ``None`` where it limits no more than the present one."""
        if isinstance(present, tuple | list):
            sizes = tuple(max(2, round(one * self.factors[level])) for one in present)
            return sizes if sizes != tuple(present) else None
        if isinstance(present, str | bool):
            return None
        if not isinstance(present, int | float | np.number) or present < 0:
            # None, or -1 in some libraries: without a limit.
            return self.values[level] if self.values else None
        wanted = self.values[level] if self.values else self._times(present, self.factors[level])
        return wanted if (wanted > present if self.larger_is_smaller else wanted < present) else None

    def largest(self, values: Iterable[Any]) -> Any:
        """Return the value of the largest model, a word if one is among them."""
        return max(values, key=self._size)

    def cut(self, value: Any, limit: Any) -> Any:
        """Return a value, or the limit where that is a smaller model."""
        return min(value, limit, key=self._size)

    def _size(self, value: Any) -> float:
        if isinstance(value, tuple | list):
            return float(np.prod(value))
        if isinstance(value, str | bool) or not isinstance(value, int | float | np.number) or value < 0:
            return math.inf
        return -float(value) if self.larger_is_smaller else float(value)

    @staticmethod
    def _times(present: Any, factor: float) -> Any:
        if isinstance(present, int | np.integer):
            return max(1, round(present * factor))
        # Twelve digits: 0.3 * 0.1 shall read 0.03 in a snippet.
        return float(f"{present * factor:.12g}")


# The first row that fits a component decides, so that no two limits are mixed.
CAPACITIES = (
    Capacity("max_leaf_nodes", ("BaseHistGradientBoosting",), values=(8, 4)),
    Capacity("max_depth", (*_TREES, "XGBModel", "CatBoost"), values=(5, 3)),
    Capacity("num_leaves", ("LGBMModel",), values=(8, 4)),
    Capacity("n_neighbors", ("KNeighborsClassifier",), values=(9, 27), larger_is_smaller=True),
    Capacity("hidden_layer_sizes", ("BaseMultilayerPerceptron",), factors=(0.25, 0.0625)),
    Capacity("copies", ("NetworkClassifier", "KerasNetwork"), factors=(0.5, 0.25)),
    Capacity("gamma", ("SVC", "NuSVC"), factors=(0.1, 0.01)),
)
LEVELS = 2


def limits(estimator: Any) -> dict[str, Capacity]:
    """Return what limits the predicting components, by deep parameter name."""
    found = {}
    for path, part in predictors(estimator):
        rule = next((rule for rule in CAPACITIES if is_named(part, *rule.owners)), None)
        if rule is not None and rule.parameter in own_params(part):
            found[f"{path}__{rule.parameter}" if path else rule.parameter] = rule
    return found


def smaller(estimator: Any, level: int) -> dict[str, Any]:
    """Return the parameters of a smaller model, by deep name; empty where nothing is known to limit.

    Of a parameter that a search varies the largest model counts.

    Parameters
    ----------
    level : int
        0 is mild, ``LEVELS`` - 1 the strongest.
    """
    changed = {}
    for path, rule in limits(estimator).items():
        values = listed_values(estimator, path)
        value = rule.limited(rule.largest(values), level) if values else None
        if value is not None:
            changed[path] = value
    return changed
