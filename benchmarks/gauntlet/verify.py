"""Show that the planted cause is the cause, without marginscope: plant it, take it out, look at the recall.

A class carries its cause if its recall out of sample is below one half as planted and
above it when cured. A control is healthy if no class is below one half and no standard
change (trees, weights, scaling, usual penalty) lifts one, averaged over the seeds.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold

from benchmarks.gauntlet.models import boosted, linear, seeded
from benchmarks.gauntlet.planted import Case, Planted

__all__ = ["recalls", "verify_case", "verify_control"]

POOR = 0.5
ENOUGH = 0.9


def recalls(model: Any, planted: Planted, seed: int, *, n_folds: int = 5) -> dict[str, float]:
    """Return the recall of every tested class, on the test rows or over folds."""
    X, y = planted.train
    answers: list[tuple[np.ndarray, np.ndarray]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if planted.test is not None:
            fitted = seeded(model, seed).fit(X, y)
            answers.append((planted.test.y, np.asarray(fitted.predict(planted.test.X))))
        else:
            folds = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
            for train, test in folds.split(np.zeros(len(y)), y):
                fitted = seeded(clone(model, safe=False), seed).fit(X[train], y[train])
                answers.append((y[test], np.asarray(fitted.predict(X[test]))))
    true, said = (np.concatenate(part).astype(str) for part in zip(*answers, strict=True))
    return {str(label): float(np.mean(said[true == label] == label)) for label in np.unique(true)}


def verify_case(case: Case, kind: str, seeds: list[int]) -> dict[str, Any]:
    """Return the recalls of the planted classes as planted and as cured, and whether they show the cause."""
    before, after, others = [], [], [1.0]
    cured_models = case.cured_models or case.models
    for seed in seeds:
        planted = case.planted(seed)
        found = recalls(case.models[kind](), planted, seed)
        before += [found.get(name, 0.0) for name in planted.classes]
        others += [found[name] for name in planted.healthy]
        cured = planted.cured or planted
        found = recalls(cured_models[kind](), cured, seed)
        after += [found.get(name, 0.0) for name in cured.classes or planted.classes]
    lost, learned = np.mean(np.array(before) < POOR), np.mean(np.array(after) >= POOR)
    shown = learned >= ENOUGH and (lost >= ENOUGH or case.shown_by == "count")
    return {
        "planted": round(float(np.mean(before)), 3),
        "unlearned": round(float(lost), 3),
        "cured": round(float(np.mean(after)), 3),
        "learned": round(float(learned), 3),
        "least of the others": round(min(others), 3),
        "shown": bool(shown),
    }


# What people would try on any model; a control must not gain by one of them.
CHANGES = {"trees": boosted, "scaled linear": linear, "balanced linear": lambda: linear(class_weight="balanced")}
LIFT = 0.05


def verify_control(case: Case, kind: str, seeds: list[int]) -> dict[str, Any]:
    """Return the least recall of a class, and the largest lift of a class by a standard change, over all seeds."""
    base: dict[str, list[float]] = {}
    lifts: dict[tuple[str, str], list[float]] = {}
    balanced: dict[str, list[float]] = {}
    for seed in seeds:
        planted = case.planted(seed)
        found = recalls(case.models[kind](), planted, seed)
        for name, recall in found.items():
            base.setdefault(name, []).append(recall)
        for change, make in CHANGES.items():
            if change == "trees" and hasattr(planted.train.X, "tocsr"):
                continue
            other = recalls(make() if not hasattr(planted.train.X, "tocsr") else case.models[kind](), planted, seed)
            balanced.setdefault(change, []).append(np.mean([other[name] - found[name] for name in found]))
            for name in found:
                lifts.setdefault((change, name), []).append(other[name] - found[name])
    gains = {key: float(np.mean(values)) for key, values in lifts.items() if np.mean(balanced[key[0]]) > -0.005}
    worst = max(gains, key=gains.get) if gains else None
    least = min(float(np.mean(values)) for values in base.values())
    return {
        "least recall": round(least, 3),
        "largest lift": None if worst is None else round(gains[worst], 3),
        "by": None if worst is None else " on ".join(worst),
        "shown": bool(least >= POOR + LIFT and (worst is None or gains[worst] < LIFT)),
    }
