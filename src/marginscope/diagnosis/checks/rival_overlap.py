"""Check ``rival-overlap``: one rival has nearly the same features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.diagnosis.case import Case
from marginscope.diagnosis.claims import name_list
from marginscope.diagnosis.signal import auc
from marginscope.exceptions import CheckNotApplicable
from marginscope.findings import Evidence, Finding, Panel, Series, Status

__all__ = ["RivalOverlap"]


@dataclass(frozen=True)
class RivalOverlap:
    """There is signal, but not against the rival, and no remedy lifts the class for free.

    The class and its rival count as the same where a flexible learner tells their rows
    apart with an area under the curve below ``most_auc``; features coincide where the
    Kolmogorov-Smirnov distance of the two is below ``coincide``. With fewer than
    ``least_rows`` rows neither can be told.
    """

    slug: str = "rival-overlap"
    title: str = "a rival with the same features"
    cost: str = "refit"
    most_auc: float = 0.8
    coincide: float = 0.2
    level: float = 0.02
    least_rows: int = 12

    def examine(self, case: Case) -> Finding:
        """See ``Check``."""
        if not case.poor:
            raise CheckNotApplicable("no class has a recall below one half")
        trial = case.lab.reference()
        if trial is None:
            case.lab.check_time("the flexible reference")
        proba = None if trial is None else trial.mean_proba()
        if trial is None or proba is None:
            raise CheckNotApplicable("no flexible learner gives scores to compare classes by")
        scored = (trial.predicted >= 0).any(axis=0)
        findings = []
        for k in case.poor:
            rival = int(case.scores.rival[k])
            signal = case.signals.get(k)
            if (
                rival < 0
                or case.counts[k] < self.least_rows
                or (signal is not None and signal.p_value > self.level)
                or case.is_repaired(k)
            ):
                continue
            area = _pair_auc(proba[scored], case.lab.raw.codes[scored], k, rival)
            if area is not None and area < self.most_auc:
                findings.append((k, rival, area))
        if not findings:
            return Finding(
                self.slug, Status.PASSED, "No class that stays unlearned shares its features with one rival."
            )
        findings.sort(key=lambda one: one[2])
        X = case.dense_features(case.lab.rows, encoded=False)
        gradients = _mean_gradients(case, {code for one in findings for code in one[:2]})
        evidence: list[Evidence] = []
        panels, reasons = {}, {}
        for k, rival, area in findings:
            pair = f"'{case.names[k]:.40}' and '{case.names[rival]:.40}'"
            own, theirs = (X[case.lab.raw.codes == code] for code in (k, rival))
            distances = _ks_distances(own, theirs)
            same = [case.features.names[j] for j in np.argsort(distances) if distances[j] < self.coincide]
            evidence += [
                Evidence(f"area under the curve between {pair}", area, self.most_auc),
                Evidence(f"features that coincide for {pair}", float(len(same)), float(distances.size)),
                Evidence(f"correlation of the mean gradients of {pair}", _cosine(gradients[k], gradients[rival])),
            ]
            panels[case.names[k]] = _panel(case, (k, rival), int(distances.argmax()), (own, theirs))
            closest = ", ".join(f"{case.features.names[j]:.30}" for j in _alike(own, theirs, distances)[:3])
            reasons[case.names[k]] = (
                f"has nearly the same features as '{case.names[rival]:.40}' (told apart with an area of {area:.2f}; "
                f"alike in {closest})"
            )
        k, rival, area = findings[0]
        return Finding(
            self.slug,
            Status.ISSUE,
            f"{name_list(case.names[one[0]] for one in findings)}: one rival has nearly the same features, and no "
            f"remedy tried lifts the class without taking as much from it. '{case.names[k]:.40}' "
            f"{reasons[case.names[k]]}.",
            classes=tuple(case.names[one[0]] for one in findings),
            evidence=tuple(evidence[:36]),
            remedies=("logit-adjustment", "class-weights"),
            advice="Look for a feature that tells it from its rival, or join the two.",
            panels=panels,
            reasons=reasons,
        )


def _pair_auc(proba: NDArray[np.float64], codes: NDArray[np.int64], k: int, rival: int) -> float | None:
    rows = (codes == k) | (codes == rival)
    if not (codes[rows] == k).any() or not (codes[rows] == rival).any():
        return None
    odds = np.log(proba[rows, k] + 1e-12) - np.log(proba[rows, rival] + 1e-12)
    return auc(odds, codes[rows] == k)


def _ks_distances(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest distance of the two distribution functions, per feature."""
    distances = np.zeros(one.shape[1])
    for j in range(one.shape[1]):
        a, b = np.sort(one[:, j]), np.sort(other[:, j])
        # That a value is missing is a value too: a feature that only one of them has tells them apart.
        distances[j] = abs(np.isnan(a).mean() - np.isnan(b).mean())
        a, b = a[~np.isnan(a)], b[~np.isnan(b)]
        if a.size == 0 or b.size == 0:
            continue
        points = np.concatenate([a, b])
        gap = np.searchsorted(a, points, "right") / a.size - np.searchsorted(b, points, "right") / b.size
        distances[j] = max(distances[j], np.abs(gap).max())
    return distances


def _alike(one: NDArray[np.float64], other: NDArray[np.float64], distances: NDArray[np.float64]) -> NDArray[np.int64]:
    """Features in the order of their distance; those that are one value for both classes (an unused word) last."""
    low = np.fmin(np.fmin.reduce(one), np.fmin.reduce(other))
    high = np.fmax(np.fmax.reduce(one), np.fmax.reduce(other))
    moves = low < high
    order: NDArray[np.int64] = np.lexsort([distances, ~moves])
    return order


def _mean_gradients(case: Case, wanted: set[int]) -> dict[int, NDArray[np.float64]]:
    """Mean of (e_y - p) x^T over the rows of the wanted classes, (K * d,) each, standardised features."""
    lab, codes = case.lab, case.lab.raw.codes
    X = np.nan_to_num(case.dense_features(lab.rows))
    X = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-12)
    proba = lab.base.mean_proba()
    if proba is None:
        proba = np.stack([np.nan_to_num(lab.base.called(k)) for k in range(case.n_classes)], axis=1)
    rows = (lab.base.predicted >= 0).any(axis=0)
    residual = np.eye(case.n_classes)[codes[rows]] - proba[rows]
    X, codes = X[rows], codes[rows]
    means = {}
    for k in wanted:
        own = codes == k
        means[k] = (residual[own].T @ X[own] / max(1, own.sum())).ravel()
    return means


def _cosine(a: NDArray[np.float64], b: NDArray[np.float64]) -> float | None:
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return None if size == 0 else float(a @ b / size)


def _panel(case: Case, pair: tuple[int, int], j: int, rows: tuple[NDArray[np.float64], ...]) -> Panel:
    samples = [X[~np.isnan(X[:, j]), j] for X in rows]
    return Panel(
        kind="histogram",
        title=f"The feature that differs most: {case.features.names[j]:.40}",
        x_label=f"{case.features.names[j]:.40}",
        y_label="share of rows",
        series=tuple(
            Series(case.names[c], tuple(float(v) for v in sample[:2000]))
            for c, sample in zip(pair, samples, strict=True)
        ),
    )
