"""Groups of classes that one score per group separates."""

from __future__ import annotations

import numpy as np

from marginscope.geometry.margins import all_pairs, relative_margins
from marginscope.geometry.orthonormal import orthonormal_features
from marginscope.solvers.class_groups import separate_groups
from marginscope.solvers.pair_loss import PairLoss
from marginscope.solvers.separability import separability


def two_groups(seed=0, gap=6.0):
    """Classes 0, 2 and 4 overlap, classes 1 and 3 too, and a gap lies between the groups."""
    rng = np.random.default_rng(seed)
    y = np.sort(rng.integers(0, 5, 300))
    X = rng.standard_normal((300, 3))
    X[:, 0] = np.abs(X[:, 0]) * np.where(y % 2 == 1, 1.0, -1.0) + gap * (y % 2)
    return X, y


def ridge_fit(Q, y, k):
    return np.linalg.lstsq(Q, np.eye(k)[y], rcond=None)[0].T


def test_it_separates_exactly_the_pairs_between_groups():
    X, y = two_groups()
    Q = orthonormal_features(X, fit_intercept=True).Q
    model = PairLoss(Q, y, all_pairs(y, 5))
    theta, separable = separate_groups(model, ridge_fit(Q, y, 5))
    assert np.array_equal(separable, (y[:, None] % 2) != (np.arange(5) % 2))
    u = relative_margins(Q, y, theta)
    assert u[separable].min() > 0
    assert np.abs(u[model.pairs & ~separable]).max() == 0.0


def test_groups_that_overlap_by_a_row_are_none():
    X, y = two_groups()
    X = np.vstack([X, X[y == 1][:1]])
    y = np.append(y, 4)
    Q = orthonormal_features(X, fit_intercept=True).Q
    assert separate_groups(PairLoss(Q, y, all_pairs(y, 5)), ridge_fit(Q, y, 5)) is None


def test_the_search_takes_each_group_as_a_problem_of_its_own():
    X, y = two_groups()
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0]
    certificate = separability(X @ turn, y)
    assert certificate.status == "quasi_complete"
    assert np.array_equal(certificate.separable_mask, (y[:, None] % 2) != (np.arange(5) % 2))
    assert certificate.verify(X @ turn, y, exact=True)
    # classes of one group have one finite contrast: their rows diverge together
    infinite = certificate.infinite
    assert np.array_equal(infinite[0], infinite[2])
    assert np.array_equal(infinite[1], infinite[3])
    assert np.array_equal(np.sign(infinite[0]), -np.sign(infinite[1]))
