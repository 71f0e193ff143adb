"""Threads on one-vs-rest, hard margins, costs, convergence and classes without a value."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.multiclass import OneVsOneClassifier
from sklearn.svm import SVC, LinearSVC

import marginscope as ms
from benchmarks.threads.case import Case, blobs, thread


@thread("worse-than-its-own-binaries")
def stripes() -> Case:
    rng = np.random.default_rng(16538)
    x = rng.uniform(0, 8, 2400)
    X, y = np.column_stack([x, rng.uniform(0, 8, 2400)]), np.array([f"stripe {int(v)}" for v in x])
    model = LinearSVC(max_iter=5000, random_state=0)
    diagnosis = ms.diagnose(model, X, y)
    poor = [one for one in diagnosis.classes if one.verdict != "healthy"]
    met = bool(poor) and all(one.cause == "one-vs-rest-masking" for one in poor)
    said = ", ".join(f"{one.label}: {one.cause} (recall {one.recall:.2f})" for one in poor)
    checks = {"every class that is not learned has the cause one-vs-rest-masking": (met, said)}
    scores = [_f1(LinearSVC(C=c, max_iter=5000, random_state=0), X, y) for c in (0.25, 0.5, 1.0)]
    shown = "F1 {:.2f}, {:.2f} and {:.2f} with C = 0.25, 0.5 and 1, against ".format(*scores)
    shown += f"{_f1(OneVsOneClassifier(model), X, y):.2f} where every pair of classes has a line of its own"
    return Case("eight vertical stripes, 2400 rows, 2 features", "LinearSVC", diagnosis, checks=checks, shown=shown)


def _f1(model, X, y) -> float:
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    return float(f1_score(y, cross_val_predict(model, X, y, cv=folds), average="macro"))


@thread("hard-margin-please")
def hard_margin() -> Case:
    rng = np.random.default_rng(29772)
    half = 3.5 + rng.standard_normal((50, 2))
    # Mirrored, so that the best intercept is 0: here it is a penalised feature, in SVC it is free.
    X, y = np.vstack([half, -half]), np.repeat(["b", "a"], 50)
    ours = ms.HardMarginClassifier().fit(X, y)
    svc = SVC(kernel="linear", C=1e6).fit(X, y)
    w, v = np.asarray(ours.coef_[-1] - ours.coef_[0] if len(ours.coef_) > 1 else ours.coef_[0]), svc.coef_[0]
    gap = 1 - float(w @ v / (np.linalg.norm(w) * np.linalg.norm(v)))
    try:
        ms.HardMarginClassifier(on_inseparable="raise").fit(*load_iris(return_X_y=True))
        refused = "not refused"
    except ms.NotSeparableError as error:
        refused = f"refused with a certificate ({error.certificate.status})"
    name = "the hard margin equals a large-C fit where separable, and is refused with a certificate where not"
    came = f"one minus the cosine of the directions {gap:.1e}; iris {refused}"
    met = gap < 1e-4 and refused.startswith("refused")
    return Case("100 separable rows, and iris", "none", checks={name: (met, came)})


@thread("thresholds-for-many-classes")
def costs() -> Case:
    rng = np.random.default_rng(30970)
    X, y = blobs(rng, {"fine": 1200, "look": 300, "stop": 60}, [[0, 0, 0], [1.5, 0, 0], [1.5, 1.5, 0]])
    cost = np.array([[0.0, 1, 1], [1, 0, 1], [30, 20, 0]])  # rows: truth; missing a 'stop' is dear
    half = np.arange(y.size) % 2 == 0
    names = np.unique(y)

    def spent(model) -> float:
        called = model.fit(X[half], y[half]).predict(X[~half])
        return float(cost[np.searchsorted(names, y[~half]), np.searchsorted(names, called)].mean())

    plain = spent(LogisticRegression())
    ours = spent(ms.CostMatrixClassifier(LogisticRegression(), cost_matrix=cost))
    name = "expected cost falls with CostMatrixClassifier on three classes"
    came = f"mean cost {plain:.2f} before, {ours:.2f} after"
    return Case("1560 rows, three classes, a cost matrix", "none", checks={name: (ours < plain, came)})


@thread("lbfgs-did-not-converge")
def not_scaled() -> Case:
    rng = np.random.default_rng(944)
    X, y = blobs(rng, {"a": 300, "b": 300, "c": 300}, [[0] * 6, [2.5] * 3 + [0] * 3, [0] * 3 + [2.5] * 3])
    X = X * np.array([1e-4, 1e-4, 1e-4, 1e-4, 1e-4, 1e-4])
    X = np.column_stack([X, 50 * rng.standard_normal((900, 4))])
    diagnosis = ms.diagnose(LogisticRegression(), X, y)
    lost = tuple(one.label for one in diagnosis.classes if one.verdict != "healthy")
    shape = "900 rows; the features that tell are ten thousand times smaller than four that do not"
    return Case(shape, "logistic, as it comes", diagnosis, lost=lost)


@thread("class-absent-from-the-batch")
def absent() -> Case:
    rng = np.random.default_rng(2441)
    X, y = blobs(rng, {"a": 200, "b": 200, "c": 200}, [[0, 0], [5, 0], [0, 5]])
    train, test = np.arange(400), np.arange(400, 600)
    test = test[y[test] != "c"]
    diagnosis = ms.diagnose(LogisticRegression(), X[train], y[train], X_test=X[test], y_test=y[test])
    recall = next(one for one in diagnosis.to_dict()["classes"] if one["label"] == "c")["recall"]
    checks = {
        "the recall of the class is null, not 0": (recall is None, f"recall {'null' if recall is None else recall}")
    }
    return Case("600 rows; the test rows hold no c", "logistic", diagnosis, checks=checks)
