"""Blocks of one class's rows that stand apart from its bulk and are at home in another class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.diagnosis.signal import auc, forest_auc

__all__ = ["Block", "BlockRules", "Valley", "find_block", "valley_between"]

Reals = NDArray[np.float64]
Mask = NDArray[np.bool_]
Scorer = Callable[[Reals, Mask, np.random.Generator], Reals]

_FOLDS = 5
_CUTS = 40
_PASSES = 8
_NEIGHBOURS = 5
_TAIL = 0.02
# Standard errors that end a 99.9 % interval.
_Z999 = 3.291


@dataclass(frozen=True)
class Valley:
    """The emptiest place between two crowds on a line.

    ``rows_inside`` lie in a window around ``cut``; ``rows_above`` and ``rows_below`` are
    the most that a window of the same width holds on either side of it.
    """

    cut: float
    rows_inside: int
    rows_above: int
    rows_below: int

    @property
    def depth(self) -> float:
        """Rows inside per row of the lower crowd; 0 is a gap, 1 is none."""
        return self.rows_inside / max(1, min(self.rows_above, self.rows_below))

    @property
    def p_value(self) -> float:
        """Binomial probability of so few rows inside if the lower crowd were as thin."""
        from scipy.stats import binom

        return float(binom.cdf(self.rows_inside, self.rows_inside + min(self.rows_above, self.rows_below), 0.5))


@dataclass(frozen=True)
class BlockRules:
    """When rows are called a block; see ``find_block``.

    Attributes
    ----------
    least_rows : int
        Of a block, and of what is left of the rival.
    least_bulk : float
        Share of the rival's rows that must be left: a few outliers are no bulk.
    width : float
        Of the window that looks for a valley, as a share of the way between the crowds.
    most_depth, neighbour_depth : float
        Largest depth of the valley in the scores of a linear model, and in distances to
        neighbours.
    neighbour_rows : int
        Of the class, from which distances to neighbours are looked at.
    level : float
        Largest p-value of the valley.
    least_side : float
        Share of the class's rows that must lie on the block's side.
    told_apart, coin : float
        Largest area under the curve of block against class, and largest lower end of its
        99.9 % interval.
    """

    least_rows: int
    least_bulk: float
    width: float
    most_depth: float
    neighbour_depth: float
    neighbour_rows: int
    level: float
    least_side: float
    told_apart: float
    coin: float


@dataclass(frozen=True)
class Block:
    """Rows of a rival that cannot be told from the class.

    ``rows`` are positions among the rival's rows; ``area`` is the largest area under the
    curve by which a learner tells them from the class, ``interval`` its 99.9 % interval.
    """

    rows: NDArray[np.int64]
    valley: Valley
    area: float
    interval: tuple[float, float]


def valley_between(scores: Reals, low: float, high: float, *, width: float) -> Valley | None:
    """Find the emptiest window between two points; ``None`` if they do not lie apart.

    Parameters
    ----------
    scores : ndarray of shape (n_rows,)
    low, high : float
        Where the two crowds are expected.
    width : float
        Of the window, as a share of ``high - low``.
    """
    if not high > low:
        return None
    values = np.sort(scores)
    window = width * (high - low)

    def count(centres: Reals) -> NDArray[np.int64]:
        upper = np.searchsorted(values, centres + window / 2, "right")
        return np.asarray(upper - np.searchsorted(values, centres - window / 2, "left"))

    cuts = np.linspace(low + window / 2, high - window / 2, _CUTS)
    inside = count(cuts)
    # The middle of the emptiest stretch.
    emptiest = np.flatnonzero(inside == inside.min())
    k = int(emptiest[emptiest.size // 2])
    cut = float(cuts[k])
    above, below = values[values >= cut + window], values[values <= cut - window]
    return Valley(cut, int(inside[k]), int(count(above).max(initial=0)), int(count(below).max(initial=0)))


def find_block(X_class: Reals, X_rival: Reals, rules: BlockRules, rng: np.random.Generator) -> Block | None:
    """Find rows of the rival that stand apart from its bulk and cannot be told from the class.

    Parameters
    ----------
    X_class, X_rival : ndarray of shape (n_rows, n_features)
        Finite features.

    Notes
    -----
    Where two classes overlap there is no valley: the density of the rival falls through
    the boundary. A learner with equal class weights gives many of its rows to the class
    all the same, so that what a learner names decides nothing here. Distances to
    neighbours find blocks of any shape; but around a few rows of the class neighbours that
    are neighbours by chance would gather, hence their stricter rules.
    """
    X = np.vstack([X_class, X_rival])
    X = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-12)
    n = len(X_class)
    for scorer, most_depth in ((_linear_scores, rules.most_depth), (_neighbour_scores, rules.neighbour_depth)):
        if scorer is _neighbour_scores and n < rules.neighbour_rows:
            continue
        found = _settled(X, n, scorer, rules, rng)
        if found is None:
            continue
        rows, valley, side = found
        # One stray row of a class of a few says nothing.
        if (
            round(n * (1 - side)) > max(1.0, n * (1 - rules.least_side))
            or valley.depth > most_depth
            or valley.p_value > rules.level
        ):
            continue
        area, spread = _told_apart(X[:n], X[n:][rows], rng)
        if area < rules.told_apart and area - spread <= rules.coin:
            return Block(rows, valley, area, (max(0.0, area - spread), min(1.0, area + spread)))
    return None


def _settled(
    X: Reals, n: int, scorer: Scorer, rules: BlockRules, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Valley, float] | None:
    """Rows beyond the valley, the valley, and the share of the class on their side; the first ``n`` rows are its."""
    rows = np.empty(0, dtype=np.int64)
    found: tuple[NDArray[np.int64], Valley, float] | None = None
    for _ in range(1 + _PASSES):
        # The rows found are the class's by hypothesis: a learner that counts on them sees a gap better.
        # Where there is none it sees none either, for its scores stay smooth in the features.
        own = np.arange(len(X)) < n
        own[n + rows] = True
        scores = scorer(X, own, rng)
        of_class, of_rival = scores[:n], scores[n:]
        top = float(np.median(of_class))
        # The block may be most of the rival: its bulk is what lies in the lower half of the way.
        bulk = of_rival[of_rival < (np.quantile(of_rival, _TAIL) + top) / 2]
        if bulk.size == 0:
            return None
        valley = valley_between(of_rival, float(np.median(bulk)), top, width=rules.width)
        if valley is None:
            return None
        before, rows = rows, np.flatnonzero(of_rival > valley.cut)
        left = len(X) - n - rows.size
        if rows.size < rules.least_rows or left < max(rules.least_rows, rules.least_bulk * (len(X) - n)):
            return None
        found = rows, valley, float(np.mean(of_class > valley.cut))
        if np.array_equal(before, rows):
            break
    return found


def _linear_scores(X: Reals, own: Mask, rng: np.random.Generator) -> Reals:
    """Out-of-sample log-odds of a logistic model with equal class weights."""
    from sklearn.linear_model import LogisticRegression

    fold = np.empty(own.size, dtype=int)
    for rows in (np.flatnonzero(own), np.flatnonzero(~own)):
        fold[rows] = rng.permutation(rows.size) % _FOLDS
    scores = np.zeros(own.size)
    for k in range(_FOLDS):
        test = fold == k
        if own[~test].all() or not own[~test].any():
            continue
        model = LogisticRegression(class_weight="balanced", max_iter=200).fit(X[~test], own[~test])
        scores[test] = model.decision_function(X[test])
    return scores


def _neighbour_scores(X: Reals, own: Mask, rng: np.random.Generator) -> Reals:
    """Log of the distance to the other rows over the distance to the class's, the row itself left out."""
    from sklearn.neighbors import NearestNeighbors

    distance = np.empty((2, own.size))
    for side in (0, 1):
        members = own == bool(side)
        size = int(members.sum())
        if size < 2:
            return np.zeros(own.size)
        near = NearestNeighbors(n_neighbors=min(_NEIGHBOURS + 1, size), algorithm="brute").fit(X[members])
        found = near.kneighbors(X)[0]
        # A member's nearest member is itself.
        distance[side] = np.where(members, found[:, 1:].mean(axis=1), found[:, :-1].mean(axis=1))
    log_ratio: Reals = np.log(np.maximum(distance[0], 1e-12)) - np.log(np.maximum(distance[1], 1e-12))
    return log_ratio


def _told_apart(A: Reals, B: Reals, rng: np.random.Generator) -> tuple[float, float]:
    """Area by which the better of two learners tells A from B, and half its 99.9 % interval without any difference."""
    X = np.vstack([A, B])
    own = np.arange(len(X)) < len(A)
    areas = [auc(_linear_scores(X, own, rng), own), forest_auc(X, own, int(rng.integers(2**31)))]
    spread = np.sqrt((own.size + 1) / (12 * own.sum() * (~own).sum()))
    return max(areas), float(_Z999 * spread)
