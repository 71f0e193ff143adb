"""Threads on classes that are fine alone and lost together."""

from __future__ import annotations

import numpy as np
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import marginscope as ms
from benchmarks.threads.case import Case, blobs, thread


def _network(width: int, **options):
    import torch

    import marginscope.torch as mt

    def make(n_features: int, n_classes: int):
        return torch.nn.Sequential(
            torch.nn.Linear(n_features, width), torch.nn.ReLU(), torch.nn.Linear(width, n_classes)
        )

    return mt.NetworkClassifier(make, random_state=0, **options)


@thread("iou-zero-after-another-loss")
def flat() -> Case:
    rng = np.random.default_rng(3054)
    X, y = blobs(rng, {f"c{k}": 250 for k in range(8)}, 2.5 * rng.standard_normal((8, 10)))
    model = _network(64, loss="mae", n_epochs=30, learning_rate=1e-3)
    diagnosis = ms.diagnose(model, X, y)
    lost = tuple(one.label for one in diagnosis.classes if one.recall is not None and one.recall < 0.5)
    shape = "8 classes of 250 rows that cross-entropy learns; the loss is one minus the probability of the class"
    return Case(shape, "network of torch, loss mae", diagnosis, lost=lost)


@thread("fine-alone-never-together")
def detectron() -> Case:
    rng = np.random.default_rng(621)
    centres = np.zeros((3, 6))
    centres[1, 0] = centres[2, 0] = 6.0
    centres[2, 1] = 1.8  # B is part of A: near it
    X, y = blobs(rng, {"background": 1500, "A": 1500, "B": 12}, centres)
    model = make_pipeline(StandardScaler(), MLPClassifier((32,), max_iter=300, random_state=0))
    return Case("A and background 1500 rows each, 12 of B beside A", "MLP", ms.diagnose(model, X, y))


def _flanked(rng: np.random.Generator, n_flank: int, n_between: int) -> np.ndarray:
    """Draw rows on both sides of a middle, then rows in it: two units tell them, one cannot."""
    middle = np.append(2.0 * rng.choice([-1, 1], n_flank), np.zeros(n_between))
    return middle + 0.5 * rng.standard_normal(middle.size)


@thread("three-fine-one-poor")
def four() -> Case:
    rng = np.random.default_rng(14761)
    places = 4.0 * np.array([[1, 0], [-0.5, 0.87], [-0.5, -0.87]])
    at = np.vstack([np.repeat(places, 300, axis=0), places[rng.integers(0, 3, 300)]])
    X = np.column_stack([at + rng.standard_normal(at.shape), _flanked(rng, 900, 300)])
    y = np.repeat(["A", "B", "C", "D"], 300)
    model = _narrow(3)
    shape = (
        "four classes of 300 rows; A, B and C lie in three places, D in all of them, between flanks in a third feature"
    )
    return Case(shape, "MLP, 3 hidden units", ms.diagnose(model, X, y), shown=_apart_and_together(model, X, y, ["D"]))


@thread("apart-94-together-80")
def apart() -> Case:
    rng = np.random.default_rng(5601)
    sizes = {"background": 600, "first": 250, "second": 500}
    side = np.concatenate([3.0 * rng.choice([-1, 1], 600), np.zeros(250), 3.0 * rng.choice([-1, 0, 1], 500)])
    X = np.column_stack([side + 0.4 * rng.standard_normal(1350), _flanked(rng, 850, 500)])
    y = np.repeat(list(sizes), list(sizes.values()))
    model = _narrow(4, activation="tanh")
    diagnosis = ms.diagnose(model, X, y)
    poor = [one for one in diagnosis.classes if one.verdict != "healthy"]
    met = bool(poor) and all(one.cause == "shared-interference" for one in poor)
    said = ", ".join(f"{one.label}: {one.cause} (recall {one.recall:.2f})" for one in poor) or "no class is lost"
    checks = {"every class that is not learned has the cause shared-interference": (met, said)}
    shape = (
        "two classes of 250 and 500 rows, each between two flanks of a feature of its own, and 600 rows of background"
    )
    shown = _apart_and_together(model, X, y, ["first", "second"])
    return Case(shape, "MLP, 4 hidden units", diagnosis, checks=checks, shown=shown)


@thread("two-binary-nets-beat-one")
def binary_nets() -> Case:
    rng = np.random.default_rng(774)
    sizes = {"background": 300, "organ": 300, "lesion": 150}
    side = 5.0 * np.concatenate([np.zeros(300), np.ones(300), rng.integers(0, 2, 150)])
    X = np.column_stack([side + rng.standard_normal(750), _flanked(rng, 600, 150)])
    y = np.repeat(list(sizes), list(sizes.values()))
    model = _narrow(2, activation="tanh")
    shape = (
        "background and organ of 300 rows side by side, a lesion of 150 in both, between two flanks of a second feature"
    )
    shown = _apart_and_together(model, X, y, ["organ", "lesion"])
    return Case(shape, "MLP, 2 hidden units", ms.diagnose(model, X, y), shown=shown)


def _narrow(width: int, activation: str = "relu"):
    network = MLPClassifier(
        (width,), activation=activation, max_iter=600, learning_rate_init=0.01, alpha=1e-5, random_state=1
    )
    return make_pipeline(StandardScaler(), network)


def _apart_and_together(model, X, y, names: list[str]) -> str:
    """Say what scikit-learn alone measures: recall of classes in a network of their own, and in one."""
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    called = cross_val_predict(model, X, y, cv=folds)
    said = []
    for name in names:
        own = cross_val_predict(model, X, y == name, cv=folds)
        apart, together = own[y == name].mean(), (called[y == name] == name).mean()
        said.append(f"{name} has recall {apart:.2f} in a network of its own and {together:.2f} in one for all")
    return "; ".join(said)
