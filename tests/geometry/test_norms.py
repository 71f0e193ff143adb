"""Norms, their duals and their maximisers, against definitions written out and each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginscope.exceptions import UsageError
from marginscope.geometry.norms import NORMS, get_norm

NAMES = [norm.name for norm in NORMS]
SHAPES = [(1, 1), (1, 5), (5, 1), (3, 3), (3, 7), (8, 2)]


def matrix(seed, shape):
    return np.random.default_rng(seed).standard_normal(shape)


def written_out(name, W):
    """The norm from its definition: eigenvalues of W' W for the two Schatten norms."""
    if name == "frobenius":
        return np.sqrt(sum(x * x for x in W.ravel()))
    if name == "max":
        return max(abs(x) for x in W.ravel())
    if name == "sum":
        return sum(abs(x) for x in W.ravel())
    gram = W.T @ W if W.shape[0] > W.shape[1] else W @ W.T
    singular = np.sqrt(np.maximum(np.linalg.eigvalsh(gram), 0.0))
    return singular.max() if name == "spectral" else singular.sum()


norms = st.sampled_from(NAMES)
shapes = st.sampled_from(SHAPES)
seeds = st.integers(0, 10**6)


@given(seeds, shapes, norms)
def test_values_are_those_of_the_definition(seed, shape, name):
    W = matrix(seed, shape)
    assert get_norm(name).value(W) == pytest.approx(written_out(name, W), rel=1e-7)


@given(seeds, shapes, norms)
def test_the_dual_value_is_the_value_of_the_dual_norm(seed, shape, name):
    norm = get_norm(name)
    G = matrix(seed, shape)
    assert norm.dual_value(G) == pytest.approx(get_norm(norm.dual).value(G), rel=1e-13)
    assert get_norm(norm.dual).dual == name


@given(seeds, shapes, norms)
def test_the_maximiser_has_norm_one_and_attains_the_dual_value(seed, shape, name):
    norm = get_norm(name)
    G = matrix(seed, shape)
    best = norm.linear_maximizer(G)
    assert best.shape == shape
    assert norm.value(best) == pytest.approx(1.0, rel=1e-12)
    assert float(np.vdot(best, G)) == pytest.approx(norm.dual_value(G), rel=1e-12)


@given(seeds, shapes, norms)
def test_no_matrix_of_norm_one_does_better(seed, shape, name):
    norm = get_norm(name)
    rng = np.random.default_rng(seed)
    G, W = rng.standard_normal(shape), rng.standard_normal(shape)
    assert float(np.vdot(W, G)) <= norm.value(W) * norm.dual_value(G) * (1 + 1e-12)


@given(seeds, shapes, norms)
def test_the_maximiser_is_a_subgradient_of_the_dual_norm(seed, shape, name):
    norm = get_norm(name)
    rng = np.random.default_rng(seed)
    G, H = rng.standard_normal(shape), rng.standard_normal(shape)
    slope = norm.linear_maximizer(G)
    assert norm.dual_value(H) >= norm.dual_value(G) + float(np.vdot(slope, H - G)) - 1e-12 * norm.dual_value(H)


@given(seeds, norms)
def test_the_maximiser_is_the_gradient_of_the_dual_norm_where_there_is_one(seed, name):
    norm = get_norm(name)
    rng = np.random.default_rng(seed)
    # distinct singular values and entries: a random matrix has both
    G, D = rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
    step = 1e-7
    slope = (norm.dual_value(G + step * D) - norm.dual_value(G - step * D)) / (2 * step)
    kink = 20 * step * np.abs(D).max()
    gaps = np.abs(np.diff(np.sort(np.abs(G).ravel())))
    singular = np.linalg.svd(G, compute_uv=False)
    if min(np.abs(G).min(), gaps[-1], singular[-1], singular[0] - singular[1]) > kink:
        assert slope == pytest.approx(float(np.vdot(norm.linear_maximizer(G), D)), rel=1e-5, abs=1e-5)


@given(seeds, shapes, norms, st.integers(-120, 120))
def test_norms_are_homogeneous_and_maximisers_do_not_see_scale(seed, shape, name, exponent):
    norm = get_norm(name)
    W, factor = matrix(seed, shape), 2.0**exponent
    assert norm.value(factor * W) == pytest.approx(factor * norm.value(W), rel=1e-12)
    assert np.allclose(norm.linear_maximizer(factor * W), norm.linear_maximizer(W), atol=1e-9)


@given(seeds, shapes, norms)
def test_the_triangle_inequality_holds(seed, shape, name):
    norm = get_norm(name)
    rng = np.random.default_rng(seed)
    A, B = rng.standard_normal(shape), rng.standard_normal(shape)
    assert norm.value(A + B) <= (norm.value(A) + norm.value(B)) * (1 + 1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_has_norm_zero_and_maximiser_zero(name):
    norm = get_norm(name)
    zero = np.zeros((3, 4))
    assert norm.value(zero) == 0.0 == norm.dual_value(zero)
    assert not np.any(norm.linear_maximizer(zero))


def test_the_spectral_maximiser_leaves_out_directions_of_rounding():
    # rank one plus noise at 1e-14: U V' of all three directions would have rank three
    rng = np.random.default_rng(0)
    G = np.outer(rng.standard_normal(3), rng.standard_normal(5)) + 1e-14 * rng.standard_normal((3, 5))
    assert np.linalg.matrix_rank(get_norm("spectral").linear_maximizer(G), tol=0.5) == 1


def test_squares_that_overflow_do_not_matter():
    W = np.full((2, 2), 1e200)
    assert get_norm("frobenius").value(W) == pytest.approx(2e200)


def test_an_unknown_norm_is_named():
    with pytest.raises(UsageError, match="spectral"):
        get_norm("spektral")
