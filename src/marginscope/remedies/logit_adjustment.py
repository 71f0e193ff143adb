"""Post-hoc logit adjustment: divide probabilities by the training shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.remedies.changes import OPTIMUM, PATH
from marginscope.remedies.recipe import CannotAct, Recipe, Situation
from marginscope.remedies.shares import even_shares

__all__ = ["LogitAdjustment", "adjust"]

_TINY = 1e-300


def adjust(proba: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log p_k - log pi_k; a class without training rows never wins.

    Notes
    -----
    Menon et al. (2021), equation 9, at tau = 1: the Bayes rule for balanced error.
    """
    with np.errstate(divide="ignore"):
        shift = np.where(shares > 0, np.log(np.maximum(shares, _TINY)), np.inf)
    adjusted: NDArray[np.float64] = np.log(np.maximum(proba, _TINY)) - shift
    return adjusted


@dataclass(frozen=True)
class LogitAdjustment:
    """Move the decision by the class priors alone; nothing is refitted."""

    slug: str = "logit-adjustment"
    title: str = "logit adjustment by the class shares"
    side_effects: str = "no refit; the adjusted scores are not probabilities of the population you have"
    acts_on: frozenset[str] = frozenset({"imbalance", "knob-ignored", "few-rows", "rival-overlap"})
    expects: float = 0.05
    changes: frozenset[str] = frozenset({PATH, OPTIMUM})
    family: str = "decision"
    fits: int = 0

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        if not situation.view.has_proba:
            raise CannotAct("the model gives no probabilities to adjust")
        counts = situation.counts[situation.counts > 0]
        if counts.max() <= 1.02 * counts.min():
            raise CannotAct("the classes have equal shares, so there is nothing to adjust")
        return (Recipe(self.slug, posthoc=adjust),)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        if not situation.view.can_refit:
            return (
                "import numpy as np\n\n"
                "# proba: your (rows, classes) probabilities, classes in sorted order; y: the training labels\n"
                "labels, counts = np.unique(y, return_counts=True)\n"
                "scores = np.log(proba + 1e-300) - np.log(counts / counts.sum())\n"
                "predicted = labels[scores.argmax(axis=1)]"
            )
        return (
            "import numpy as np\n\n"
            "model.fit(X, y)\n"
            "shares = np.array([np.mean(y == label) for label in model.classes_])\n"
            "scores = np.log(model.predict_proba(X_new) + 1e-300) - np.log(shares)\n"
            "predicted = model.classes_[scores.argmax(axis=1)]"
        )

    def trained_shares(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """See ``TrainsUnderOtherShares``."""
        return even_shares(counts)
