"""Where the interior point alone does not do: flat balls, faces, and problems that are too large."""

from __future__ import annotations

import time
from functools import partial

import numpy as np
import pytest
from ball_checks import NORMS, VALUES, assert_solved, measured_bracket, problem, separable, solve
from hypothesis import given
from hypothesis import strategies as st

from marginscope.geometry.margins import all_pairs
from marginscope.geometry.norms import get_norm
from marginscope.solvers import ball_problem
from marginscope.solvers.ball_descent import PROJECTIONS, descend_in_ball
from marginscope.solvers.ball_interior_point import BallInteriorPoint
from marginscope.solvers.margin_bracket import MarginBracket
from marginscope.solvers.normal_equations import FeatureSide
from marginscope.solvers.pair_map import PairMap
from marginscope.solvers.polyhedral_balls import MaxBall, SumBall
from marginscope.solvers.vertex import offer_vertex
from oracles.margin_programmes import largest_margin


@pytest.mark.parametrize("norm", NORMS)
def test_many_classes_on_few_columns(norm):
    # the spectral ball is flat here: the solution is far from unique
    X, y, k = separable(7, n=200, d=4, k=30, gap=0.01)
    tol = 1e-7 if norm == "spectral" else 1e-8
    assert_solved(norm, problem(X, y, k, tol=tol), tol)


@pytest.mark.parametrize("norm", ["max", "sum"])
@pytest.mark.parametrize("seed", range(6))
def test_a_rough_interior_point_becomes_an_exact_vertex(norm, seed):
    X, y, k = separable(90 + seed, n=60, d=6)
    pairs = PairMap(X, y.astype(np.intp), all_pairs(y.astype(np.intp), k), np.eye(k))
    ball = (MaxBall if norm == "max" else SumBall)(pairs.shape)
    point = BallInteriorPoint(pairs, get_norm(norm), ball, lambda p, w: FeatureSide(p, w, ball.curvature))
    point.run(tol=1e-5, nothing=1e-13, deadline=time.monotonic() + 60)
    before = (point.upper - point.lower) / point.upper
    offer_vertex(point, ball, tol=1e-13)
    assert point.upper - point.lower <= 1e-12 * point.upper < before
    oracle = largest_margin(X, y, k, norm)
    assert point.lower * (1 - 1e-8) <= oracle <= point.upper * (1 + 1e-8)


@pytest.mark.parametrize("norm", NORMS)
def test_problems_without_a_normal_matrix_get_a_certified_bracket(norm, monkeypatch):
    monkeypatch.setattr(ball_problem, "_MOST_UNKNOWNS", 5)
    monkeypatch.setattr(ball_problem, "descend_in_ball", partial(descend_in_ball, most_iterations=1500))
    X, y, k = separable(3, n=40, d=5, k=3, gap=0.2)
    scales = np.array([1.0, 0.7, 1.5])
    given_problem = problem(X, y, k, class_scales=scales)
    solved = solve(norm, given_problem)
    lower, upper = measured_bracket(norm, given_problem, solved)
    oracle = largest_margin(X, y, k, norm, scales)
    assert solved.status == "iteration_limit"
    assert lower * (1 - 1e-6) <= oracle <= upper * (1 + 1e-6)
    assert upper - lower <= 0.02 * upper


def test_sparse_features_too_wide_to_make_dense_are_not(monkeypatch):
    import scipy.sparse as sp

    monkeypatch.setattr(ball_problem, "_MOST_DENSE_ENTRIES", 100)
    monkeypatch.setattr(ball_problem, "descend_in_ball", partial(descend_in_ball, most_iterations=1500))
    X, y, k = separable(3, n=20, d=8, k=3, gap=0.2)
    given_problem = problem(sp.csr_array(X), y, k)
    for norm in ("spectral", "nuclear"):
        solved = solve(norm, given_problem)
        lower, upper = measured_bracket(norm, given_problem, solved)
        assert solved.method == "accelerated projected gradients"
        assert 0.97 * upper <= lower <= upper
    # the side of the pairs needs no dense features
    for norm in ("max", "sum"):
        assert_solved(norm, given_problem)


@pytest.mark.parametrize("norm", NORMS)
def test_descent_on_inseparable_rows_has_no_lower_end(norm):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 30).astype(np.intp)
    pairs = PairMap(0.2 * rng.standard_normal((30, 3)), y, all_pairs(y, 3), np.eye(3))
    bracket = descend_in_ball(pairs, norm, tol=1e-8, deadline=time.monotonic() + 20, most_iterations=500)
    assert bracket.lower == 0.0
    assert bracket.upper < 0.02


@given(st.integers(0, 10**6), st.sampled_from(NORMS), st.sampled_from([(1, 4), (3, 3), (5, 2)]))
def test_projections_are_the_nearest_points(seed, norm, shape):
    rng = np.random.default_rng(seed)
    W = rng.standard_normal(shape) * 10.0 ** rng.uniform(-2, 1)
    nearest = PROJECTIONS[norm](W)
    assert VALUES[norm](nearest) <= 1 + 1e-12
    # W - nearest is in the normal cone: its largest inner product over the ball is at the nearest point
    away = W - nearest
    assert get_norm(norm).dual_value(away) <= float(np.vdot(away, nearest)) + 1e-11
    assert np.allclose(PROJECTIONS[norm](nearest), nearest, atol=1e-12)


def test_a_bracket_keeps_the_best_of_both_ends():
    X, y, k = separable(2, n=20, d=3, k=3)
    y = y.astype(np.intp)
    pairs = PairMap(X, y, all_pairs(y, k), np.eye(k))
    solved = solve("max", problem(X, y, k))
    bracket = MarginBracket(pairs, get_norm("max"))
    rng = np.random.default_rng(0)
    bracket.offer(rng.standard_normal(pairs.shape), pairs.pairs * rng.random(pairs.pairs.shape))
    loose = bracket.upper
    bracket.offer(3.0 * solved.coef, 5.0 * solved.weights)
    assert bracket.is_closed(1e-8)
    assert bracket.upper < loose
    ends = bracket.lower, bracket.upper
    bracket.offer(np.zeros(pairs.shape), np.zeros(pairs.pairs.shape))
    bracket.offer(solved.coef + 0.1, pairs.pairs.astype(float))
    assert (bracket.lower, bracket.upper) == ends
    assert np.abs(bracket.best_W).max() == pytest.approx(1.0)
    assert bracket.best_weights.sum() == pytest.approx(1.0)
