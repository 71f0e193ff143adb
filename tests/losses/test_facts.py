"""Every number and every yes or no in the facts of the losses, each against an oracle of its own."""

import mpmath as mp
import numpy as np
import pytest
from scipy.optimize import minimize

from marginscope.losses.template import Template
from oracles import templates as oracle
from oracles.code_matrices import code_matrix, reference_matrix
from oracles.loss_cases import CASES, label, parameters

every_case = pytest.mark.parametrize("one", CASES, ids=label)


def spread(seed, n, n_rivals):
    """Return margins of every kind: near, far, tied, and with rivals that play no part."""
    rng = np.random.default_rng(seed)
    u = rng.normal(size=(n, n_rivals)) * 10.0 ** rng.uniform(-1, 1, size=(n, 1)) + rng.normal(size=(n, 1))
    tied = rng.random(n) < 0.5
    u[tied] = np.where(rng.random((tied.sum(), n_rivals)) < 0.7, u[tied, :1], u[tied])
    far = (rng.random((n, n_rivals)) < 0.3) & (rng.random((n, 1)) < 0.5)
    return np.where(far, 40.0, u)


def hessians(one, u):
    """Return the Hessians at the rows of u, column by column."""
    eye = np.eye(u.shape[-1])
    return np.stack([one.hessian_product(u, np.broadcast_to(e, u.shape)) for e in eye], axis=-1)


def test_the_made_up_margins_hold_every_kind():
    u = spread(0, 1000, 3)
    assert (u == 40.0).any()
    assert (u[:, 0] == u[:, 1]).any()
    assert (np.abs(u) < 0.1).any()
    assert (u < -5).any()
    assert len(np.unique(u)) > 1000


# Convex, decreasing, not negative


@every_case
def test_convexity(one):
    a, b = spread(1, 3000, 3), spread(2, 3000, 3)
    bend = (one.value(a) + one.value(b)) / 2 - one.value((a + b) / 2)
    scale = 1e-12 * (1.0 + one.value(a) + one.value(b))
    assert (bool(np.all(bend >= -scale))) is one.facts.convex
    if not one.facts.convex:
        lowest = np.linalg.eigvalsh(hessians(one, spread(3, 2000, 3)))[:, 0].min()
        assert lowest < -1e-3
    else:
        assert np.linalg.eigvalsh(hessians(one, spread(3, 2000, 3)))[:, 0].min() > -1e-7


@every_case
def test_strict_decrease(one):
    grid = [-30.0, -3.0, -0.5, 0.0, 0.3, 0.999, 1.0, 4.0, 30.0, 300.0]
    with mp.workdps(30):
        smallest = min(min(oracle.q(one.name, (a, b), **parameters(one))) for a in grid for b in grid)
    assert bool(smallest > 0) is one.facts.strictly_decreasing


@every_case
def test_values_are_not_negative(one):
    assert one.facts.nonnegative is True
    with mp.workdps(30):
        assert all(oracle.psi(one.name, row, **parameters(one)) >= 0 for row in spread(4, 60, 3))
    found = minimize(lambda u: float(one.value(u)), np.zeros(3), method="Nelder-Mead")
    assert found.fun >= -1e-12


# Smoothness


def largest_jump(function, seed):
    """Return the largest jump of a function along random lines, closed in on by halving."""
    rng = np.random.default_rng(seed)
    start, direction = rng.normal(size=(40, 1, 3)) - 1.0, np.abs(rng.normal(size=(40, 1, 3)))
    s = np.linspace(0.0, 8.0, 1001)[None, :, None]
    values = function(start + s * direction)
    k = np.abs(np.diff(values, axis=1)).max(axis=2).argmax(axis=1)

    def at(place):
        return function(start[:, 0] + place * direction[:, 0])

    low, high = s[0, k], s[0, k + 1]
    for _ in range(33):
        middle = (low + high) / 2
        first = np.abs(at(middle) - at(low)).max(axis=1) > np.abs(at(high) - at(middle)).max(axis=1)
        low, high = np.where(first[:, None], low, middle), np.where(first[:, None], middle, high)
    return float(np.abs(at(high) - at(low)).max())


@every_case
def test_the_number_of_continuous_derivatives(one):
    vector = np.array([1.0, -0.5, 0.3])
    gradient_jumps = largest_jump(one.weights, 5) > 1e-3
    hessian_jumps = largest_jump(lambda u: one.hessian_product(u, np.broadcast_to(vector, u.shape)), 6) > 1e-3
    assert one.facts.smoothness == (0 if gradient_jumps else 1 if hessian_jumps else 2)


def test_the_jump_finder_finds_what_is_there():
    assert largest_jump(lambda u: np.sign(u - 0.5), 7) == pytest.approx(2.0)
    assert largest_jump(np.tanh, 7) < 1e-9


def top_curvature(one: Template, n_classes: int, in_scores: bool) -> float:
    """Maximise the largest |eigenvalue| of the Hessian over the margins, from many starts."""
    B = code_matrix(0, n_classes) @ reference_matrix(n_classes)
    rows = spread(8, 3000, n_classes - 1)

    def top(u):
        H = hessians(one, u)
        return np.abs(np.linalg.eigvalsh(B.T @ H @ B if in_scores else H)).max(axis=-1)

    first = top(rows)
    best = float(first.max())
    for k in np.argsort(first)[-2:]:
        found = minimize(lambda u: -float(top(u)), rows[k], method="Nelder-Mead", options={"maxfev": 400})
        best = max(best, -float(found.fun))
    return best


@every_case
@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_smoothness_constants_are_the_largest_curvature(one, n_classes):
    facts = one.facts
    for beta, in_scores in ((facts.beta_psi, False), (facts.beta_v, True)):
        if np.isfinite(beta(n_classes)):
            found = top_curvature(one, n_classes, in_scores)
            assert 0.98 * beta(n_classes) <= found <= beta(n_classes) * (1.0 + 1e-6)
    assert facts.beta_v(n_classes) <= n_classes * facts.beta_psi(n_classes) * (1.0 + 1e-12)


@every_case
def test_an_infinite_smoothness_is_one(one):
    if np.isfinite(one.facts.beta_psi(3)):
        return
    assert one.facts.beta_v(3) == np.inf
    if one.facts.smoothness:
        assert np.abs(hessians(one, np.array([[-100.0, -100.0]]))).max() > 1e40
    else:
        assert largest_jump(one.weights, 9) > 0.1


# The tail


def ratios(one, u):
    """Return r_i = q_i exp(u_i) and S exactly."""
    with mp.workdps(80):
        q = oracle.q(one.name, u, **parameters(one))
        return [w * mp.exp(mp.mpf(x)) for w, x in zip(q, u, strict=True)], mp.fsum(mp.exp(-mp.mpf(x)) for x in u)


def tail_kind(one):
    """Return the kind of tail that the weights have on the way out."""
    rng = np.random.default_rng(10)
    far = [ratios(one, base + rng.uniform(0, 2, 3))[0] for base in (10.0, 20.0, 40.0, 80.0)]
    largest = [max(abs(x) for x in r) for r in far]
    if all(x == 0 for x in far[-1]):
        return "zero"
    if min(far[-1]) < 0:
        return "negative"
    if largest[-1] > 1e6 * largest[0]:
        return "heavy"
    if largest[-1] < 1e-6 * largest[0]:
        return "light"
    return "exponential" if within_bounds(one, largest[-1]) else "near_exponential"


def within_bounds(one, c):
    rng = np.random.default_rng(11)
    slack = mp.mpf(10) ** -15
    for _ in range(60):
        r, S = ratios(one, rng.uniform(0, 6, 3))
        if not all(c * (1 - S) - slack <= x <= c + slack for x in r):
            return False
    return True


@every_case
def test_the_kind_of_tail(one):
    assert one.facts.tail == tail_kind(one)


@every_case
def test_the_constant_of_the_tail(one):
    if one.facts.tail not in ("exponential", "near_exponential"):
        assert one.facts.tail_constant is None
        return
    r, _ = ratios(one, [200.0, 210.0, 205.0])
    assert all(abs(x - one.facts.tail_constant) < 1e-30 for x in r)


@every_case
def test_weights_are_zero_exactly_from_where_the_form_begins(one):
    if one.facts.tail != "zero":
        return
    edge = one.tail_form_from
    assert not one.weights(np.full((1, 3), edge + 1e-9)).any()
    assert one.weights(np.full((1, 3), edge - 1e-2)).all()


def test_the_minimum_of_label_smoothing():
    for eps in (0.1, 0.6):
        from marginscope import losses

        u = np.full(3, np.log(1.0 + 4 * (1.0 - eps) / eps))
        np.testing.assert_allclose(losses.get("label_smoothing", eps=eps).weights(u), 0.0, atol=1e-15)
