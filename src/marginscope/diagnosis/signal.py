"""Is there anything in the features that tells one class from the others?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["SignalTest", "auc", "forest_auc", "permutation_test", "rank_test"]


@dataclass(frozen=True)
class SignalTest:
    """Area under the curve of class against rest, and how likely it is without signal.

    ``null`` holds the areas of refits on permuted labels; empty where the rank test
    on out-of-sample scores settled it.
    """

    auc: float
    p_value: float
    null: tuple[float, ...] = ()


def auc(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Compute the probability that a positive row scores above a negative one, ties half."""
    from scipy.stats import rankdata

    n1 = int(positive.sum())
    n0 = positive.size - n1
    if n1 == 0 or n0 == 0:
        return 0.5
    ranks = rankdata(scores)
    return float((ranks[positive].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))


def rank_test(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> SignalTest:
    """Test scores of unseen rows by Mann and Whitney, one-sided."""
    from scipy.stats import mannwhitneyu

    if positive.all() or not positive.any():
        return SignalTest(0.5, 1.0)
    test = mannwhitneyu(scores[positive], scores[~positive], alternative="greater")
    return SignalTest(auc(scores, positive), float(test.pvalue))


def forest_auc(X: NDArray[np.float64], positive: NDArray[np.bool_], seed: int) -> float:
    """Compute the out-of-bag area of a small forest, a flexible learner that needs no folds."""
    from sklearn.ensemble import RandomForestClassifier

    # No class weights: weighted bootstraps draw every rare row into every tree, and leave none out of bag.
    forest = RandomForestClassifier(n_estimators=60, min_samples_leaf=3, random_state=seed)
    forest.fit(X, positive)
    total, votes = np.zeros(positive.size), np.zeros(positive.size)
    for tree, rows in zip(forest.estimators_, forest.estimators_samples_, strict=True):
        out = np.ones(positive.size, dtype=bool)
        out[rows] = False
        if not out.any():
            continue
        vote = tree.predict_proba(X[out])[:, -1]
        # Less its mean: a tree that drew many rows of the class leaves few of them out, and says it more often.
        votes[out] += vote - vote.mean()
        total[out] += 1
    seen = total > 0
    if not seen.any():
        return 0.5
    return auc(votes[seen] / total[seen], positive[seen])


def permutation_test(
    X: NDArray[np.float64],
    positive: NDArray[np.bool_],
    *,
    n_permutations: int,
    enough: int,
    rng: np.random.Generator,
    proceed: Callable[[], None] = lambda: None,
) -> SignalTest:
    """Refit the forest on permuted labels, and stop as soon as the answer is clear.

    ``proceed`` is called before every refit, and may raise to end it.

    Notes
    -----
    Besag and Clifford (1991): sampling ends when ``enough`` permuted refits are as good
    as the true one; then p = enough / refits, else p = (as good + 1) / (refits + 1).
    """
    observed = forest_auc(X, positive, int(rng.integers(2**31)))
    null: list[float] = []
    as_good = 0
    while len(null) < n_permutations:
        proceed()
        null.append(forest_auc(X, rng.permutation(positive), int(rng.integers(2**31))))
        as_good += null[-1] >= observed
        if as_good == enough:
            return SignalTest(observed, enough / len(null), tuple(null))
    return SignalTest(observed, (as_good + 1) / (len(null) + 1), tuple(null))
