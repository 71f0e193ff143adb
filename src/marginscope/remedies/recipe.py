"""What a remedy turns a model into: an estimator to fit, and how to read its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from marginscope.adapters.model_view import ModelView
from marginscope.tables.feature_matrix import FeatureMatrix

__all__ = ["CannotAct", "Posthoc", "Recipe", "Remedy", "Situation"]

Posthoc = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]


class CannotAct(Exception):
    """A remedy that has nothing to turn on this model; the message says why."""


@dataclass(frozen=True)
class Situation:
    """What a remedy may look at.

    ``counts`` are the training rows per class, in the order of ``labels``; ``merges``
    maps a label to the spelling it should have, ``relabelling`` a row of the data to the
    class it seems to belong to. ``test_counts`` are the test rows per class, ``None``
    without a test set.
    """

    view: ModelView
    features: FeatureMatrix
    labels: NDArray[Any]
    counts: NDArray[np.int64]
    seed: int
    merges: Mapping[int, int]
    relabelling: Mapping[int, int] = field(default_factory=dict)
    test_counts: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Recipe:
    """One way to train.

    Attributes
    ----------
    name : str
        The remedy's slug, with a strength where it has several.
    estimator : object or None
        Unfitted; ``None`` means the present model.
    reads_features : bool
        Whether it is fitted on the prepared feature matrix instead of the user's X.
    posthoc : callable or None
        (probabilities (n, K), training shares (K,)) -> scores (n, K), applied to a
        model that is fitted anyway.
    merges : mapping
        Class code to class code, before fitting and scoring.
    relabelling : mapping
        Row of the data to class code, before fitting; these rows are not scored, because
        their label is what is in doubt.
    expression : str
        Python code that makes the estimator, for the snippet.
    """

    name: str
    estimator: Any = None
    reads_features: bool = False
    posthoc: Posthoc | None = None
    merges: Mapping[int, int] | None = None
    relabelling: Mapping[int, int] | None = None
    expression: str = ""


class Remedy(Protocol):
    """One remedy.

    ``slug`` and ``title`` name it, ``side_effects`` says what else it changes,
    ``acts_on`` lists the causes it can act on and ``expects`` the least lift of
    recall that it claims. ``changes`` says what it can move (``remedies.changes``),
    ``family`` what it turns (one of ``FAMILIES``), and ``fits`` about how many fits of
    the model it takes, 0 for a rule on answers that are there.
    """

    @property
    def slug(self) -> str:
        """See the class."""
        ...

    @property
    def title(self) -> str:
        """See the class."""
        ...

    @property
    def side_effects(self) -> str:
        """See the class."""
        ...

    @property
    def acts_on(self) -> frozenset[str]:
        """See the class."""
        ...

    @property
    def expects(self) -> float:
        """See the class."""
        ...

    @property
    def changes(self) -> frozenset[str]:
        """See the class."""
        ...

    @property
    def family(self) -> str:
        """See the class."""
        ...

    @property
    def fits(self) -> int:
        """See the class."""
        ...

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """Return the recipes to try, mildest first; raise ``CannotAct`` with the reason."""
        ...

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """Return code to paste that applies the recipe."""
        ...
