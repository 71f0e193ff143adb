"""Small problems for descent: separable by construction, seeded, and different from each other."""

import numpy as np

from marginscope import losses
from marginscope.losses.adjust import Adjustment
from marginscope.objectives import LinearObjective


def separable(seed, n=40, d=5, K=3):
    """Rows labelled by a random linear map, every class present, the closest tenth left out."""
    rng = np.random.default_rng(seed)
    while True:
        X = rng.standard_normal((2 * n, d))
        scores = X @ rng.standard_normal((d, K))
        ranked = np.sort(scores, axis=1)
        far = np.argsort(ranked[:, -1] - ranked[:, -2])[-n:]
        X, y = X[far], scores[far].argmax(axis=1)
        if len(np.unique(y)) == K:
            return X, y


def objective(seed=0, loss="cross_entropy", n=40, d=5, K=3, **parts):
    X, y = separable(seed, n, d, K)
    names = ("margins", "scales", "shifts", "own_shifts", "class_weights", "sample_weights")
    adjustment = Adjustment(**{name: parts.pop(name) for name in names if name in parts})
    return LinearObjective(losses.get(loss), X, y, K, adjustment=adjustment, **parts)
