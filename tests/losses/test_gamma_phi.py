"""Gamma-Phi losses made of the user's functions become the losses that have names."""

import numpy as np
import pytest

from marginscope import losses
from marginscope.losses.facts import LossFacts
from marginscope.losses.gamma_phi import GammaPhi
from oracles.loss_cases import margins


def identity(x, ops):
    return x


def share(x, ops):
    return x / (1.0 + x)


def softplus_of_minus(u, ops):
    return ops.log1p(ops.exp(-u))


def log_one_plus(z, ops):
    return ops.log1p(z)


SAME = {
    "exponential": GammaPhi(g=identity),
    "mae": GammaPhi(g=share),
    "pair_logistic": GammaPhi(g=identity, f=softplus_of_minus, inner=log_one_plus),
}
every_pair = pytest.mark.parametrize("name", SAME)


@every_pair
def test_it_is_the_loss_that_has_a_name(name):
    named, made, u, v = losses.get(name), SAME[name], margins(1, 40, 3), margins(2, 40, 3)
    np.testing.assert_allclose(made.value(u), named.value(u), rtol=1e-12)
    np.testing.assert_allclose(made.log_value(u), named.log_value(u), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(made.weights(u), named.weights(u), rtol=1e-12)
    np.testing.assert_allclose(made.log_weights(u), named.log_weights(u), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(made.hessian_product(u, v), named.hessian_product(u, v), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", ["exponential", "mae"])
def test_logarithms_outlive_the_value_where_the_inner_function_is_the_exponential(name):
    u = np.array([[800.0, 1e4], [300.0, 290.0]])
    np.testing.assert_allclose(SAME[name].log_weights(u), losses.get(name).log_weights(u), rtol=1e-14)
    np.testing.assert_allclose(SAME[name].log_value(u), losses.get(name).log_value(u), rtol=1e-14)


@every_pair
def test_the_tail_form_follows_the_functions(name):
    form, z = SAME[name].tail_form, np.array([0.1, 0.02])
    inner = z if form.inner is None else form.inner(z, np)
    assert float(form.outer(inner.sum(), np)) == pytest.approx(float(losses.get(name).value(-np.log(z))))


def test_without_the_inner_function_in_z_it_is_a_black_box():
    assert GammaPhi(f=softplus_of_minus).tail_form is None


def test_nothing_is_claimed_about_functions_of_the_user():
    assert SAME["mae"].facts == LossFacts()
    assert GammaPhi().facts == losses.get("cross_entropy").facts


def test_a_falling_outer_function_turns_the_signs():
    made = GammaPhi(g=lambda s, ops: -s)
    u = margins(3, 5, 2)
    np.testing.assert_array_equal(made.weight_signs(u), -1.0)
    np.testing.assert_allclose(made.weights(u), -np.exp(-u))
