"""The compiled pass over scores against the NumPy form of the objective, deep in the log domain too."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp

from marginscope import losses, objectives
from marginscope.losses.adjust import Adjustment
from marginscope.objectives import LinearObjective

COMPILED = ["cross_entropy", "pair_logistic", "exponential"]
every_template = pytest.mark.parametrize("template", COMPILED)


def adjustment(kind, n, k, rng):
    if kind == "plain":
        return None
    sample_weights = rng.uniform(0.5, 2.0, n)
    sample_weights[:: n // 7] = 0.0
    return Adjustment(
        margins=rng.uniform(0.5, 2.0, k),
        scales=rng.uniform(0.5, 2.0, k),
        shifts=rng.normal(size=k),
        own_shifts=rng.normal(size=k),
        class_weights=rng.uniform(0.5, 2.0, k),
        sample_weights=sample_weights,
    )


def both_forms(monkeypatch, template, n, d, k, *, kind="plain", seed=0, dtype=np.float64, **settings):
    """Return an objective that uses the kernel, and one that does not."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(n, d)).astype(dtype), rng.integers(0, k, n)
    X[np.arange(n), y % d] += dtype(1.0)
    adjust = adjustment(kind, n, k, rng)
    fast, plain = (LinearObjective(losses.get(template), X, y, k, adjustment=adjust, **settings) for _ in range(2))
    monkeypatch.setattr(objectives, "_MANY_SCORES", 0)
    plain._compiled_for = lambda W: None
    W = rng.normal(size=fast.shape).astype(dtype)
    assert fast._compiled_for(W) is not None
    return fast, plain, W


def assert_same(fast, plain, W, rtol):
    value, gradient = fast.value_and_gradient(W)
    expected_value, expected = plain.value_and_gradient(W)
    atol = rtol * np.abs(expected).max()
    np.testing.assert_allclose(value, expected_value, rtol=rtol)
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=atol)
    assert np.array_equal(fast.gradient(W), gradient)
    D, log_scale = fast.scaled_gradient(W)
    expected_D, expected_scale = plain.scaled_gradient(W)
    np.testing.assert_allclose(log_scale, expected_scale, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(D, expected_D, rtol=0, atol=rtol * np.abs(expected_D).max())


@pytest.mark.parametrize("kind", ["plain", "adjusted"])
@pytest.mark.parametrize("shape", [(203, 5, 2), (150, 4, 17)], ids=str)
@every_template
def test_the_kernel_says_what_numpy_says(monkeypatch, template, shape, kind):
    for settings in ({}, {"fit_intercept": True, "ridge": 0.3}):
        fast, plain, W = both_forms(monkeypatch, template, *shape, kind=kind, **settings)
        assert_same(fast, plain, W, 1e-12)
        assert_same(fast, plain, 0.0 * W, 1e-12)


@every_template
def test_in_single_precision(monkeypatch, template):
    fast, plain, W = both_forms(monkeypatch, template, 500, 6, 5, kind="adjusted", dtype=np.float32)
    assert fast.gradient(W).dtype == np.float32
    assert_same(fast, plain, W, 2e-5)


def separated(monkeypatch, template, size):
    fast, plain, _ = both_forms(monkeypatch, template, 120, 6, 3, kind="adjusted", seed=4)
    for one in (fast, plain):
        one.X = 5.0 * np.eye(6)[:, :][one.y] + 0.5 * np.abs(one.X)
    return fast, plain, size * np.eye(3, 6)


@pytest.mark.parametrize("size", [20.0, 300.0, 5000.0, 1e7])
@every_template
def test_scaled_gradients_are_exact_where_the_gradient_underflows(monkeypatch, template, size):
    fast, plain, W = separated(monkeypatch, template, size)
    smallest = plain.margins(W).min()
    assert smallest > 4 * size / 5
    D, log_scale = fast.scaled_gradient(W)
    expected_D, expected_scale = plain.scaled_gradient(W)
    # a margin of 1e7 has 9 digits behind the point, which is all that exp can know
    rtol = 1e-13 + 8 * np.spacing(np.abs(plain.margins(W)).max())
    np.testing.assert_allclose(log_scale, expected_scale, rtol=1e-14)
    np.testing.assert_allclose(D, expected_D, rtol=0, atol=rtol * np.abs(expected_D).max())
    assert np.abs(D).max() > 0.1


@pytest.mark.parametrize("size", [30.0, 900.0, 1e5])
@pytest.mark.parametrize("template", ["cross_entropy", "pair_logistic"])
def test_rows_on_the_wrong_side_by_any_amount(monkeypatch, template, size):
    fast, plain, W = separated(monkeypatch, template, -size)
    assert_same(fast, plain, W, 1e-11)


def test_rows_of_no_weight_do_not_set_the_scale(monkeypatch):
    fast, plain, W = separated(monkeypatch, "cross_entropy", 400.0)
    dropped = np.flatnonzero(fast.adjustment.sample_weights == 0.0)
    for one in (fast, plain):
        one.X[dropped] *= -1.0
    D, log_scale = fast.scaled_gradient(W)
    expected_D, expected_scale = plain.scaled_gradient(W)
    assert expected_scale < -500.0
    np.testing.assert_allclose(log_scale, expected_scale, rtol=1e-13)
    np.testing.assert_allclose(D, expected_D, atol=1e-11)


def test_nothing_weighs_anything(monkeypatch):
    fast, _, W = both_forms(monkeypatch, "cross_entropy", 50, 4, 3)
    weightless = LinearObjective(fast.template, fast.X, fast.y, 3, adjustment=Adjustment(sample_weights=np.zeros(50)))
    D, log_scale = weightless.scaled_gradient(W)
    assert not D.any()
    assert log_scale == 0.0


def test_what_has_no_kernel_takes_the_numpy_form(monkeypatch):
    fast, _, W = both_forms(monkeypatch, "cross_entropy", 50, 4, 3)
    y = fast.y
    assert fast._compiled_for(W.astype(np.float32)) is None
    assert LinearObjective(losses.get("focal"), fast.X, y, 3)._compiled_for(W) is None
    assert LinearObjective(fast.template, sp.csr_array(fast.X), y, 3)._compiled_for(W) is None
    assert LinearObjective(fast.template, np.ones((50, 4), int), y, 3)._compiled_for(W) is None
    monkeypatch.undo()
    assert fast._compiled_for(W) is not None  # it is kept
    assert LinearObjective(fast.template, fast.X, y, 3)._compiled_for(W) is None


def test_small_problems_do_not_load_numba():
    program = """
import sys, numpy as np
import marginscope.objectives as o, marginscope.losses as losses
import marginscope.descent.compiled
X, y = np.ones((50, 2)), np.arange(50) % 3
o.LinearObjective(losses.get("cross_entropy"), X, y, 3).scaled_gradient(np.ones((3, 2)))
assert "numba" not in sys.modules and "llvmlite" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
