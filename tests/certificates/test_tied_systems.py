"""Proofs with bounded rounding against elimination in rationals, and claims that are false."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp

from marginscope.certificates import bounded_proof, exact_proof
from marginscope.certificates.bounded_proof import TiedSystem, has_bounded_balance, null_vectors
from marginscope.certificates.tied_systems import bounded_tied_part
from marginscope.exceptions import CertificateError
from marginscope.geometry.margins import all_pairs
from marginscope.solvers.separability import separability


def random_problem(seed):
    """Small data of any kind, with integer or continuous features, dummies and constant columns."""
    rng = np.random.default_rng(seed)
    n, d, k = int(rng.integers(10, 60)), int(rng.integers(1, 5)), int(rng.integers(2, 5))
    X = rng.standard_normal((n, d))
    if rng.random() < 0.5:
        X = np.round(X * 2)
    if rng.random() < 0.5:
        X = np.column_stack([X, np.eye(3)[rng.integers(0, 3, n)]])
    if rng.random() < 0.3:
        X = np.column_stack([X, np.full(n, 0.1)])
    y = (X @ rng.standard_normal((X.shape[1], k)) + rng.gumbel(size=(n, k))).argmax(axis=1)
    _, y = np.unique(y, return_inverse=True)
    return X, y


def parts(certificate, X, y):
    k = len(certificate.classes)
    separable = certificate.separable_mask
    Z = np.column_stack([X, np.ones(len(X))])
    direction = None
    if certificate.direction is not None:
        direction = np.column_stack([certificate.direction, certificate.intercept_direction])
    return Z, y, all_pairs(y, k) & ~separable, certificate.multipliers.toarray(), direction, separable


def test_both_proofs_accept_what_the_solver_finds(monkeypatch):
    statuses = []
    for seed in range(60):
        X, y = random_problem(seed)
        if len(np.unique(y)) < 2:
            continue
        certificate = separability(X, y)
        if certificate.multipliers is None:
            continue
        statuses.append(certificate.status)
        assert bounded_tied_part(*parts(certificate, X, y))
        monkeypatch.setattr(exact_proof, "_FEW_ENTRIES", 10**9)
        assert certificate.verify(X, y, exact=True)
    assert statuses.count("overlap") > 10
    assert statuses.count("quasi_complete") > 10


@pytest.mark.parametrize("seed", range(8))
def test_damaged_weights_are_not_proved(seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((80, 3))
    y = np.arange(80) % 3
    Z, y, tied, weights, _, _ = parts(separability(X, y), X, y)
    assert bounded_tied_part(Z, y, tied, weights, None, None)
    assert not bounded_tied_part(Z, y, tied, weights * rng.choice([1e-4, 1.0, 1e4], weights.shape), None, None)
    negative = weights.copy()
    negative[np.nonzero(tied)[0][0], np.nonzero(tied)[1][0]] = -1e-9
    assert not bounded_tied_part(Z, y, tied, negative, None, None)


def is_proved(Z, y, tied, weights):
    try:
        return bounded_tied_part(Z, y, tied, weights, None, None)
    except CertificateError:
        return False


def test_separable_pairs_are_not_proved_to_tie():
    # weights that fade along a recession direction leave a residual below any tolerance
    rng = np.random.default_rng(1)
    X = np.column_stack([rng.standard_normal(90), np.repeat([0.0, 1.0], [60, 30])])
    y = np.concatenate([np.arange(60) % 2, np.full(30, 2)])
    certificate = separability(X, y)
    assert certificate.status == "quasi_complete"
    Z, y, tied, weights, direction, separable = parts(certificate, X, y)
    assert bounded_tied_part(Z, y, tied, weights, direction, separable)
    for size in (1e-6, 1e-13, 1e-40):
        faded = np.where(separable, size, weights)
        assert not is_proved(Z, y, tied | separable, faded)


def test_a_direction_that_ties_too_much_or_points_back_is_not_proved():
    rng = np.random.default_rng(2)
    X = np.column_stack([rng.standard_normal(90), np.repeat([0.0, 1.0], [60, 30])])
    y = np.concatenate([np.arange(60) % 2, np.full(30, 2)])
    Z, y, tied, weights, direction, separable = parts(separability(X, y), X, y)
    assert not bounded_tied_part(Z, y, tied, weights, -direction, separable)
    assert not bounded_tied_part(Z, y, tied, weights, np.zeros_like(direction), separable)
    # a direction that is off by rounding is moved onto the exact ones
    near = direction * (1 + 1e-13 * rng.standard_normal(direction.shape))
    assert bounded_tied_part(Z, y, tied, weights, near, separable)


def test_null_vectors_are_exact():
    # two dummies that add up to the ones, a column that is 0.1 throughout and one that class 0 never shows
    rng = np.random.default_rng(3)
    dummy = rng.integers(0, 2, 60).astype(float)
    y = np.arange(60) % 3
    rare = np.where(y == 2, rng.integers(0, 2, 60), 0.0)
    Z = np.column_stack([rng.standard_normal(60), dummy, 1 - dummy, np.full(60, 0.1), rare, np.ones(60)])
    tied = all_pairs(y, 3)
    tied[rare > 0] = False
    system = TiedSystem(Z, y, tied, tied.astype(float))
    columns, vectors = null_vectors(system)
    assert len(columns) + len(vectors) == system.n_unknowns
    assert len(vectors) == 6  # the dummies, 0.1 and the rare column, in two contrasts
    for vector in vectors:
        W = np.zeros((3, 6), dtype=object)
        for column, value in vector.items():
            W[divmod(column, 6)] = value
        scores = [[sum(Fraction(z) * w for z, w in zip(row, one, strict=True)) for one in W] for row in Z.tolist()]
        assert all(scores[i][y[i]] == scores[i][k] for i, k in np.argwhere(tied))


def test_columns_that_depend_up_to_rounding_are_no_proof():
    rng = np.random.default_rng(4)
    X = rng.standard_normal((300, 2))
    X = np.column_stack([X, X @ [0.1, 0.7]])
    y = rng.integers(0, 3, 300)
    Z, y, tied, weights, _, _ = parts(separability(X, y), X, y)
    with pytest.raises(CertificateError, match="depend on each other exactly or not nearly"):
        bounded_tied_part(Z, y, tied, weights, None, None)


def test_the_bound_sees_an_eigenvalue_that_is_lost_in_rounding():
    Z = np.column_stack([np.ones(40), 1.0 + 1e-14 * np.arange(40)])
    y = np.arange(40) % 2
    tied = all_pairs(y, 2)
    assert not has_bounded_balance(TiedSystem(Z, y, tied, tied.astype(float)), [0, 1])


def test_a_proof_that_is_too_large_is_refused_in_a_sentence(monkeypatch):
    monkeypatch.setattr(bounded_proof, "MOST_OPERATIONS", 1e6)
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((700, 60)), rng.integers(0, 4, 700)
    certificate = separability(X, y)
    with pytest.raises(CertificateError, match=r"183 unknowns and 2100 tied pairs; use .* exact=False"):
        certificate.verify(X, y, exact=True)


def test_hundreds_of_unknowns_are_proved():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((700, 60)), rng.integers(0, 4, 700)
    certificate = separability(X, y)
    assert certificate.status == "overlap"
    assert certificate.verify(X, y, exact=True)
    assert certificate.verify(sp.csr_array(X), y, exact=True)
    weights = certificate.multipliers.toarray()
    weights[5, (y[5] + 1) % 4] *= 1e6
    assert not replace(certificate, multipliers=sp.csr_array(weights)).verify(X, y, exact=True)
