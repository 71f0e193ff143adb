"""Factors on the probabilities of the classes that raise a score: argmax_k f_k p_ik.

With the other factors held, row i is given to class k once f_k exceeds
max_{j != k} f_j p_ij / p_ik. So the score is a step function of f_k whose breakpoints are
known, and its largest value is found exactly, one class after the other.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marginscope.estimators.count_scores import CountScore, class_sums, score_of_decisions

__all__ = ["Tuned", "score_of", "tune_factors"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_MOST_SWEEPS = 20
# a change of the score that is rounding
_LEAST_GAIN = 1e-12


class Tuned(NamedTuple):
    """Factors of the classes, the largest of them one, and the score they reach."""

    factors: Floats
    score: float


def tune_factors(proba: Floats, codes: Codes, weights: Floats, score: CountScore) -> Tuned:
    """Raise the score by coordinate ascent, from equal factors and from those that undo the shares.

    Parameters
    ----------
    proba : (n_rows, n_classes) array
    codes : (n_rows,) class codes
    weights : (n_rows,) array
    score : callable
        Of hits, predictions and rows of every class.

    Returns
    -------
    Tuned
        No single factor can be changed to a higher score. Equal factors stay unless others are better.
    """
    K = proba.shape[1]
    mass = class_sums(codes, weights, K)
    best = Tuned(np.ones(K), score_of(np.ones(K), proba, codes, weights, score))
    starts = [np.ones(K)]
    if np.all(mass > 0.0):
        starts.append(mass.min() / mass)
    for factors in starts:
        found = _ascend(factors, proba, codes, weights, score)
        if found.score > best.score + _LEAST_GAIN:
            best = found
    return Tuned(best.factors / best.factors.max(), best.score)


def score_of(factors: Floats, proba: Floats, codes: Codes, weights: Floats, score: CountScore) -> float:
    """Return the score of the decisions argmax_k f_k p_ik."""
    return score_of_decisions((proba * factors).argmax(axis=1), codes, weights, proba.shape[1], score)


def _ascend(factors: Floats, proba: Floats, codes: Codes, weights: Floats, score: CountScore) -> Tuned:
    factors = factors.copy()
    value = score_of(factors, proba, codes, weights, score)
    for _ in range(_MOST_SWEEPS):
        before = value
        for k in range(len(factors)):
            candidate, reached = _best_factor(k, factors, proba, codes, weights, score)
            if reached > value + _LEAST_GAIN:
                factors[k], value = candidate, reached
        if value <= before + _LEAST_GAIN:
            break
    return Tuned(factors, value)


def _best_factor(
    k: int, factors: Floats, proba: Floats, codes: Codes, weights: Floats, score: CountScore
) -> tuple[float, float]:
    """Return the factor of class k with the highest score, the others held, and that score."""
    K = len(factors)
    scaled = proba * factors
    scaled[:, k] = -1.0
    rival = scaled.argmax(axis=1)
    best = scaled[np.arange(len(codes)), rival]
    with np.errstate(divide="ignore", over="ignore"):
        breaks = np.where(proba[:, k] > 0.0, best / np.where(proba[:, k] > 0.0, proba[:, k], 1.0), np.inf)
    order = np.argsort(breaks, kind="stable")
    breaks, rival, own, mass = breaks[order], rival[order], codes[order], weights[order]
    n = len(order)
    hits, predicted = np.zeros((n + 1, K)), np.zeros((n + 1, K))
    at = np.arange(1, n + 1)
    # row 0: class k is never chosen; row t: the first t rows have gone over to it
    hits[0] = class_sums(own, mass * (rival == own), K)
    predicted[0] = class_sums(rival, mass, K)
    hits[at, rival] -= mass * (rival == own)
    hits[at, k] += mass * (own == k)
    predicted[at, rival] -= mass
    predicted[at, k] += mass
    rows = class_sums(own, mass, K)
    values = score(hits.cumsum(axis=0), predicted.cumsum(axis=0), np.broadcast_to(rows, hits.shape))
    candidates = _between(breaks)
    # a factor between equal breakpoints does not exist, and one beyond an infinite one neither
    values = np.where(np.isnan(candidates), -np.inf, values)
    highest = values >= values.max() - _LEAST_GAIN
    distance = np.where(highest, np.abs(np.log(np.where(highest, candidates, 1.0) / factors[k])), np.inf)
    chosen = int(distance.argmin())
    return float(candidates[chosen]), float(values[chosen])


def _between(breaks: Floats) -> Floats:
    """Return a factor in every gap of the sorted breakpoints, before the first and after the last; NaN for none."""
    low, high = np.r_[0.0, breaks], np.r_[breaks, np.inf]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        middle = np.sqrt(low) * np.sqrt(high)
        middle = np.where(low == 0.0, high / 2.0, middle)
        middle = np.where(np.isinf(high), low * 2.0, middle)
    middle = np.where((low == 0.0) & np.isinf(high), 1.0, middle)
    is_gap = (low < middle) & (middle < high) & np.isfinite(middle)
    return np.where(is_gap, middle, np.nan)
