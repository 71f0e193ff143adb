"""The checker on fractions against brute force, against known numbers, and against other certificates."""

from __future__ import annotations

import ast
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_iris, load_wine

from marginscope.certificates import fraction_checker
from marginscope.certificates.fraction_checker import FractionChecker, norm_is_at_most
from marginscope.solvers.separability import separability
from oracles.exact_separability import status
from oracles.fraction_separability import SeparabilityChecker

SOURCE = Path(fraction_checker.__file__).read_text(encoding="utf-8")


def entries(X):
    return [[(j, float(v)) for j, v in enumerate(row) if v != 0] for row in np.asarray(X, dtype=float)]


def made_checker(X, y, K, **options):
    return SeparabilityChecker(entries(X), list(y), K, np.shape(X)[1], **options)


def pair_margins(X, y, W, margins, scales):
    """Write out u_ik / m_i as fractions, pair by pair."""
    found = {}
    for i, row in enumerate(X):
        for k in range(len(W)):
            if k != y[i]:
                own = sum(Fraction(a) * Fraction(b) for a, b in zip(W[y[i]], row, strict=True)) * Fraction(scales[y[i]])
                rival = sum(Fraction(a) * Fraction(b) for a, b in zip(W[k], row, strict=True)) * Fraction(scales[k])
                found[i, k] = (own - rival) / Fraction(margins[y[i]])
    return found


@pytest.fixture(params=range(6))
def problem(request):
    rng = np.random.default_rng(request.param)
    n, d, K = 9, 3, 4
    X = rng.standard_normal((n, d)) * 10.0 ** rng.integers(-5, 5, (1, d))
    X[rng.random((n, d)) < 0.2] = 0.0
    y = rng.permutation(np.arange(n) % K)
    return rng, X, y, K, rng.uniform(0.1, 3, K), rng.uniform(0.1, 3, K)


def test_it_is_small_and_shares_nothing():
    assert len(SOURCE.splitlines()) <= 300
    imported = {
        name
        for node in ast.walk(ast.parse(SOURCE))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert imported == {"__future__", "math", "collections.abc", "fractions"}


def test_the_worst_margin_is_exact(problem):
    rng, X, y, K, margins, scales = problem
    W = rng.standard_normal((K, 4))
    checker = made_checker(X, y, K, fit_intercept=True, class_margins=margins.tolist(), class_scales=scales.tolist())
    Z = np.column_stack([X, np.ones(len(X))])
    assert checker.worst_margin(W.tolist()) == min(pair_margins(Z, y, W, margins, scales).values())


def test_the_combination_is_the_adjoint_of_the_margins(problem):
    rng, X, y, K, margins, scales = problem
    checker = made_checker(X, y, K, class_margins=margins.tolist(), class_scales=scales.tolist())
    weights = [(i, k, float(rng.exponential())) for i in range(len(X)) for k in range(K) if k != y[i]]
    G, total = checker.combination(weights)
    W = rng.standard_normal((K, 3))
    u = pair_margins(X, y, W, margins, scales)
    inner = sum(g * Fraction(w) for row, ws in zip(G, W, strict=True) for g, w in zip(row, ws, strict=True))
    assert inner == sum(Fraction(b) * u[i, k] * Fraction(margins[y[i]]) for i, k, b in weights)
    assert total == sum(Fraction(b) * Fraction(margins[y[i]]) for i, _, b in weights)


# exact values: 3-4-5 triangles, diagonals, and products of both
KNOWN = [
    ([[3.0, 4.0]], {"frobenius": 5, "max": 4, "sum": 7, "spectral": 5, "nuclear": 5}),
    ([[3.0, 0.0], [0.0, -4.0]], {"frobenius": 5, "max": 4, "sum": 7, "spectral": 4, "nuclear": 7}),
    ([[9.0, 12.0], [12.0, 16.0]], {"frobenius": 25, "max": 16, "sum": 49, "spectral": 25, "nuclear": 25}),
    ([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]], {"max": 2, "sum": 3, "spectral": 2, "nuclear": 3}),
    ([[0.0, 0.0]], {"frobenius": 0, "max": 0, "sum": 0, "spectral": 0, "nuclear": 0}),
]


@pytest.mark.parametrize(("A", "values"), KNOWN)
def test_norms_of_known_matrices(A, values):
    for norm, value in values.items():
        witness = root_of(A)
        assert norm_is_at_most(norm, A, Fraction(value) * Fraction(1 + 1e-9) + Fraction(1, 10**12), witness=witness)
        assert not norm_is_at_most(norm, A, Fraction(value) - Fraction(1, 10**9), witness=witness)
        if norm in ("frobenius", "max", "sum"):
            assert norm_is_at_most(norm, A, Fraction(value))


def root_of(A, ridge=1e-11):
    A = np.asarray(A)
    A = A if A.shape[0] <= A.shape[1] else A.T
    U, s, _ = np.linalg.svd(A, full_matrices=False)
    S = (U * (s + ridge * max(1.0, s.max()))) @ U.T
    return (0.5 * (S + S.T)).tolist()


@pytest.mark.parametrize("seed", range(8))
def test_norms_of_random_matrices(seed):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((rng.integers(1, 6), rng.integers(1, 6))) * 10.0 ** rng.integers(-80, 80)
    s = np.linalg.svd(A, compute_uv=False)
    values = {
        "frobenius": math.sqrt(math.fsum((s / s[0]) ** 2)) * s[0],
        "max": np.abs(A).max(),
        "sum": np.abs(A).sum(),
        "spectral": s[0],
        "nuclear": s.sum(),
    }
    witness = root_of(A / s[0])
    witness = [[one * s[0] for one in row] for row in witness]
    for norm, value in values.items():
        assert norm_is_at_most(norm, A.tolist(), Fraction(value * (1 + 1e-9)), witness=witness)
        assert not norm_is_at_most(norm, A.tolist(), Fraction(value * (1 - 1e-9)), witness=witness)


def test_a_bad_witness_proves_nothing():
    A = [[3.0, 0.0], [0.0, 4.0]]
    assert norm_is_at_most("nuclear", A, Fraction(8), witness=[[3.0, 0.0], [0.0, 4.0]])
    for witness in (
        None,
        [[3.0, 0.0]],
        [[3.0, 0.1], [0.0, 4.0]],  # not symmetric
        [[3.0, 0.0], [0.0, -4.0]],  # not positive
        [[0.0, 0.0], [0.0, 0.0]],
        [[3.0, 5.0], [5.0, 4.0]],  # indefinite
        [[30.0, 0.0], [0.0, 40.0]],  # far off: a valid bound, but a loose one
    ):
        assert not norm_is_at_most("nuclear", A, Fraction(8), witness=witness)


def test_both_ends_are_decided_to_the_last_float():
    # the largest margin is sqrt(2): the nearest float below is proved, the one above is not
    checker = made_checker([[-1.0], [1.0]], [0, 1], 2)
    below = math.sqrt(2.0) if Fraction(math.sqrt(2.0)) ** 2 < 2 else math.nextafter(math.sqrt(2.0), 0)
    above = math.nextafter(below, 2)
    W, weights = [[-0.5], [0.5]], [(0, 1, 0.25), (1, 0, 0.25)]
    assert checker.proves_lower("frobenius", W, below)
    assert not checker.proves_lower("frobenius", W, above)
    assert checker.proves_upper("frobenius", weights, above)
    assert not checker.proves_upper("frobenius", weights, below)
    # in the other norms it is a rational number
    for norm, value in {"max": 2.0, "sum": 1.0}.items():
        assert checker.proves_lower(norm, W, value)
        assert checker.proves_upper(norm, weights, value)
        assert not checker.proves_lower(norm, W, math.nextafter(value, 3))
        assert not checker.proves_upper(norm, weights, math.nextafter(value, 0))


def test_ends_follow_class_margins_and_scales():
    checker = made_checker([[-1.0], [1.0]], [0, 1], 2, class_margins=[2.0, 2.0], class_scales=[3.0, 3.0])
    assert checker.proves_lower("max", [[-1.0], [1.0]], 3.0)
    assert checker.proves_upper("max", [(0, 1, 1.0), (1, 0, 0.5)], 3.0)
    assert not checker.proves_upper("max", [(0, 1, 1.0), (1, 0, 0.5)], 2.9)


def test_nothing_is_proved_by_nothing():
    checker = made_checker([[-1.0], [1.0]], [0, 1], 2)
    assert not checker.proves_lower("frobenius", [[0.0], [0.0]], 0.0)
    assert not checker.proves_lower("frobenius", [[0.0], [0.0]], 1.0)
    assert not checker.proves_lower("frobenius", [[-0.5], [0.5]], 0.0)
    assert not checker.proves_upper("frobenius", [], 1.0)
    assert not checker.proves_upper("frobenius", [(0, 1, 0.0)], 1.0)
    assert not checker.proves_inseparable([])
    assert not checker.proves_inseparable([(0, 1, 0.0)])


BAD = {
    "negative weight": lambda c: c.combination([(0, 1, -1.0)]),
    "own class": lambda c: c.combination([(0, 0, 1.0)]),
    "row out of range": lambda c: c.combination([(2, 1, 1.0)]),
    "class out of range": lambda c: c.combination([(0, 2, 1.0)]),
    "weight without value": lambda c: c.combination([(0, 1, math.nan)]),
    "infinite weight": lambda c: c.combination([(0, 1, math.inf)]),
    "wrong shape": lambda c: c.worst_margin([[1.0, 2.0], [1.0, 2.0]]),
    "missing class": lambda c: c.worst_margin([[1.0]]),
    "coefficient without value": lambda c: c.worst_margin([[math.nan], [1.0]]),
    "unknown norm": lambda c: norm_is_at_most("l2", [[1.0]], Fraction(1)),
    "code out of range": lambda c: made_checker([[1.0]], [2], 2),
    "too few codes": lambda c: made_checker([[1.0], [2.0]], [0], 2),
    "row without value": lambda c: made_checker([[math.inf]], [0], 2),
    "margin of zero": lambda c: made_checker([[1.0]], [0], 2, class_margins=[0.0, 1.0]),
    "too few scales": lambda c: made_checker([[1.0]], [0], 2, class_scales=[1.0]),
    "column out of range": lambda c: FractionChecker([[(1, 1.0)]], [0], 2, 1),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_what_is_no_claim_is_refused(bad):
    with pytest.raises(ValueError, match="needed"):
        bad(made_checker([[-1.0], [1.0]], [0, 1], 2))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 3), st.booleans())
def test_inseparable_is_proved_for_inseparable_data_only(seed, K, fit_intercept):
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(K, 7)), int(rng.integers(1, 3))
    X = rng.integers(-2, 3, (n, d)).astype(float)
    y = rng.permutation(np.arange(n) % K)
    kind = status(X, y, K, fit_intercept)
    checker = made_checker(X, y, K, fit_intercept=fit_intercept)
    weights = [(i, k, float(rng.integers(1, 9))) for i in range(n) for k in range(K) if k != y[i]]
    if checker.proves_inseparable(weights):
        # strictly positive on all pairs: no margin can grow at all
        assert kind == "overlap"
    certificate = separability(X, y, fit_intercept=fit_intercept)
    if kind == "complete":
        full = certificate.direction
        if fit_intercept:
            full = np.column_stack([full, certificate.intercept_direction])
        assert checker.proves_separation(full.tolist())
    else:
        assert checker.proves_inseparable(pairs_of(certificate.multipliers))


def pairs_of(multipliers):
    pairs = multipliers.tocoo()
    return list(zip(*(one.tolist() for one in (*pairs.coords, pairs.data)), strict=True))


@pytest.mark.parametrize("name", ["wine", "iris", "noise"])
def test_it_confirms_separability_certificates(name):
    if name == "noise":
        rng = np.random.default_rng(0)
        X, y = rng.standard_normal((120, 3)), rng.integers(0, 3, 120)
    else:
        X, y = (load_wine if name == "wine" else load_iris)(return_X_y=True)
    certificate = separability(X, y)
    assert certificate.status == {"wine": "complete", "iris": "quasi_complete", "noise": "overlap"}[name]
    checker = made_checker(X, y, 3, fit_intercept=True)
    if name == "wine":
        W = np.column_stack([certificate.direction, certificate.intercept_direction])
        assert checker.proves_separation(W.tolist())
        assert not checker.proves_separation((-W).tolist())
        return
    pairs = pairs_of(certificate.multipliers)
    assert checker.proves_inseparable(pairs)
    exact = checker.balanced_weights(pairs)
    assert checker.sums_to_zero(exact)
    # the corrected weights stay near those of the certificate
    ratio = [Fraction(new) / Fraction(old) for (_, _, new), (_, _, old) in zip(exact, pairs, strict=True)]
    assert max(ratio) < 3 * min(ratio)
    # the floats themselves do not sum to zero, but cap every margin
    assert not checker.sums_to_zero(pairs)
    assert checker.proves_upper("frobenius", pairs, 1e-6)


def test_exact_balances_of_contradictory_rows():
    checker = made_checker([[2.0], [2.0], [5.0]], [0, 1, 0], 2, fit_intercept=True)
    assert checker.sums_to_zero([(0, 1, 0.5), (1, 0, 0.5)])
    assert not checker.sums_to_zero([(0, 1, 0.5), (1, 0, 0.25)])
    assert not checker.sums_to_zero([(0, 1, 0.5), (1, 0, 0.5), (2, 1, 1e-300)])
    assert checker.proves_inseparable([(0, 1, 0.5), (1, 0, 0.25)])  # corrected to equal weights
