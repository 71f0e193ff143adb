"""Random under-sampling to the smallest class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.remedies.changes import ALL
from marginscope.remedies.recipe import Recipe, Situation
from marginscope.remedies.resampling import import_imblearn, resampled, resampling_snippet
from marginscope.remedies.shares import even_shares

__all__ = ["UnderSampling"]


@dataclass(frozen=True)
class UnderSampling:
    """imbalanced-learn's ``RandomUnderSampler`` in front of the model."""

    slug: str = "under-sampling"
    title: str = "random under-sampling to the smallest class"
    side_effects: str = "most rows of the large classes are thrown away"
    acts_on: frozenset[str] = frozenset({"imbalance", "knob-ignored", "few-rows"})
    expects: float = 0.05
    changes: frozenset[str] = ALL
    family: str = "rows"
    fits: int = 1

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        sampler = import_imblearn().under_sampling.RandomUnderSampler(random_state=situation.seed)
        return (Recipe(self.slug, resampled(situation, sampler)),)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        return resampling_snippet("under_sampling", f"RandomUnderSampler(random_state={situation.seed})")

    def trained_shares(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """See ``TrainsUnderOtherShares``."""
        return even_shares(counts)
