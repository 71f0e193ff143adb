"""Small data with one planted problem each, and the case that a diagnosis makes of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import marginscope as ms
from marginscope.diagnosis.quiet import quiet_fits
from marginscope.findings import Finding, Status

# A shared machine may be busy: no example of a property is timed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@dataclass(frozen=True)
class Problem:
    """Training rows, and test rows from the same source (one fit instead of fifteen)."""

    X: Any
    y: Any
    X_test: Any = None
    y_test: Any = None

    def diagnose(self, model: Any, **options: Any) -> Any:
        """Diagnose a model on it."""
        return ms.diagnose(model, self.X, self.y, X_test=self.X_test, y_test=self.y_test, **options)

    def without_test(self) -> Problem:
        """Return the training rows alone, for cross-validation."""
        return Problem(self.X, self.y)

    def mapped(self, names: dict[Any, Any]) -> Problem:
        """Return it with other labels."""
        y, y_test = (np.array([names.get(v, v) for v in part.tolist()]) for part in (self.y, self.y_test))
        return replace(self, y=y, y_test=y_test)


@dataclass
class Keeper:
    """A check that keeps the case it was shown."""

    slug: str = "keeper"
    title: str = "keeps the case"
    cost: str = "free"
    kept: list[Any] = field(default_factory=list)

    def examine(self, case: Any) -> Finding:
        self.kept.append(case)
        return Finding(self.slug, Status.PASSED, "kept")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    with threadpool_limits(limits=1):
        yield


def _blobs(
    rng: np.random.Generator, sizes: list[int], centres: Any, spread: float, names: tuple[str, ...]
) -> tuple[Any, Any]:
    centres = np.asarray(centres, dtype=float)
    X = np.repeat(centres, sizes, axis=0) + spread * rng.standard_normal((sum(sizes), centres.shape[1]))
    y = np.repeat(list(names), sizes)
    order = rng.permutation(y.size)
    return X[order], y[order]


@pytest.fixture(scope="session")
def blobs() -> Callable[..., Problem]:
    """Normal clouds around centres; ``test`` times as many test rows as training rows."""

    def make(
        sizes: list[int],
        centres: Any,
        *,
        spread: float = 1.0,
        test: float = 2.0,
        names: tuple[str, ...] = ("ant", "bee", "cow", "dog", "elk"),
        seed: int = 0,
    ) -> Problem:
        rng = np.random.default_rng(seed)
        train = _blobs(rng, sizes, centres, spread, names[: len(sizes)])
        scored = _blobs(rng, [max(1, int(test * n)) for n in sizes], centres, spread, names[: len(sizes)])
        return Problem(*train, *(scored if test else (None, None)))

    return make


@pytest.fixture(scope="session")
def case_of() -> Callable[..., Any]:
    """Return the case that a diagnosis hands to its checks."""
    engine = importlib.import_module("marginscope.diagnosis.examination")

    def make(model: Any, problem: Problem, **options: Any) -> Any:
        keeper = Keeper()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(engine, "CHECKS", (keeper,))
            problem.diagnose(model, **options)
        return keeper.kept[0]

    return make


@pytest.fixture(scope="session")
def examine() -> Callable[..., Finding]:
    """Run one check on a case as a diagnosis does: quietly."""

    def run(check: Any, case: Any) -> Finding:
        with quiet_fits():
            return check.examine(case)

    return run


@pytest.fixture(scope="session")
def healthy(blobs: Any) -> Problem:
    """Three clouds far apart."""
    return blobs([60, 50, 40], [[0, 0, 0], [6, 0, 0], [0, 6, 0]])


@pytest.fixture(scope="session")
def scaled_logistic() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))


@pytest.fixture(scope="session")
def healthy_case(case_of: Any, healthy: Problem, scaled_logistic: Any) -> Any:
    return case_of(scaled_logistic, healthy)


@pytest.fixture(scope="session")
def given_case(case_of: Any, healthy: Problem) -> Any:
    """Predictions without a model, one class in three called by another's name."""
    y = healthy.y_test
    return case_of(ms.Predictions(np.where(y == "cow", "ant", y)), healthy)


@pytest.fixture(scope="session")
def imbalanced(blobs: Any) -> Problem:
    """A class of 25 rows beside 600 that only its share holds back."""
    return blobs([600, 300, 25], [[0, 0, 0], [5, 0, 0], [0, 2.2, 0]], test=1.5)


@pytest.fixture(scope="session")
def imbalanced_case(case_of: Any, imbalanced: Problem, scaled_logistic: Any) -> Any:
    return case_of(scaled_logistic, imbalanced)


@pytest.fixture(scope="session")
def rings() -> Problem:
    """Three circles around one point: no line tells the middle one."""

    def draw(rng: np.random.Generator, n: int) -> tuple[Any, Any]:
        y = np.repeat(["core", "ring", "rim"], n)
        radius = np.repeat([0.5, 2.0, 3.5], n) + 0.15 * rng.standard_normal(3 * n)
        angle = rng.uniform(0, 2 * np.pi, 3 * n)
        order = rng.permutation(3 * n)
        return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)[order], y[order]

    rng = np.random.default_rng(0)
    return Problem(*draw(rng, 100), *draw(rng, 150))


@pytest.fixture(scope="session")
def penalised_case(case_of: Any, penalised: Problem) -> Any:
    return case_of(LogisticRegression(C=1e-5), penalised)


@pytest.fixture(scope="session")
def penalised(blobs: Any) -> Problem:
    """Clouds that are easy to tell, for a model whose penalty is far too strong."""
    return blobs([120, 70, 40], [[0, 0, 0], [5, 0, 0], [0, 5, 0]])


@pytest.fixture(scope="session")
def mute(blobs: Any) -> Problem:
    """Class 'fox' is drawn from the mixture of the two others: the features do not know it."""
    rng = np.random.default_rng(7)

    def draw(n: int) -> tuple[Any, Any]:
        side = rng.integers(0, 2, n)
        X = np.stack([6.0 * side, np.zeros(n), np.zeros(n)], axis=1) + rng.standard_normal((n, 3))
        y = np.where(rng.random(n) < 0.33, "fox", np.where(side == 1, "bee", "ant"))
        return X, y

    return Problem(*draw(240), *draw(480))
