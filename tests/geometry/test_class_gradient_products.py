"""How class gradients stand to each other, against vectors that are written out."""

import numpy as np
import pytest

from marginscope.geometry.class_gradients import class_gradients_from_products, mean_gradient_products

E = np.eye(2)


def test_two_opposed_classes_by_hand():
    # gradients (3, 0) and (-1, 0), shares 1/4 and 3/4: weighted 0.75 and -0.75
    products = np.array([[9.0, -3.0], [-3.0, 1.0]])
    found = class_gradients_from_products(products, np.array([0.25, 0.75]), np.array([True, True]))
    np.testing.assert_allclose(found.length, [3.0, 1.0])
    np.testing.assert_allclose(found.share, [0.5, 0.5])
    np.testing.assert_allclose(found.opposition, [-1.0, -1.0])
    np.testing.assert_allclose(found.conflict, [[1.0, -1.0], [-1.0, 1.0]])


def test_a_class_without_gradient_opposes_nobody():
    products = np.diag([4.0, 0.0, 1.0])
    found = class_gradients_from_products(products, np.ones(3) / 3, np.ones(3, dtype=bool))
    np.testing.assert_allclose(found.share, [2 / 3, 0.0, 1 / 3])
    np.testing.assert_allclose(found.opposition, 0.0)
    assert found.conflict[0, 1] == 0.0


def test_classes_without_rows_are_left_out():
    products, seen = mean_gradient_products(E[[0, 1]], E[[0, 0]], np.array([0, 2]), 3)
    np.testing.assert_array_equal(seen, [True, False, True])
    found = class_gradients_from_products(products, np.ones(3) / 3, seen)
    assert np.isnan(found.length[1])
    np.testing.assert_allclose(found.share[[0, 2]], 0.5)


@pytest.mark.parametrize("seed", range(3))
def test_products_are_those_of_the_mean_outer_products(seed):
    rng = np.random.default_rng(seed)
    slopes, inputs = rng.standard_normal((30, 3)), rng.standard_normal((30, 4))
    codes = rng.permutation(np.resize(np.arange(3), 30))
    products, _ = mean_gradient_products(slopes, inputs, codes, 3)
    means = [sum(np.outer(slopes[i], inputs[i]) for i in np.flatnonzero(codes == k)) / 10 for k in range(3)]
    expected = [[np.sum(a * b) for b in means] for a in means]
    np.testing.assert_allclose(products, expected, atol=1e-12)
