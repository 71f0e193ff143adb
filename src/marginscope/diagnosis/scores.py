"""Recall, precision and rivals of every class, out of sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.diagnosis.effects import recall_of
from marginscope.diagnosis.intervals import wilson_interval
from marginscope.diagnosis.trials import Trial

__all__ = ["ClassScores", "score_classes", "whole_counts"]


@dataclass(frozen=True)
class ClassScores:
    """One entry per class.

    Attributes
    ----------
    recall : ndarray
        NaN where no row is scored.
    n_scored : ndarray of int
    interval : tuple of (low, high)
        Wilson, on the scored rows.
    precision : ndarray
        NaN where the class is never predicted.
    rival : ndarray of int
        The class that gets most of its rows wrongly, -1 if none is.
    chance : ndarray
        One-sided p-value that its rows are called by its name no more often than
        the other rows are (hypergeometric, i.e. labels of the class permuted).
    confusion : ndarray of shape (n_classes, n_classes)
        Rows are true classes; averaged over repeats.
    """

    recall: NDArray[np.float64]
    n_scored: NDArray[np.int64]
    interval: tuple[tuple[float, float], ...]
    precision: NDArray[np.float64]
    rival: NDArray[np.int64]
    chance: NDArray[np.float64]
    confusion: NDArray[np.float64]


def score_classes(trial: Trial, codes: NDArray[np.int64], n_classes: int) -> ClassScores:
    """Score a trial class by class."""
    from scipy.stats import hypergeom

    confusion = np.zeros((n_classes, n_classes))
    times = (trial.predicted >= 0).sum(axis=0)
    for predicted in trial.predicted:
        rows = predicted >= 0
        # A row counts once in all, however often it was scored.
        np.add.at(confusion, (codes[rows], predicted[rows]), 1.0 / times[rows])
    scored = times > 0
    n_scored = np.bincount(codes[scored], minlength=n_classes)
    recall = recall_of(trial, codes, n_classes)
    called = confusion.sum(axis=0)
    hits = np.diag(confusion)
    with np.errstate(invalid="ignore"):
        precision = np.where(called > 0, hits / np.maximum(called, 1e-12), np.nan)
    wrong = confusion - np.diag(hits)
    rival = np.where(wrong.sum(axis=1) > 0, wrong.argmax(axis=1), -1)
    total = int(scored.sum())
    chance = np.array(
        [
            hypergeom.sf(round(hits[k]) - 1, total, int(n_scored[k]), round(called[k])) if n_scored[k] else np.nan
            for k in range(n_classes)
        ]
    )
    interval = tuple(wilson_interval(hits[k], int(n_scored[k])) for k in range(n_classes))
    return ClassScores(recall, n_scored, interval, precision, rival, chance, confusion)


def whole_counts(means: NDArray[np.float64]) -> NDArray[np.int64]:
    """Round the counts of each row so that their sum stays: the largest remainders are rounded up.

    Of equal remainders the largest count goes first, then the order of the columns.
    """
    counts = np.floor(means + 1e-9)
    left = np.rint(means.sum(axis=1) - counts.sum(axis=1)).astype(np.int64)
    for row, n in enumerate(left.tolist()):
        if n:
            rest = np.round(means[row] - counts[row], 9)
            counts[row, np.lexsort((-means[row], -rest))[:n]] += 1
    return counts.astype(np.int64)
