"""Models and situations that every remedy is held against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from marginscope.adapters.open_model import as_model_view
from marginscope.remedies.recipe import Situation
from marginscope.tables.features import features_from


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(scope="session")
def uneven() -> tuple[Any, Any, Any, Any]:
    """Training and test rows of three clouds of 200, 100 and 20 rows, the rare one near the large one."""
    rng = np.random.default_rng(0)

    def draw(sizes: list[int]) -> tuple[Any, Any]:
        centres = np.array([[0.0, 0, 0], [5, 0, 0], [0, 2.2, 0]])
        X = np.repeat(centres, sizes, axis=0) + rng.standard_normal((sum(sizes), 3))
        y = np.repeat(["ant", "bee", "cow"], sizes)
        order = rng.permutation(y.size)
        return X[order], y[order]

    return *draw([200, 100, 20]), *draw([300, 150, 60])


@pytest.fixture(scope="session")
def situation_of(uneven: Any) -> Callable[..., Situation]:
    """Return what a remedy may look at, for a model on the uneven rows or on others."""

    def make(model: Any, *, X: Any = None, y: Any = None, merges: Any = None, seed: int = 0, **known: Any) -> Situation:
        X, y = (uneven[0] if X is None else X), (uneven[1] if y is None else y)
        labels, codes = np.unique(y, return_inverse=True)
        view = as_model_view(model, seed=seed)
        return Situation(view, features_from(X), labels, np.bincount(codes), seed, merges or {}, **known)

    return make


@pytest.fixture
def logistic() -> LogisticRegression:
    return LogisticRegression()
