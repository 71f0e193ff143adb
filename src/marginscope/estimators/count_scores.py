"""Scores of a classification from three counts of each class.

Hits, predictions and rows of every class, as (..., n_classes) arrays of total weights.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["COUNT_SCORES", "CountScore", "class_sums", "score_of_decisions"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
CountScore = Callable[[Floats, Floats, Floats], Floats]


def _accuracy(hits: Floats, predicted: Floats, rows: Floats) -> Floats:
    return np.asarray(hits.sum(axis=-1) / rows.sum(axis=-1))


def _balanced_accuracy(hits: Floats, predicted: Floats, rows: Floats) -> Floats:
    """Mean recall of the classes that have rows."""
    return _mean_over(hits / np.where(rows > 0.0, rows, 1.0), rows > 0.0)


def _f1(hits: Floats, predicted: Floats, rows: Floats) -> Floats:
    size = predicted + rows
    return np.asarray(2.0 * hits / np.where(size > 0.0, size, 1.0))


def _f1_macro(hits: Floats, predicted: Floats, rows: Floats) -> Floats:
    """Mean F1 of the classes that have rows or predictions."""
    return _mean_over(_f1(hits, predicted, rows), predicted + rows > 0.0)


def _f1_weighted(hits: Floats, predicted: Floats, rows: Floats) -> Floats:
    return np.asarray((_f1(hits, predicted, rows) * rows).sum(axis=-1) / rows.sum(axis=-1))


def _matthews(hits: Floats, predicted: Floats, rows: Floats) -> Floats:
    """Multiclass correlation (Gorodkin 2004); 0 where one side is constant."""
    total = rows.sum(axis=-1)
    covariance = hits.sum(axis=-1) * total - (predicted * rows).sum(axis=-1)
    variances = (total**2 - (predicted**2).sum(axis=-1)) * (total**2 - (rows**2).sum(axis=-1))
    return np.asarray(np.where(variances > 0.0, covariance / np.sqrt(np.where(variances > 0.0, variances, 1.0)), 0.0))


def _kappa(hits: Floats, predicted: Floats, rows: Floats) -> Floats:
    """Agreement beyond chance (Cohen 1960); 0 where there can be none."""
    total = rows.sum(axis=-1)
    chance = (predicted * rows).sum(axis=-1) / total**2
    room = np.where(chance < 1.0, 1.0 - chance, 1.0)
    return np.asarray(np.where(chance < 1.0, (hits.sum(axis=-1) / total - chance) / room, 0.0))


def _mean_over(values: Floats, counted: NDArray[np.bool_]) -> Floats:
    n = np.maximum(np.broadcast_to(counted, values.shape).sum(axis=-1), 1)
    return np.asarray(np.where(counted, values, 0.0).sum(axis=-1) / n)


COUNT_SCORES: dict[str, CountScore] = {
    "balanced_accuracy": _balanced_accuracy,
    "accuracy": _accuracy,
    "f1_macro": _f1_macro,
    "f1_weighted": _f1_weighted,
    "matthews_corrcoef": _matthews,
    "cohen_kappa": _kappa,
}


def class_sums(codes: Codes, weights: Floats, n_classes: int) -> Floats:
    """Return the total weight of every class."""
    return np.bincount(codes, weights=weights, minlength=n_classes).astype(float)


def score_of_decisions(chosen: Codes, codes: Codes, weights: Floats, n_classes: int, score: CountScore) -> float:
    """Return the score of predicted codes for rows of true codes."""
    hits = class_sums(codes, weights * (chosen == codes), n_classes)
    return float(score(hits, class_sums(chosen, weights, n_classes), class_sums(codes, weights, n_classes)))
