"""Class shares: where they differ, what a remedy trains under, and how to go back from there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from marginscope.remedies.recipe import CannotAct, Situation

__all__ = ["TrainsUnderOtherShares", "class_numbers", "even_shares", "need_refit", "need_uneven", "prior_snippet"]

Floats = NDArray[np.float64]

_EVEN = 1.02
_DIGITS = 4


@runtime_checkable
class TrainsUnderOtherShares(Protocol):
    """A remedy after which probabilities are those of a population of other class shares."""

    def trained_shares(self, counts: NDArray[np.int64]) -> Floats:
        """Return the shares (n_classes,) that training rows with these counts stand for."""
        ...


def even_shares(counts: NDArray[np.int64]) -> Floats:
    """Return equal shares of the classes that have rows."""
    present = np.asarray(counts) > 0
    return np.asarray(present / max(1, int(present.sum())), dtype=np.float64)


def need_uneven(situation: Situation) -> NDArray[np.int64]:
    """Return the rows of the classes that have any; raise ``CannotAct`` where all have equally many."""
    counts = situation.counts[situation.counts > 0]
    if counts.max() <= _EVEN * counts.min():
        raise CannotAct("the classes have equal numbers of rows, so there is nothing to make up for")
    return counts


def need_refit(situation: Situation) -> None:
    """Raise ``CannotAct`` where nothing can be fitted again."""
    if not situation.view.can_refit:
        raise CannotAct("the model cannot be fitted again, or only its answers are known")


def class_numbers(situation: Situation, numbers: Sequence[float] | Floats) -> dict[Any, float]:
    """Return one number per class with rows by label, with the digits that a snippet shows."""
    labels = situation.labels[situation.counts > 0].tolist()
    return {label: float(f"{number:.{_DIGITS}g}") for label, number in zip(labels, numbers, strict=True)}


def prior_snippet(situation: Situation, trained: Floats) -> str:
    """Return code that turns probabilities back to the class shares of y.

        p_k proportional to p'_k pi_k / pi'_k

    Notes
    -----
    Saerens, Latinne and Decaestecker (2002), equation 2.4: pi of y, pi' of the training.
    """
    present = situation.counts > 0
    counts = situation.counts[present]
    factors = counts / counts.sum() / trained[present]
    shown = ", ".join(f"{one:.{_DIGITS}g}" for one in factors / factors.max())
    return (
        "# probabilities for the class shares of y, not for those that it was trained under\n"
        f"factors = [{shown}]  # share in y / share in training, in the order of model.classes_\n"
        "proba = model.predict_proba(X_new) * factors\n"
        "proba /= proba.sum(axis=1, keepdims=True)"
    )
