"""The label code against its matrices, and the matrices against what they are for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginscope.geometry.label_code import margins_of_scores, scores_of_weights
from oracles.code_matrices import code_matrix, reference_matrix

three_sizes = pytest.mark.parametrize("n_classes", [2, 3, 5])


def problem(seed, n_classes, n=20):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, n_classes)), rng.normal(size=(n, n_classes - 1)), rng.integers(0, n_classes, n)


def test_the_made_up_problems_vary():
    _, z, y = problem(0, 5, n=200)
    assert set(y) == set(range(5))
    assert len(np.unique(z)) == z.size
    assert not np.array_equal(z, problem(1, 5, n=200)[1])


def test_the_sign_and_the_reference_for_three_classes():
    np.testing.assert_array_equal(reference_matrix(3), [[-1, 0, 1], [0, -1, 1]])
    np.testing.assert_array_equal(code_matrix(0, 3), [[-1, 0], [-1, 1]])
    np.testing.assert_array_equal(code_matrix(1, 3), [[1, -1], [0, -1]])
    np.testing.assert_array_equal(code_matrix(2, 3), np.eye(2))


@three_sizes
def test_a_code_is_its_own_inverse(n_classes):
    for y in range(n_classes):
        code = code_matrix(y, n_classes)
        np.testing.assert_array_equal(code @ code, np.eye(n_classes - 1))


@three_sizes
def test_a_coded_difference_lists_the_margins_with_the_last_class_in_the_own_slot(n_classes):
    v = np.random.default_rng(1).normal(size=n_classes)
    for y in range(n_classes):
        rivals = [n_classes - 1 if j == y else j for j in range(n_classes - 1)]
        expected = v[y] - v[rivals]
        np.testing.assert_allclose(code_matrix(y, n_classes) @ reference_matrix(n_classes) @ v, expected, atol=1e-15)


@three_sizes
def test_one_plus_ones_is_the_gram_of_the_coded_reference(n_classes):
    for y in range(n_classes):
        B = code_matrix(y, n_classes) @ reference_matrix(n_classes)
        values = np.linalg.eigvalsh(B @ B.T)
        np.testing.assert_allclose(values, [1.0] * (n_classes - 2) + [n_classes], atol=1e-12)


@three_sizes
def test_fast_products_are_those_of_the_matrices(n_classes):
    v, z, y = problem(2, n_classes)
    R = reference_matrix(n_classes)
    codes = [code_matrix(one, n_classes) for one in y]
    np.testing.assert_allclose(
        margins_of_scores(v, y), [C @ R @ row for C, row in zip(codes, v, strict=True)], atol=1e-14
    )
    np.testing.assert_allclose(
        scores_of_weights(z, y), [R.T @ C.T @ row for C, row in zip(codes, z, strict=True)], atol=1e-14
    )


@given(st.integers(2, 9), st.integers(0, 10**6))
def test_laws_hold_for_any_number_of_classes(n_classes, seed):
    v, z, y = problem(seed, n_classes, n=6)
    left, right = (margins_of_scores(v, y) * z).sum(), (scores_of_weights(z, y) * v).sum()
    assert left == pytest.approx(right, abs=1e-11)
    assert np.sort(margins_of_scores(v, y), axis=1) == pytest.approx(
        np.sort([row[k] - np.delete(row, k) for row, k in zip(v, y, strict=True)], axis=1)
    )
    np.testing.assert_allclose(scores_of_weights(z, y).sum(axis=1), 0.0, atol=1e-12)


def test_inputs_are_not_changed():
    v, z, y = problem(3, 4)
    kept = v.copy(), z.copy()
    margins_of_scores(v, y), scores_of_weights(z, y)
    np.testing.assert_array_equal(v, kept[0])
    np.testing.assert_array_equal(z, kept[1])


def test_tiny_weights_survive_the_own_entry():
    out = scores_of_weights(np.array([[1e-300, 2e-300]]), np.array([0]))
    np.testing.assert_array_equal(out, [[3e-300, -2e-300, -1e-300]])
