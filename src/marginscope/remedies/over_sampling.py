"""Random over-sampling to the largest class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.remedies.changes import OPTIMUM, PATH
from marginscope.remedies.recipe import Recipe, Situation
from marginscope.remedies.resampling import import_imblearn, resampled, resampling_snippet
from marginscope.remedies.shares import even_shares

__all__ = ["OverSampling"]


@dataclass(frozen=True)
class OverSampling:
    """imbalanced-learn's ``RandomOverSampler`` in front of the model."""

    slug: str = "over-sampling"
    title: str = "random over-sampling to the largest class"
    side_effects: str = "rows are repeated; probabilities are those of a balanced population"
    acts_on: frozenset[str] = frozenset({"imbalance", "knob-ignored", "few-rows"})
    expects: float = 0.05
    changes: frozenset[str] = frozenset({PATH, OPTIMUM})
    family: str = "rows"
    fits: int = 1

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        sampler = import_imblearn().over_sampling.RandomOverSampler(random_state=situation.seed)
        return (Recipe(self.slug, resampled(situation, sampler)),)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        return resampling_snippet("over_sampling", f"RandomOverSampler(random_state={situation.seed})")

    def trained_shares(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """See ``TrainsUnderOtherShares``."""
        return even_shares(counts)
