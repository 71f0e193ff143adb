"""Both ends of a bracket against exact rationals, on every path that computes them."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp

from marginscope.certificates import margin_constraints, norm_bounds
from marginscope.certificates.fraction_checker import FractionChecker
from marginscope.certificates.margin_constraints import MarginConstraints
from marginscope.certificates.pair_weights import PairWeights
from marginscope.geometry.norms import NORMS, get_norm

NAMES = [norm.name for norm in NORMS]
# attribute values of the module: all in double precision, in many small blocks, or as usual
PATHS = {"plain": {"_MOST_TERMS": 0}, "blocks": {"_TERMS_AT_ONCE": 20}, "usual": {}}


@pytest.fixture(params=sorted(PATHS))
def path(request, monkeypatch):
    for name, value in PATHS[request.param].items():
        monkeypatch.setattr(margin_constraints, name, value)
    return request.param


def made(seed, *, sparse):
    rng = np.random.default_rng(seed)
    n, d, K = 14, 4, 3
    X = rng.standard_normal((n, d)) * 10.0 ** rng.integers(-4, 4, (1, d))
    y = rng.permutation(np.arange(n) % K)
    m, D = rng.uniform(0.2, 4, K), rng.uniform(0.2, 4, K)
    constraints = MarginConstraints(sp.csr_array(X) if sparse else X, y, K, True, m, D)
    rows = [[(j, float(v)) for j, v in enumerate(row)] for row in X]
    checker = FractionChecker(
        rows, y.tolist(), K, d, fit_intercept=True, class_margins=m.tolist(), class_scales=D.tolist()
    )
    dense = rng.random((n, K)) * (np.arange(K) != y[:, None])
    return rng, constraints, checker, PairWeights.of(sp.csr_array(dense))


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_a_weighted_sum_is_within_its_bound(path, seed, sparse):
    _, constraints, checker, pairs = made(seed, sparse=sparse)
    combined = constraints.weighted_sum(pairs)
    exact, total = checker.combination(zip(*(one.tolist() for one in pairs), strict=True))
    for value, error, row in zip(combined.value, combined.error, exact, strict=True):
        for g, bound, one in zip(value, error, row, strict=True):
            assert abs(Fraction(g) - one) <= Fraction(bound)
    assert combined.total == pytest.approx(float(total), rel=1e-15)
    loosest = 1e-12 if path == "plain" else 4e-15
    assert np.all(combined.error <= loosest * np.abs(constraints.dense_rows(np.arange(14))).max(axis=0) * 60)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_a_margin_bound_is_below_the_margin_and_near_it(path, seed, sparse):
    rng, constraints, checker, _ = made(seed, sparse=sparse)
    for size in (1.0, 1e-3, 1e3):
        W = rng.standard_normal((3, 5)) * size
        exact = checker.worst_margin(W.tolist())
        for slack in (1.0, 2.0):
            bound = constraints.margin_bound(W, slack=slack)
            assert Fraction(bound) <= exact
            assert bound >= float(exact) - (1e-11 if path == "plain" else 1e-14) * abs(float(exact)) * 10


@pytest.mark.parametrize("norm", NAMES)
def test_a_bracket_holds_both_exact_ends(path, norm):
    rng = np.random.default_rng(1)
    X = np.vstack([np.eye(4), 2 * np.eye(4)])
    y = np.array([0, 1, 2, 0, 0, 1, 2, 0])
    constraints = MarginConstraints(X, y, 3, False, np.array([1.0, 2.0, 0.5]), None)
    checker = FractionChecker(
        [[(j, float(v)) for j, v in enumerate(row) if v] for row in X], y.tolist(), 3, 4, class_margins=[1.0, 2.0, 0.5]
    )
    W = np.array([[1.0, -1, -1, 1], [-1, 1, -1, -1], [-1, -1, 1, -1]]) + 0.1 * rng.standard_normal((3, 4))
    dense = rng.random((8, 3)) * (np.arange(3) != y[:, None])
    pairs = PairWeights.of(sp.csr_array(dense))
    combined = constraints.weighted_sum(pairs)
    lower, upper = constraints.bracket(norm, W, combined)
    margin = float(checker.worst_margin(W.tolist()))
    G, total = checker.combination(zip(*(one.tolist() for one in pairs), strict=True))
    dual = get_norm(norm).dual_value(np.array([[float(g) for g in row] for row in G])) / float(total)
    assert lower == pytest.approx(margin / get_norm(norm).value(W), rel=1e-12)
    assert upper == pytest.approx(dual, rel=1e-12)
    assert lower <= upper
    wider = constraints.bracket(norm, W, combined, slack=2.0)
    assert wider.lower < lower
    assert wider.upper > upper
    assert wider.lower == pytest.approx(lower, rel=1e-11)
    if norm in ("frobenius", "max", "sum"):
        assert checker.proves_lower(norm, W.tolist(), lower)
        assert checker.proves_upper(norm, zip(*(one.tolist() for one in pairs), strict=True), upper)


def test_no_weights_and_no_coefficients_have_no_ends():
    _, constraints, _, _ = made(0, sparse=False)
    none = constraints.weighted_sum(PairWeights(np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0)))
    for norm in NAMES:
        assert constraints.bracket(norm, np.zeros((3, 5)), none) == (0.0, math.inf)
        with np.errstate(all="ignore"):
            assert constraints.bracket(norm, np.full((3, 5), np.nan), none) == (0.0, math.inf)
            assert constraints.bracket(norm, np.full((3, 5), np.inf), none) == (0.0, math.inf)


@pytest.mark.parametrize("norm", ["spectral", "nuclear"])
def test_useless_singular_vectors_cost_sharpness_and_no_truth(norm, monkeypatch):
    A = np.random.default_rng(0).standard_normal((3, 6))
    value = get_norm(norm).value(A)
    rotated = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0]
    for Q in (rotated, np.ones((3, 3)), np.zeros((3, 3)), rotated * 0.9):
        monkeypatch.setattr(norm_bounds.np.linalg, "svd", lambda *_, Q=Q, **__: (Q, None, None))
        bound = norm_bounds.norm_bound(norm, A)
        assert value <= bound <= 2.0 * 3**0.5 * value


def of_any_size(rng, shape, kind):
    """Return numbers over the whole range, below the normal range, near the largest, or of ordinary size."""
    low, high = {"any": (-1070, 1020), "tiny": (-1074, -1000), "huge": (900, 1020), "ordinary": (-4, 5)}[kind]
    return np.ldexp(rng.uniform(0.5, 1.0, shape) * rng.choice([-1.0, 1.0], shape), rng.integers(low, high, shape))


def test_both_ends_hold_over_the_whole_range_of_floats():
    rng = np.random.default_rng(0)
    kinds = ("any", "tiny", "huge", "ordinary")
    n_lower = n_upper = 0
    for _ in range(600):
        n, K, d = rng.integers(1, 4), rng.integers(2, 4), rng.integers(1, 4)
        X, W = (of_any_size(rng, shape, rng.choice(kinds)) for shape in ((n, d), (K, d)))
        m, D = (np.abs(of_any_size(rng, K, rng.choice(kinds))) if rng.random() < 0.7 else None for _ in range(2))
        y = rng.integers(0, K, n)
        weights = np.abs(of_any_size(rng, (n, K), rng.choice(kinds))) * (np.arange(K) != y[:, None])
        pairs = PairWeights.of(sp.csr_array(weights))
        constraints = MarginConstraints(X, y, K, False, m, D)
        rows = [[(j, float(v)) for j, v in enumerate(row)] for row in X]
        checker = FractionChecker(rows, y.tolist(), K, d, class_margins=m, class_scales=D)
        with np.errstate(all="ignore"):
            combined = constraints.weighted_sum(pairs)
            for norm in ("frobenius", "max", "sum"):
                lower, upper = constraints.bracket(norm, W, combined)
                if lower > 0:
                    assert checker.proves_lower(norm, W.tolist(), lower)
                if upper < math.inf:
                    assert checker.proves_upper(norm, zip(*(one.tolist() for one in pairs), strict=True), upper)
                n_lower, n_upper = n_lower + (lower > 0), n_upper + (upper < math.inf)
    assert n_lower > 100
    assert n_upper > 500


def test_scales_that_push_coefficients_below_the_normal_range_prove_nothing():
    X, W, D = np.array([[1e308, 1.0]]), np.array([[0.0, 1e-23], [1e-30, 0.0]]), np.array([1.0, 1e-300])
    checker = FractionChecker([[(0, 1e308), (1, 1.0)]], [0], 2, 2, class_scales=D.tolist())
    assert checker.worst_margin(W.tolist()) < 0
    assert MarginConstraints(X, np.array([0]), 2, False, None, D).margin_bound(W) < 0


def test_pair_weights_and_matrices_are_the_same():
    dense = np.array([[0.0, 1.0, 2.0], [0.0, 0.0, 0.0], [3.0, 0.0, 4.0]])
    pairs = PairWeights.of(sp.coo_array(dense))
    assert pairs.rows.tolist() == [0, 0, 2, 2]
    assert pairs.matrix(3, 3).toarray().tolist() == dense.tolist()
    assert pairs.times(2.0).matrix(3, 3).toarray().tolist() == (2 * dense).tolist()
