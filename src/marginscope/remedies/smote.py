"""SMOTE: synthetic rows between neighbours of a small class."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.adapters.components import steps_of
from marginscope.remedies.changes import OPTIMUM, PATH
from marginscope.remedies.recipe import CannotAct, Recipe, Situation
from marginscope.remedies.resampling import import_imblearn, resampled, resampling_snippet

__all__ = ["Smote", "fill_up"]

_NEIGHBOURS = 5
_LEAST_ROWS = _NEIGHBOURS + 1


def fill_up(y: Any) -> dict[Any, int]:
    """Raise every class with enough rows to interpolate to the size of the largest."""
    counts = Counter(y.tolist() if hasattr(y, "tolist") else list(y))
    largest = max(counts.values())
    return {label: largest for label, n in counts.items() if _LEAST_ROWS <= n < largest}


@dataclass(frozen=True)
class Smote:
    """imbalanced-learn's ``SMOTE`` in front of the model, for classes of 8 rows and more."""

    slug: str = "smote"
    title: str = "rows made between neighbours of a small class (SMOTE)"
    side_effects: str = "synthetic rows; probabilities are those of a balanced population"
    acts_on: frozenset[str] = frozenset({"imbalance", "knob-ignored", "few-rows"})
    expects: float = 0.05
    changes: frozenset[str] = frozenset({PATH, OPTIMUM})
    family: str = "rows"
    fits: int = 1
    least_rows: int = 8

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        counts = situation.counts
        small = (counts >= self.least_rows) & (counts < counts.max())
        if not small.any():
            raise CannotAct(f"no smaller class has the {self.least_rows} rows that interpolation needs in every fold")
        if len(steps_of(situation.view.estimator) or ()) < 2 and _has_gaps(situation):
            raise CannotAct("the model reads categories or missing values, and there is nothing between two of those")
        sampler = import_imblearn().over_sampling.SMOTE(
            sampling_strategy=fill_up, k_neighbors=_NEIGHBOURS, random_state=situation.seed
        )
        return (Recipe(self.slug, resampled(situation, sampler)),)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        code = resampling_snippet(
            "over_sampling",
            f"SMOTE(sampling_strategy=fill_up, k_neighbors={_NEIGHBOURS}, random_state={situation.seed})",
        )
        return "from marginscope.remedies.smote import fill_up\n" + code

    def trained_shares(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """See ``TrainsUnderOtherShares``."""
        counts = np.asarray(counts)
        filled = np.where(counts >= _LEAST_ROWS, counts.max(), counts).astype(np.float64)
        return np.asarray(filled / filled.sum(), dtype=np.float64)


def _has_gaps(situation: Situation) -> bool:
    """Whether some feature is a category, or missing in some row."""
    features = situation.features
    values = features.values.data if features.is_sparse else features.values
    return any(features.categorical) or bool(np.isnan(values).any())
