"""Slopes of log weights against Hessians, differences and closed limits."""

from __future__ import annotations

import numpy as np
import pytest

from marginscope import losses
from marginscope.limits.log_slope import log_slope
from marginscope.losses.template import LogTemplate

TEMPLATES = [
    losses.get("cross_entropy"),
    losses.get("exponential"),
    losses.get("pair_logistic"),
    losses.get("gamma_phi"),
    losses.get("focal", gamma=1.5),
    losses.get("polynomial"),
    losses.get("mae"),
]


class Softened(LogTemplate):
    """A template known by its logarithms only."""

    name = "softened"

    def value(self, margins, xp=np):
        return xp.log(1.0 + xp.exp(-margins).sum(-1) + xp.exp(-2.0 * margins).sum(-1))

    def log_weights(self, margins):
        top = np.exp(-margins) + 2.0 * np.exp(-2.0 * margins)
        return np.log(top) - self.value(margins)[..., None]


@pytest.mark.parametrize("template", [*TEMPLATES, Softened()], ids=lambda one: one.name)
def test_weights_times_the_slope_are_the_hessian(template):
    rng = np.random.default_rng(0)
    # away from the kink of the curvature of the polynomial loss
    margins = np.abs(rng.normal(size=(20, 3))) + 0.1
    change = rng.normal(size=(20, 3))
    slope = log_slope(template, margins)
    found = template.weights(margins) * slope.product(change)
    assert found == pytest.approx(template.hessian_product(margins, change), rel=1e-6, abs=1e-9)
    by_entry = np.array([[slope.weighted(np.ones((20, 3)), j, k) for k in range(3)] for j in range(3)])
    assert np.einsum("jki,ik->ij", by_entry, change) == pytest.approx(slope.product(change), abs=1e-12)


@pytest.mark.parametrize("template", [*TEMPLATES, Softened()], ids=lambda one: one.name)
def test_the_bend_is_the_second_derivative_along_the_change(template):
    rng = np.random.default_rng(1)
    margins, change = np.abs(rng.normal(size=(20, 3))) + 0.5, rng.normal(size=(20, 3))
    h = 1e-3
    logs = [template.log_weights(margins + sign * h * change) for sign in (-1.0, 0.0, 1.0)]
    wanted = (logs[0] - 2.0 * logs[1] + logs[2]) / h**2
    found = np.broadcast_to(log_slope(template, margins).bend(change), wanted.shape)
    assert found == pytest.approx(wanted, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "rate"), [("cross_entropy", 1.0), ("pair_logistic", 1.0), ("focal", 3.0), ("mae", 1.0), ("gamma_phi", 1.0)]
)
def test_where_the_weights_underflow_the_slope_is_that_of_the_tail(name, rate):
    # q ~ S^(rate - 1) exp(-u_k): the slope is I + (rate - 1) 1 s', at margins where q is 1e-900
    margins = 2000.0 + np.array([[0.0, 1.0, 3.0]])
    share = np.exp(-margins + 2000.0)
    share /= share.sum()
    change = np.array([[1.0, -2.0, 0.5]])
    assert losses.get(name).weights(margins).max() == 0.0
    found = log_slope(losses.get(name), margins).product(change)
    assert found == pytest.approx(change + (rate - 1.0) * (share * change).sum(), rel=1e-6)
