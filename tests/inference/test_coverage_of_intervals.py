"""In repeated samples intervals cover the truth, and p values under the hypothesis are uniform."""

import numpy as np
import pytest
from scipy.stats import binom, kstest

import marginscope as ms


@pytest.mark.slow
def test_intervals_cover_and_p_values_are_uniform():
    rng = np.random.default_rng(0)
    # classes 1 and 2 differ by their intercepts only, and the last feature does nothing
    W, b = np.array([[0.8, -0.5, 0.0], [-0.4, 0.2, 0.0], [-0.4, 0.2, 0.0]]), np.array([0.0, 0.4, -0.2])
    truth = W - W.mean(axis=0)
    n_samples, inside, pairs, features, waldish = 300, [], [], [], []
    for _ in range(n_samples):
        X = rng.standard_normal((400, 3))
        P = np.exp(X @ W.T + b)
        y = ((P / P.sum(axis=1, keepdims=True)).cumsum(axis=1) > rng.random((400, 1))).argmax(axis=1)
        found = ms.class_tests(X, y)
        low, high = np.moveaxis(found.intervals, -1, 0)
        inside.append((low <= truth) & (truth <= high))
        pairs.append(found.pairs["1 - 2"].p_value)
        waldish.append(found.pairs["1 - 2"].wald_p_value)
        features.append(found.features["x2"].p_value)
    # 300 intervals of 95 %: between 269 and 297 hold, with a chance of one in a thousand to be outside
    low, high = binom.ppf([0.0005, 0.9995], n_samples, 0.95)
    covered = np.sum(inside, axis=0)
    assert (low <= covered).all()
    assert (covered <= high).all()
    for p_values in (pairs, features, waldish):
        assert kstest(p_values, "uniform").pvalue > 1e-3
