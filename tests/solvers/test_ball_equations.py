"""Newton's equations of the unit balls against dense solves and written-out pair features."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from ball_checks import separable

from marginscope.geometry.margins import all_pairs
from marginscope.geometry.norms import get_norm
from marginscope.solvers.ball_interior_point import BallInteriorPoint
from marginscope.solvers.bordered_equations import BorderedEquations
from marginscope.solvers.normal_equations import FeatureSide, FullCurvature, PairSide
from marginscope.solvers.pair_map import PairMap
from marginscope.solvers.polyhedral_balls import MaxBall, SumBall
from marginscope.solvers.schatten_balls import NuclearBall, SpectralBall
from marginscope.solvers.unit_ball import BallStep, back_to, longest_step
from oracles.margin_programmes import scaled_pairs

BALLS = {"max": MaxBall, "sum": SumBall, "spectral": SpectralBall, "nuclear": NuclearBall}


def pair_map(seed, scales, n=25, d=4, k=4):
    X, y, k = separable(seed, n=n, d=d, k=k)
    rng = np.random.default_rng(seed)
    pairs = all_pairs(y.astype(np.intp), k) & (rng.random((len(y), k)) < 0.8)
    classes = np.diag(rng.uniform(0.5, 2.0, k)) if scales else np.eye(k)
    return PairMap(X, y.astype(np.intp), pairs, classes), rng


def features(pairs):
    """The features of the pairs of a map, one row for each, in its class coordinates."""
    X = pairs.X.toarray() if sp.issparse(pairs.X) else pairs.X
    A = scaled_pairs(X, pairs.y, pairs.n_classes).reshape(-1, pairs.n_classes, X.shape[1])
    flat = np.array([pairs.pairs[i, k] for i in range(len(X)) for k in range(pairs.n_classes) if k != pairs.y[i]])
    return np.einsum("kc,mkd->mcd", pairs.classes, A[flat]).reshape(int(flat.sum()), -1)


@pytest.mark.parametrize("scales", [False, True])
@pytest.mark.parametrize("sparse", [False, True])
def test_a_pair_map_is_its_matrix(scales, sparse):
    pairs, rng = pair_map(3, scales)
    if sparse:
        X = sp.csr_array(np.where(np.abs(pairs.X) < 0.1, 0.0, pairs.X))
        pairs = PairMap(X, pairs.y, pairs.pairs, pairs.classes)
    A = features(pairs)
    V = rng.standard_normal(pairs.shape)
    assert np.allclose(pairs.margins(V)[pairs.pairs], A @ V.ravel())
    assert not np.any(pairs.margins(V)[~pairs.pairs])
    weights = np.where(pairs.pairs, rng.random(pairs.pairs.shape), 0.0)
    assert np.allclose(pairs.adjoint(weights).ravel(), A.T @ weights[pairs.pairs])
    metric = rng.uniform(0.1, 2.0, pairs.shape)
    assert np.allclose(pairs.gram_of_pairs(metric), (A * metric.ravel()) @ A.T)
    columns = rng.random(pairs.shape) < 0.5
    bind = pairs.pairs & (rng.random(pairs.pairs.shape) < 0.5)
    assert np.allclose(pairs.rows(bind, columns), A[bind[pairs.pairs]][:, columns.ravel()])


@pytest.mark.parametrize("scales", [False, True])
@pytest.mark.parametrize("side", [FeatureSide, PairSide])
def test_both_sides_solve_the_normal_equations(scales, side):
    pairs, rng = pair_map(5, scales)
    A = features(pairs)
    w = np.where(pairs.pairs, 10.0 ** rng.uniform(-4, 3, pairs.pairs.shape), 0.0)
    theta = 10.0 ** rng.uniform(-3, 3, pairs.shape)
    t, f = np.where(pairs.pairs, rng.standard_normal(w.shape), 0.0), rng.standard_normal(pairs.shape)
    M = A.T @ (w[pairs.pairs][:, None] * A) + np.diag(theta.ravel())
    expected = np.linalg.solve(M, A.T @ t[pairs.pairs] + f.ravel()).reshape(pairs.shape)
    normal = side(pairs, w, theta)
    assert np.allclose(normal.solve(t, f), expected, rtol=1e-7, atol=1e-9)
    assert np.allclose(normal.correct(t, f), expected, rtol=1e-7, atol=1e-9)


def test_the_shared_part_is_exact_where_curvature_is_tiny():
    # a plain Cholesky factor of the matrix loses what all classes share: 1e-14 beside 1e6
    pairs, rng = pair_map(6, False)
    w = np.where(pairs.pairs, 1e6, 0.0)
    theta = np.full(pairs.shape, 1e-14)
    shared = rng.standard_normal(pairs.shape[1])
    normal = FeatureSide(pairs, w, theta)
    found = normal.solve(np.zeros_like(w), theta * shared)
    assert np.allclose(found, shared, rtol=1e-6)


def begun(name, seed=8):
    """A ball at a point inside, after a few steps of the interior point."""
    pairs, rng = pair_map(seed, False)
    if name in ("spectral", "nuclear"):
        K = pairs.n_classes
        basis = np.linalg.qr(np.column_stack([np.ones(K), np.eye(K)[:, 1:]]))[0][:, 1:]
        pairs = PairMap(pairs.X, pairs.y, pairs.pairs, basis)
    ball = BALLS[name](pairs.shape)
    point = BallInteriorPoint(pairs, get_norm(name), ball, lambda p, w: factorised(p, w, ball))
    for _ in range(3):
        point._measure()
        assert point._advance()
    point._measure()
    return point, ball, rng


def factorised(pairs, w, ball):
    if isinstance(ball, MaxBall | SumBall):
        return FeatureSide(pairs, w, ball.curvature)
    turn = np.linalg.inv(pairs.classes[:-1] - pairs.classes[-1])
    return FullCurvature(pairs, w, ball.curvature(turn), turn, ridge=0.0)


@pytest.mark.parametrize("name", BALLS)
def test_the_curvature_is_symmetric_positive_and_the_matrix_of_curve(name):
    point, ball, _ = begun(name)
    ball.linearise(point.W, point.G)
    n = point.W.size
    matrix = np.array([ball.curve(e.reshape(point.W.shape)).ravel() for e in np.eye(n)])
    assert np.allclose(matrix, matrix.T, rtol=1e-9, atol=1e-12 * np.abs(matrix).max())
    assert np.linalg.eigvalsh(matrix)[0] > 0
    if name in ("spectral", "nuclear"):
        turn = np.random.default_rng(0).standard_normal((len(point.W),) * 2)
        T = np.kron(turn, np.eye(point.W.shape[1]))
        assert np.allclose(ball.curvature(turn), T.T @ matrix @ T, rtol=1e-9, atol=1e-12 * np.abs(matrix).max())


@pytest.mark.parametrize("name", BALLS)
def test_a_step_keeps_the_slack_and_the_multipliers_what_they_are(name):
    point, ball, rng = begun(name)
    ball.linearise(point.W, point.G)
    ball.aim(0.3 * ball.gap() / ball.degree)
    w = point.weights / point.slack
    equations = BorderedEquations(factorised(point.pairs, w, ball), point.pairs, w, ball)
    t = np.where(point.mask, rng.standard_normal(w.shape) * 1e-3, 0.0)
    r, rho = ball.force()
    dW, dgamma, dtau, relative = equations.solve(t, r, 1e-3, rho, refinements=2)
    assert np.allclose(relative[point.mask], point.pairs.margins(dW)[point.mask] - dgamma)
    dweights = t - w * relative
    dG = point.pairs.adjoint(dweights)
    column = 0.0 if ball.tau_column is None else ball.tau_column * dtau
    assert np.allclose(dG, ball.curve(dW) + column + r, rtol=1e-8, atol=1e-10 * np.abs(dG).max())
    step = ball.step(dW, dG, dtau)
    ball.move(step, 1.0, 1.0)
    W, G = point.W + dW, point.G + dG
    for found, expected in identities(name, ball, W, G):
        assert np.allclose(found, expected, atol=1e-9)


def identities(name, ball, W, G):
    """What slack and multipliers are, in terms of W and G."""
    K = len(W)
    if name == "max":
        return [(ball.primal[0], 1 - W), (ball.primal[1], 1 + W), (ball.dual[0] - ball.dual[1], G)]
    if name == "sum":
        P, M = ball.primal
        return [(P - M, W), ((P + M).sum(), 1.0), (ball.dual[0], ball.tau - G), (ball.dual[1], ball.tau + G)]
    if name == "spectral":
        X, S = ball.X, ball.S
        return [(X[:K, K:], W), (X[:K, :K], np.eye(K)), (X[K:, K:], np.eye(len(X) - K)), (S[:K, K:], -G / 2)]
    X, S = ball.X, ball.S
    half = ball.tau / 2
    return [
        (X[:K, K:], W),
        (np.trace(X), 2.0),
        (S[:K, K:], -G / 2),
        (S[:K, :K], half * np.eye(K)),
        (S[K:, K:], half * np.eye(len(S) - K)),
    ]


@pytest.mark.parametrize("name", BALLS)
def test_the_products_change_as_aimed_at(name):
    """To first order, a full step takes all complementarity products to the target."""
    point, ball, _ = begun(name)
    ball.linearise(point.W, point.G)
    mu = ball.gap() / ball.degree
    # a target close to where the point is: then the step is short
    far = []
    for share in (1e-2, 1e-3):
        start = products(name, ball)
        center = np.mean(start)
        ball.aim(center)
        wanted = [wish * share for wish in deviations(name, ball, center)]
        set_wanted(name, ball, wanted)
        step = newton(point, ball)
        after = products_after(name, ball, step)
        aimed = start + share * (center - start)
        far.append(np.abs(np.sort(after) - np.sort(aimed)).max() / mu)
    # the error is of second order in the length of the step
    assert far[1] <= 0.05 * far[0] + 1e-9


def deviations(name, ball, target):
    return list(ball.wanted) if name in ("max", "sum") else [ball.wanted]


def set_wanted(name, ball, wanted):
    ball.wanted = tuple(wanted) if name in ("max", "sum") else wanted[0]


def newton(point, ball):
    w = point.weights / point.slack
    equations = BorderedEquations(factorised(point.pairs, w, ball), point.pairs, w, ball)
    r, rho = ball.force()
    zero = np.zeros_like(w)
    dW, _, dtau, relative = equations.solve(zero, r, 0.0, rho, refinements=2)
    return ball.step(dW, point.pairs.adjoint(-w * relative), dtau)


def products(name, ball):
    return products_after(name, ball, None)


def products_after(name, ball, step):
    if name in ("max", "sum"):
        primal, dual = ball.primal, ball.dual
        if step is not None:
            primal = [p + dp for p, dp in zip(primal, step.primal, strict=True)]
            dual = [q + dq for q, dq in zip(dual, step.dual, strict=True)]
        return np.concatenate([(p * q).ravel() for p, q in zip(primal, dual, strict=True)])
    X, S = ball.X, ball.S
    if step is not None:
        X, S = X + step.primal[0], S + step.dual[0]
    return np.linalg.eigvals(X @ S).real


@pytest.mark.parametrize("name", BALLS)
def test_the_gap_is_the_difference_of_both_ends(name):
    point, ball, _ = begun(name)
    gap = float(np.vdot(point.weights, point.slack)) + ball.gap()
    if name in ("max", "spectral"):
        upper = sum(q.sum() for q in ball.dual) if name == "max" else float(np.trace(ball.S))
    else:
        upper = ball.tau
    assert gap == pytest.approx(upper - point.gamma, rel=1e-9)
    assert (upper >= point.upper - 1e-12 and point.gamma <= point.lower + 1e-12) or point.lower == 0.0


def test_the_longest_step_ends_where_the_first_entry_vanishes():
    assert longest_step(np.array([1.0, 2.0, 3.0]), np.array([-1.0, -4.0, 5.0])) == 0.5
    assert longest_step(np.array([1.0]), np.array([0.0])) == np.inf


@pytest.mark.parametrize("name", ["spectral", "nuclear"])
def test_semidefinite_steps_end_at_the_boundary_of_the_cone(name):
    point, ball, rng = begun(name)
    ball.linearise(point.W, point.G)
    n = len(ball.X)
    D, E = rng.standard_normal((n, n)), rng.standard_normal((n, n))
    step = BallStep((D + D.T,), (E + E.T,), 0.0)
    primal, dual = ball.longest_steps(step)
    for value, change, length in ((ball.X, step.primal[0], primal), (ball.S, step.dual[0], dual)):
        lowest = np.linalg.eigvalsh(value + length * change)[0]
        assert abs(lowest) < 1e-9 * np.abs(value).max()


def test_outlying_products_are_drawn_back():
    assert np.allclose(back_to(1.0, np.array([0.01, 0.5, 20.0, 100.0])), [0.09, 0.0, -10.0, -10.0])
