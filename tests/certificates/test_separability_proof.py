"""A certificate proves its status, and a damaged one does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_iris, load_wine

from marginscope.solvers.separability import separability


def complete_data():
    return load_wine(return_X_y=True)


def quasi_data():
    return load_iris(return_X_y=True)


def overlap_data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((120, 3))
    return X, (X @ rng.standard_normal((3, 3)) + rng.gumbel(size=(120, 3))).argmax(axis=1)


DATA = {"complete": complete_data, "quasi_complete": quasi_data, "overlap": overlap_data}


@pytest.fixture(scope="module", params=sorted(DATA))
def case(request):
    X, y = DATA[request.param]()
    certificate = separability(X, y)
    assert certificate.status == request.param
    return certificate, X, y


def test_it_proves_its_status_in_floats_and_in_rationals(case):
    certificate, X, y = case
    assert certificate.verify(X, y)
    assert certificate.verify(X, y, exact=True)


def damage_multipliers(certificate, rng):
    weights = certificate.multipliers.toarray()
    heavy = np.argwhere(weights > 1e-3 * weights.max())
    i, k = heavy[rng.integers(len(heavy))]
    kind = rng.integers(5)
    if kind == 0:
        weights[i, k] = 0.0
    elif kind == 1:
        weights[i, k] *= -1.0
    elif kind == 2:
        weights[i, k] *= rng.choice([0.5, 3.0])
    elif kind == 3:
        weights = weights[rng.permutation(len(weights))]
    else:
        weights[i, k] = np.nan
    return replace(certificate, multipliers=sp.csr_array(weights))


def damage_direction(certificate, rng):
    coef = certificate.direction.copy()
    kind = rng.integers(4)
    if kind == 0:
        coef = -coef
    elif kind == 1:
        coef = np.roll(coef, 1, axis=0)
    elif kind == 2:
        coef[rng.integers(len(coef)), rng.integers(coef.shape[1])] = rng.choice([np.nan, np.inf])
    else:
        coef = np.zeros_like(coef)
    return replace(certificate, direction=coef)


def damage_pairs(certificate, rng):
    mask = certificate.separable_mask
    i, k = rng.integers(mask.shape[0]), rng.integers(mask.shape[1])
    mask[i, k] = ~mask[i, k]
    return replace(certificate, _separable_bits=np.packbits(mask))


def damage_header(certificate, rng):
    kind = rng.integers(4)
    if kind == 0:
        others = [s for s in ("complete", "quasi_complete", "overlap", "undecided") if s != certificate.status]
        return replace(certificate, status=others[rng.integers(3)])
    if kind == 1:
        return replace(certificate, n_rows=certificate.n_rows - 1)
    if kind == 2:
        return replace(certificate, class_rows=certificate.class_rows[::-1] + 1)
    return replace(certificate, separable_counts=certificate.separable_counts + 1)


def kinds_of_damage(certificate):
    kinds = [damage_pairs, damage_header]
    if certificate.direction is not None:
        kinds.append(damage_direction)
    if certificate.multipliers is not None:
        kinds.append(damage_multipliers)
    return kinds


def test_damaged_certificates_are_rejected(case):
    certificate, X, y = case
    rng = np.random.default_rng(7)
    kinds = kinds_of_damage(certificate)
    for trial in range(120):
        broken = kinds[trial % len(kinds)](certificate, rng)
        assert not broken.verify(X, y), (trial, kinds[trial % len(kinds)].__name__)


@pytest.mark.slow
def test_a_thousand_damaged_certificates_are_rejected(case):
    # 3 cases: 1,020 in floats; those that rationals must see, in rationals too
    certificate, X, y = case
    rng = np.random.default_rng(17)
    kinds = kinds_of_damage(certificate)
    for trial in range(340):
        damage = kinds[trial % len(kinds)]
        broken = damage(certificate, rng)
        assert not broken.verify(X, y), (trial, damage.__name__)
        if damage is not damage_multipliers:
            assert not broken.verify(X, y, exact=True), (trial, damage.__name__)


def test_damage_that_rationals_must_see_is_seen(case):
    certificate, X, y = case
    rng = np.random.default_rng(8)
    kinds = [damage_pairs, damage_header] + ([damage_direction] if certificate.direction is not None else [])
    for trial in range(40):
        broken = kinds[trial % len(kinds)](certificate, rng)
        assert not broken.verify(X, y, exact=True), (trial, kinds[trial % len(kinds)].__name__)


def test_it_proves_nothing_about_other_data(case):
    certificate, X, y = case
    rng = np.random.default_rng(9)
    for _ in range(20):
        other = y.copy()
        i = rng.integers(len(y))
        other[i] = (y[i] + 1 + rng.integers(2)) % 3
        assert not certificate.verify(X, other)
    assert not certificate.verify(X[:-1], y[:-1])
    assert not certificate.verify(X[:, 1:], y)
    assert not certificate.verify(np.where(np.arange(X.size).reshape(X.shape) == 3, np.nan, X), y)
    assert not certificate.verify(X, np.array(["unknown"] * len(y)))
    assert not certificate.verify(X + 100.0 * rng.standard_normal(X.shape), y)


def test_a_direction_off_by_more_than_rounding_does_not_tie():
    X, y = quasi_data()
    certificate = separability(X, y)
    rng = np.random.default_rng(3)
    for size in (1e-10, 1e-6, 1e-2):
        noise = 1.0 + size * rng.standard_normal(certificate.direction.shape)
        assert not replace(certificate, direction=certificate.direction * noise).verify(X, y)


def test_pairs_that_could_be_separated_may_not_be_called_tied():
    # lambda is positive on the pair, so its residual shows
    X, y = quasi_data()
    certificate = separability(X, y)
    weights = certificate.multipliers.toarray()
    mask = certificate.separable_mask
    i, k = certificate.separable_pairs[0]
    mask[i, k] = False
    counts = certificate.separable_counts.copy()
    counts[y[i], k] -= 1
    for value in (1e-300, 1e-12, 1.0):
        weights[i, k] = value
        broken = replace(
            certificate,
            multipliers=sp.csr_array(weights),
            separable_counts=counts,
            _separable_bits=np.packbits(mask),
        )
        assert not broken.verify(X, y)
        assert not broken.verify(X, y, exact=True)


def test_weights_that_only_fade_do_not_prove_overlap():
    # along a recession direction the sum falls below any tolerance, and so do the weights
    X, y = quasi_data()
    certificate = separability(X, y)
    weights = certificate.multipliers.toarray()
    separable = certificate.separable_mask
    for size in (1e-10, 1e-13, 1e-20, 1e-200):
        faded = np.where(separable, size, weights)
        claim = replace(
            certificate,
            status="overlap",
            multipliers=sp.csr_array(faded),
            separable_counts=np.zeros_like(certificate.separable_counts),
            _separable_bits=None,
        )
        assert not claim.verify(X, y)
        assert not claim.verify(X, y, exact=True)


def test_an_undecided_certificate_proves_nothing(case):
    certificate, X, y = case
    undecided = replace(certificate, status="undecided", reason="time")
    assert not undecided.verify(X, y)
    assert undecided.infinite is None
    assert "time" in str(undecided)
