"""A template of one's own: what a small class gets for nothing, and how good it is."""

import numpy as np
import pytest
import torch

from marginscope import losses
from marginscope.exceptions import UsageError
from marginscope.losses import Template
from marginscope.losses.facts import LossFacts
from marginscope.objectives import LinearObjective
from oracles.loss_cases import CASES, label, margins


class Analytic(Template):
    """Cross-entropy, by its value alone."""

    name = "analytic"

    def value(self, margins, xp=np):
        return xp.log1p(xp.exp(-margins).sum(-1))


class Absolute(Template):
    """A function that drops imaginary parts."""

    name = "absolute"

    def value(self, margins, xp=np):
        return (xp.abs(margins - 1.0) * margins**2).sum(-1)


class Refuses(Template):
    """A function that does not take complex numbers."""

    name = "refuses"

    def value(self, margins, xp=np):
        return xp.logaddexp(xp.zeros_like(margins), -margins).sum(-1)


class WithWeights(Refuses):
    """The same, with its derivative."""

    name = "with_weights"

    def weights(self, margins):
        return 1.0 / (1.0 + np.exp(margins))


def test_an_analytic_value_gives_weights_without_cancellation():
    named, own = losses.get("cross_entropy"), Analytic()
    u = np.concatenate([margins(1, 40, 3), margins(2, 40, 3) + 40.0, margins(3, 40, 3) + 600.0])
    np.testing.assert_allclose(own.weights(u), named.weights(u), rtol=1e-13)
    np.testing.assert_allclose(own.log_weights(u), named.log_weights(u), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(own.log_value(u), named.log_value(u), rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(own.weight_signs(u), 1.0)
    near, v = margins(4, 40, 3), margins(5, 40, 3)
    np.testing.assert_allclose(own.hessian_product(near, v), named.hessian_product(near, v), rtol=1e-8, atol=1e-9)


def test_a_lost_imaginary_part_is_noticed():
    u = margins(6, 60, 3)
    expected = -(np.sign(u - 1.0) * u**2 + 2.0 * u * np.abs(u - 1.0))
    np.testing.assert_allclose(Absolute().weights(u), expected, rtol=1e-7, atol=1e-8)
    np.testing.assert_array_equal(Absolute().weight_signs(u), np.sign(expected))
    assert (expected > 0).any()
    assert (expected < 0).any()


@pytest.mark.parametrize("own", [Refuses(), WithWeights()], ids=["value alone", "with weights"])
def test_a_value_that_refuses_complex_numbers_is_differenced(own):
    named, u, v = losses.get("pair_logistic"), margins(7, 40, 3), margins(8, 40, 3)
    np.testing.assert_allclose(own.weights(u), named.weights(u), rtol=1e-8)
    tolerance = 1e-4 if type(own) is Refuses else 1e-8
    np.testing.assert_allclose(own.hessian_product(u, v), named.hessian_product(u, v), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("one", CASES, ids=label)
def test_the_fallbacks_agree_with_every_built_in_template(one):
    class Bare(Template):
        name = "bare"

        def value(self, margins, xp=np):
            return one.value(margins, xp)

    u, v = margins(9, 40, 3), margins(10, 40, 3)
    np.testing.assert_allclose(Bare().weights(u), one.weights(u), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(Bare().log_value(u), one.log_value(u), rtol=1e-9, atol=1e-9)
    if one.facts.smoothness == 2:
        np.testing.assert_allclose(Bare().hessian_product(u, v), one.hessian_product(u, v), rtol=1e-3, atol=1e-3)


def test_nothing_is_claimed_and_the_tail_is_a_black_box():
    assert Analytic().facts == LossFacts()
    assert Analytic().tail_form is None


def test_an_own_template_goes_where_a_named_one_goes():
    rng = np.random.default_rng(0)
    X, y, W = rng.normal(size=(9, 3)), rng.integers(0, 4, 9), rng.normal(size=(4, 3))
    own = losses.get(Analytic())
    mine, named = (LinearObjective(one, X, y, 4) for one in (own, losses.get("cross_entropy")))
    np.testing.assert_allclose(mine.gradient(W), named.gradient(W), rtol=1e-12)
    assert mine.log_value(W) == pytest.approx(named.log_value(W))
    at = torch.zeros(2, 3, requires_grad=True)
    assert torch.autograd.grad(own.value(at, torch).sum(), at)[0].shape == (2, 3)


def test_a_template_without_a_value_is_refused():
    class Nothing(Template):
        name = "nothing"

    with pytest.raises(TypeError, match="value"):
        Nothing()


# Looking one up


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("focla", {}), "did you mean 'focal'"),
        ((3, {}), "a known loss is needed"),
        (("focal", {"alpha": 1.0}), "its parameters are: gamma"),
        (("mae", {"alpha": 1.0}), "it has none"),
        (("focal", {"gamma": 0.0}), "use cross_entropy"),
        (("entmax", {"alpha": 1.0}), "use cross_entropy"),
        (("entmax", {"alpha": float("nan")}), "above 1"),
        (("label_smoothing", {"eps": 1.0}), "between 0 and 1"),
        (("polynomial", {"a": -1.0}), "positive"),
        (("smooth_weston_watkins", {"h": 0.0}), "use weston_watkins"),
    ],
)
def test_what_is_not_there_is_refused(arguments, words):
    name, parameters = arguments
    with pytest.raises(UsageError, match=words):
        losses.get(name, **parameters)


def test_parameters_make_a_new_template_of_the_same_kind():
    assert losses.get("focal", gamma=1.0) == losses.get(losses.get("focal"), gamma=1.0)
    assert losses.get("focal", gamma=1.0) != losses.get("focal")
    assert losses.get("focal").gamma == 2.0
