"""Threads on classes that are never predicted."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import marginscope as ms
from benchmarks.threads.case import Case, blobs, thread


@thread("never-predicted-whatever-the-model")
def whatever_the_model() -> Case:
    rng = np.random.default_rng(640032)
    X, y = blobs(rng, {"0": 430, "2": 320}, [[0.0] * 6, [1.5] * 6])
    # The rows of class 1 are drawn from the two others, in their shares.
    rows = rng.choice(y.size, 250)
    X = np.vstack([X, X[rows] + 0.5 * rng.standard_normal((250, 6))])
    y = np.append(y, np.repeat("1", 250))
    shape = "1000 rows, 6 features, shares 43/25/32 %; class 1 lies where the two others lie"
    return Case(shape, "SVC", ms.diagnose(make_pipeline(StandardScaler(), SVC()), X, y))


@thread("forest-never-says-yes")
def forest() -> Case:
    rng = np.random.default_rng(210864)
    centres = np.zeros((3, 11))
    centres[1, :3] = 1.2
    centres[2, :3] = 2.0
    X, y = blobs(rng, {"No": 260, "Maybe": 215, "Yes": 25}, centres)
    model = RandomForestClassifier(200, min_samples_leaf=5, random_state=0)
    return Case("500 rows, 11 predictors, 25 of them Yes, near Maybe", "random forest", ms.diagnose(model, X, y))


@thread("balanced-by-oversampling")
def oversampled() -> Case:
    rng = np.random.default_rng(123786)
    # The majority covers what the two small classes cover; these are copied up to its size.
    X0, X1 = rng.normal([-2, 0, 0, 0], 1, (60, 4)), rng.normal([2, 0, 0, 0], 1, (60, 4))
    X2 = np.vstack([rng.normal([-2, 0, 0, 0], 1, (350, 4)), rng.normal([2, 0, 0, 0], 1, (350, 4))])
    X = np.vstack([X0[rng.integers(0, 60, 700)], X1[rng.integers(0, 60, 700)], X2])
    y = np.repeat(["0", "1", "2"], 700)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    diagnosis = ms.diagnose(model, X, y)
    copies = [one for one in diagnosis.notes if "exact copies" in one]
    checks = {"the notes say that many rows are exact copies": (bool(copies), copies[0] if copies else "no such note")}
    return Case(
        "two classes of 60 rows copied to 700, over the places of a third", "logistic", diagnosis, checks=checks
    )


@thread("loss-stuck-near-log-5")
def plateau() -> Case:
    import marginscope.torch as mt

    rng = np.random.default_rng(16840)
    sizes = {"a": 325, "b": 799, "c": 186, "d": 417, "e": 273}
    X, y = blobs(rng, sizes, 1.1 * rng.standard_normal((5, 40)))
    model = mt.NetworkClassifier(
        _deep, optimizer="sgd", momentum=0.0, learning_rate=1e-3, n_epochs=20, batch_size=64, random_state=0
    )
    shape = "2000 rows, 40 features, shares 16/40/9/21/14 %; a step size at which the loss falls by thousandths"
    lost = ("a", "c", "d", "e")
    return Case(shape, "MLP of torch, SGD", ms.diagnose(model, X, y), lost=lost, shown=_plain_training(X, y))


def _deep(n_features: int, n_classes: int):
    import torch

    sizes = (n_features, 64, 64, 64, 64)
    layers = [one for n, m in pairwise(sizes) for one in (torch.nn.Linear(n, m), torch.nn.ReLU())]
    return torch.nn.Sequential(*layers, torch.nn.Linear(64, n_classes))


def _plain_training(X, y) -> str:
    """Say what torch alone measures: the loss of the first epochs, and what is called after twenty."""
    import torch

    torch.manual_seed(0)
    names, codes = np.unique(y, return_inverse=True)
    rows, targets, losses = torch.tensor(X, dtype=torch.float32), torch.tensor(codes), []
    network = _deep(X.shape[1], names.size)
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3)
    for _ in range(20):
        with torch.no_grad():
            losses.append(float(torch.nn.functional.cross_entropy(network(rows), targets)))
        for batch in torch.randperm(codes.size).split(64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(rows[batch]), targets[batch]).backward()
            optimizer.step()
    called = names[network(rows).argmax(1).numpy()]
    first = ", ".join(f"{one:.3f}" for one in losses[:3])
    return (
        f"the loss begins with {first} (log 5 is 1.609), and after 20 epochs {np.mean(called == 'b'):.0%} are called b"
    )


@thread("one-class-always-missing")
def off_by_one() -> Case:
    rng = np.random.default_rng(7962)
    X, y = blobs(rng, {"0": 300, "1": 300}, [[0.0] * 5, [2.5] * 5])
    train = np.array([str(int(v) + 1) for v in y[:400]])
    diagnosis = ms.diagnose(DecisionTreeClassifier(max_depth=4), X[:400], train, X_test=X[400:], y_test=y[400:])
    return Case("two classes; training ids 1 and 2, test ids 0 and 1", "tree", diagnosis)


@thread("ids-restart-after-nine")
def restarted() -> Case:
    rng = np.random.default_rng(7620)
    centres = 4 * rng.standard_normal((18, 8))
    true = np.repeat(np.arange(18), 60)
    X = centres[true] + rng.standard_normal((true.size, 8))
    y = np.array([str(v % 10) for v in true])
    diagnosis = ms.diagnose(make_pipeline(StandardScaler(), LogisticRegression()), X, y)
    return Case(
        "18 classes in the order of the file, the ids of the last eight counted from 0 again", "logistic", diagnosis
    )


@thread("two-of-three-classes-iou-zero")
def background() -> Case:
    rng = np.random.default_rng(56)
    X, y = blobs(rng, {"background": 2820, "crack": 110, "spall": 70}, [[0, 0, 0, 0], [1.2, 0, 0, 0], [0, 1.2, 0, 0]])
    return Case("3000 pixels, 94 % background", "logistic", ms.diagnose(LogisticRegression(), X, y))


@thread("ids-without-pixels")
def no_pixels() -> Case:
    rng = np.random.default_rng(2298)
    centres = 4 * rng.standard_normal((17, 8))
    labels = np.arange(17).repeat(60)
    X = centres[labels] + rng.standard_normal((labels.size, 8))
    order = rng.permutation(labels.size)
    X, labels = X[order], labels[order]
    train = np.flatnonzero((np.arange(labels.size) < 700) & (labels < 14))
    test = np.arange(700, labels.size)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    diagnosis = ms.diagnose(model, X[train], labels[train], X_test=X[test], y_test=labels[test])
    return Case("17 ids in the test set, 14 of them in training", "logistic", diagnosis)
