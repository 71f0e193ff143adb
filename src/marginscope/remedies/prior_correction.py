"""Correct the class priors from the training shares to those of the test set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.remedies.changes import OPTIMUM, PATH
from marginscope.remedies.recipe import CannotAct, Recipe, Situation
from marginscope.remedies.shares import class_numbers

__all__ = ["PriorCorrection", "ToShares"]

Floats = NDArray[np.float64]

_TINY = 1e-300
_EQUAL = 1.02


@dataclass(frozen=True)
class ToShares:
    """The rule log p_k + log(expected share of k / training share of k); a class without training rows never wins.

    Notes
    -----
    Saerens, Latinne and Decaestecker (2002), equation 2.4.
    """

    expected: tuple[float, ...]

    def __call__(self, proba: Floats, shares: Floats) -> Floats:
        """Return scores (n_samples, n_classes)."""
        expected = np.asarray(self.expected)
        if expected.size != shares.size:  # a model that knows the trained classes alone
            expected = expected[expected > 0]
        with np.errstate(divide="ignore"):
            shift = np.where(shares > 0, np.log(np.maximum(expected, _TINY) / np.maximum(shares, _TINY)), -np.inf)
        scores: Floats = np.log(np.maximum(proba, _TINY)) + shift
        return scores


@dataclass(frozen=True)
class PriorCorrection:
    """Divide by the training shares and multiply by those of the test set; nothing is refitted."""

    slug: str = "prior-correction"
    title: str = "correction to the class shares of the test set"
    side_effects: str = "no refit; right only as long as the shares stay those of the test set"
    acts_on: frozenset[str] = frozenset({"share-drift"})
    expects: float = 0.05
    changes: frozenset[str] = frozenset({PATH, OPTIMUM})
    family: str = "decision"
    fits: int = 0

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        tested = situation.test_counts
        if tested is None:
            raise CannotAct("no test set was given, so only the training shares are known")
        if not situation.view.has_proba:
            raise CannotAct("the model gives no probabilities to correct")
        if situation.view.class_weight_params():
            raise CannotAct("the model has class weights, so its probabilities are not those of the training shares")
        trained = situation.counts > 0
        now = situation.counts[trained] / situation.counts.sum()
        then = _expected(situation)[trained]
        if np.all(then <= _EQUAL * now):
            raise CannotAct("training and test set have the same class shares, so there is nothing to correct")
        return (Recipe(self.slug, posthoc=ToShares(tuple(_expected(situation).tolist()))),)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        expected = class_numbers(situation, _expected(situation)[situation.counts > 0])
        start = f"import numpy as np\n\nexpected = {expected!r}  # class shares of the rows to come\n"
        if not situation.view.can_refit:
            return (
                f"{start}# proba: your (rows, classes) probabilities, classes in sorted order; y: the training labels\n"
                "labels, counts = np.unique(y, return_counts=True)\n"
                "factors = np.array([expected[label] for label in labels.tolist()]) * counts.sum() / counts\n"
                "predicted = labels[(proba * factors).argmax(axis=1)]"
            )
        return (
            f"{start}model.fit(X, y)\n"
            "shares = np.array([np.mean(y == label) for label in model.classes_])\n"
            "factors = np.array([expected[label] for label in model.classes_.tolist()]) / shares\n"
            "predicted = model.classes_[(model.predict_proba(X_new) * factors).argmax(axis=1)]"
        )


def _expected(situation: Situation) -> Floats:
    """Shares of the test rows; half a row each keeps a class that the test set lacks possible."""
    assert situation.test_counts is not None
    smoothed = np.where(situation.counts > 0, situation.test_counts + 0.5, 0.0)
    return np.asarray(smoothed / smoothed.sum(), dtype=np.float64)
