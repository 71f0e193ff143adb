"""Upper bounds of norms: never below the truth, and no looser than rounding."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from marginscope.certificates.fraction_checker import norm_is_at_most
from marginscope.certificates.norm_bounds import dual_norm_bound, norm_bound
from marginscope.geometry.norms import NORMS, get_norm

NAMES = [norm.name for norm in NORMS]


def matrices():
    rng = np.random.default_rng(0)
    for K, d in ((1, 1), (2, 7), (5, 5), (12, 3), (3, 40)):
        A = rng.standard_normal((K, d))
        yield A
        yield A - A.mean(axis=0)  # one singular value is zero
        yield A * 10.0 ** rng.integers(-60, 60)
        yield np.outer(A[:, 0], A[0]) + 1e-13 * A  # nearly of rank one
        yield A * 10.0 ** rng.integers(-8, 8, (1, d))
    yield np.ones((4, 6))
    yield np.eye(4)


@pytest.mark.parametrize("norm", NAMES)
def test_the_bound_is_an_upper_bound_and_sharp(norm):
    for A in matrices():
        bound = norm_bound(norm, A)
        value = get_norm(norm).value(A)
        assert bound >= value * (1 - 1e-15)
        assert bound <= value * (1 + 1e-12)
        if norm == "nuclear":
            continue  # a rational proof is a hair looser than the float one: see below
        assert norm_is_at_most(norm, A.tolist(), Fraction(bound))


def test_the_nuclear_bound_against_sixty_digits():
    mpmath = pytest.importorskip("mpmath")
    mpmath.mp.dps = 60
    for A in matrices():
        exact = sum(
            mpmath.svd_r(mpmath.matrix(A.tolist() if A.shape[0] >= A.shape[1] else A.T.tolist()), compute_uv=False)
        )
        assert mpmath.mpf(norm_bound("nuclear", A)) >= exact
        assert norm_bound("nuclear", A) <= exact * (1 + mpmath.mpf(10) ** -12)


@pytest.mark.parametrize("norm", NAMES)
def test_an_error_of_the_entries_is_covered(norm):
    rng = np.random.default_rng(1)
    for A in matrices():
        error = rng.random(A.shape) * 1e-3 * np.abs(A).max()
        bound = norm_bound(norm, A, error)
        for _ in range(5):
            off = A + error * rng.choice([-1.0, 1.0], A.shape)
            assert bound >= get_norm(norm).value(off) * (1 - 1e-14)
        assert dual_norm_bound(get_norm(norm).dual, A, error) == bound


@pytest.mark.parametrize("norm", NAMES)
def test_degenerate_matrices(norm):
    assert norm_bound(norm, np.zeros((2, 3))) == 0.0
    assert norm_bound(norm, np.zeros((0, 3))) == 0.0
    assert norm_bound(norm, np.array([[np.inf, 1.0]])) == np.inf
    assert norm_bound(norm, np.array([[np.nan, 1.0]])) == np.inf
    assert norm_bound(norm, np.zeros((2, 3)), np.full((2, 3), 0.5)) >= 0.5


@pytest.mark.parametrize("norm", NAMES)
def test_bounds_hold_at_both_ends_of_the_range_of_floats(norm):
    assert norm_bound(norm, np.full((2, 2), 1.7e308)) >= 1.7e308
    unit = 5e-324
    exact = {"frobenius": 2**0.5, "max": 1.0, "sum": 2.0, "spectral": 2**0.5, "nuclear": 2**0.5}[norm]
    assert exact <= norm_bound(norm, np.full((1, 2), unit)) / unit <= 4
