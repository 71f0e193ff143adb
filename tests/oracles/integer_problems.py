"""Small integer problems of all three kinds, solved exactly."""

from __future__ import annotations

from functools import cache

import numpy as np

from oracles import exact_separability


@cache
def integer_problems(count):
    """Return small problems of all three kinds with the pairs that the oracle separates."""
    rng = np.random.default_rng(20)
    problems = []
    while len(problems) < count:
        k, d, n = int(rng.integers(2, 4)), int(rng.integers(1, 3)), int(rng.integers(3, 8))
        X = rng.integers(-2, 3, (n, d))
        y = rng.integers(0, k, n)
        if len(np.unique(y)) < k:
            continue
        fit_intercept = bool(rng.random() < 0.5)
        pairs = exact_separability.separable_pairs(X.tolist(), y.tolist(), k, fit_intercept)
        problems.append((X.astype(float), y, k, fit_intercept, pairs))
    return problems


def kind(n, k, pairs):
    return "overlap" if not pairs else "complete" if len(pairs) == n * (k - 1) else "quasi_complete"
