"""Threads on classes that are fine alone and lost together."""

from __future__ import annotations

import numpy as np
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


def _rings(rng: np.random.Generator, names: dict[str, int], radius: dict[str, float]) -> tuple:
    parts, labels = [], []
    for name, n in names.items():
        angle = rng.uniform(0, 2 * np.pi, n)
        r = radius[name] + 0.12 * rng.standard_normal(n)
        parts.append(np.stack([r * np.cos(angle), r * np.sin(angle)], axis=1))
        labels += [name] * n
    X, y = np.vstack(parts), np.array(labels)
    order = rng.permutation(y.size)
    return X[order], y[order]


@thread("three-fine-one-poor")
def four() -> Case:
    rng = np.random.default_rng(14761)
    centres = np.array([[4.0, 0, 0, 0], [-4.0, 0, 0, 0], [0, 4.0, 0, 0]])
    X, y = blobs(rng, {"A": 300, "B": 300, "C": 300}, centres)
    D, _ = _rings(rng, {"D": 300}, {"D": 1.2})
    X = np.vstack([X, np.hstack([np.zeros((300, 2)) + 0.3 * rng.standard_normal((300, 2)), D])])
    y = np.append(y, np.repeat("D", 300))
    shape = "four classes of 300 rows; D is a ring in two features in which the others lie inside"
    return Case(shape, "MLP, 3 hidden units", ms.diagnose(_narrow(3), X, y))


@thread("apart-94-together-80")
def apart() -> Case:
    rng = np.random.default_rng(5601)
    X, y = blobs(rng, {f"c{k}": 200 for k in range(8)}, 3.0 * rng.standard_normal((8, 8)))
    diagnosis = ms.diagnose(_narrow(2), X, y)
    poor = [one for one in diagnosis.classes if one.verdict != "healthy"]
    met = bool(poor) and all(one.cause == "shared-interference" for one in poor)
    said = ", ".join(f"{one.label}: {one.cause}" for one in poor) or "no class is lost"
    checks = {"every class that is not learned has the cause shared-interference": (met, said)}
    return Case("8 classes of 200 rows, 8 features", "MLP, 2 hidden units", diagnosis, checks=checks)


@thread("two-binary-nets-beat-one")
def binary_nets() -> Case:
    rng = np.random.default_rng(774)
    sizes = {"background": 300, "organ": 300, "lesion": 300}
    X, y = _rings(rng, sizes, {"background": 0.6, "organ": 1.6, "lesion": 2.6})
    noise = 0.3 * rng.standard_normal((y.size, 2))
    shape = "three rings around one another; each can be told from the rest by four units"
    return Case(shape, "MLP, 4 hidden units", ms.diagnose(_narrow(4), np.hstack([X, noise]), y))


def _narrow(width: int):
    return make_pipeline(
        StandardScaler(), MLPClassifier((width,), max_iter=600, learning_rate_init=0.01, alpha=1e-5, random_state=1)
    )
