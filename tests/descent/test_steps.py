"""Single steps against the formulas written out in torch or NumPy."""

import numpy as np
import pytest
import torch

from marginscope.descent import get_optimizer
from marginscope.descent.muon import newton_schulz
from marginscope.descent.scaled_matrix import ScaledMatrix
from marginscope.descent.slope import Slope
from oracles.descent_data import objective

TORCH = {
    "gd": lambda p: torch.optim.SGD(p, lr=0.02),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True),
    "adam": lambda p: torch.optim.Adam(p, lr=0.02, eps=1e-8),
}


@pytest.mark.parametrize("name", sorted(TORCH))
def test_it_is_the_method_of_torch(name):
    problem = objective(0)
    one = get_optimizer(name, **({"eps": 1e-8} if name == "adam" else {}))
    W, state = np.zeros(problem.shape), one.init(np.zeros(problem.shape))
    V = torch.zeros(problem.shape, dtype=torch.float64, requires_grad=True)
    method = TORCH[name]([V])
    X, y = torch.tensor(problem.X), torch.tensor(problem.y)
    for _ in range(100):
        update, state = one.step(Slope(problem, W), state, 0.02)
        W = W - update
        method.zero_grad()
        torch.nn.functional.cross_entropy(X @ V.T, y, reduction="sum").backward()
        method.step()
    np.testing.assert_allclose(W, V.detach().numpy(), rtol=1e-9, atol=1e-11)


def test_steps_of_length_one_in_each_norm():
    problem = objective(1, d=6, K=4)
    W = np.random.default_rng(0).standard_normal(problem.shape) / 3
    G = problem.gradient(W)
    U, s, Vt = np.linalg.svd(G, full_matrices=False)
    kept = s > 1e-10 * s[0]
    largest = np.zeros_like(G)
    at = np.unravel_index(np.argmax(np.abs(G)), G.shape)
    largest[at] = np.sign(G[at])
    expected = {
        "normalized": G / np.linalg.norm(G),
        "sign": np.sign(G),
        "spectral": U[:, kept] @ Vt[kept],
        "nuclear": np.outer(U[:, 0], Vt[0]),
        "coordinate": largest,
    }
    for name, step in expected.items():
        update, _ = get_optimizer(name).step(Slope(problem, W), {}, 0.3)
        np.testing.assert_allclose(update, 0.3 * step, atol=1e-12)


def test_momentum_of_a_normalised_method_averages_gradients():
    problem = objective(2)
    one = get_optimizer("sign", momentum=0.8)
    W, state, average = np.zeros(problem.shape), one.init(np.zeros(problem.shape)), np.zeros(problem.shape)
    for _ in range(20):
        average = 0.8 * average + 0.2 * problem.gradient(W)
        update, state = one.step(Slope(problem, W), state, 0.05)
        np.testing.assert_array_equal(update, 0.05 * np.sign(average))
        W = W - update


def test_the_accelerated_method_is_the_published_one():
    """g_t = t / (t + 1) (g_{t-1} + p_t), W_{t+1} = W_t - theta (g_t + p_t), p_t = grad R / R."""
    problem = objective(3, loss="exponential")
    one = get_optimizer("dual_accelerated")
    W, state, total = np.zeros(problem.shape), one.init(np.zeros(problem.shape)), np.zeros(problem.shape)
    for t in range(30):
        p = problem.gradient(W) / problem.value(W)
        total = t / (t + 1) * (total + p)
        update, state = one.step(Slope(problem, W), state, 0.01)
        np.testing.assert_allclose(update, 0.01 * (total + p), rtol=1e-9, atol=1e-15)
        W = W - update


def test_newton_schulz_is_roughly_the_polar_factor():
    for shape in ((4, 9), (9, 4)):
        G = np.random.default_rng(0).standard_normal(shape)
        s = np.linalg.svd(newton_schulz(G), compute_uv=False)
        assert 0.6 < s.min() <= s.max() < 1.25
    assert not newton_schulz(np.zeros((2, 3))).any()
    far = get_optimizer("muon", exact=False)
    near = get_optimizer("muon")
    problem = objective(1)
    W = np.zeros(problem.shape)
    rough, exact = (one.step(Slope(problem, W), one.init(W), 1.0)[0] for one in (far, near))
    assert np.sum(rough * exact) > 0.6 * np.sum(exact * exact)


def test_a_scaled_matrix_is_the_matrix():
    rng = np.random.default_rng(0)
    A, B = ScaledMatrix(rng.standard_normal((2, 3)), 1.5), ScaledMatrix(rng.standard_normal((2, 3)), -2.0)
    np.testing.assert_allclose(A.mixed(0.3, B, -0.7).value, 0.3 * A.value - 0.7 * B.value, rtol=1e-13)
    np.testing.assert_allclose(A.squared().value, A.value**2, rtol=1e-13)
    assert np.isclose(A.log_norm, np.log(np.linalg.norm(A.value)))
    tiny = ScaledMatrix(np.ones((1, 1)), -5000.0)
    mixed = tiny.mixed(0.5, ScaledMatrix(np.ones((1, 1)), -5001.0), 0.5)
    assert np.isclose(mixed.log_norm, -5000.0 + np.log(0.5 + 0.5 * np.exp(-1.0)))
    assert ScaledMatrix(np.zeros((1, 1)), 3.0).mixed(1.0, ScaledMatrix(np.zeros((1, 1)), 0.0), 1.0).log_norm == -np.inf


def test_adam_without_eps_does_not_feel_the_scale_of_the_loss():
    one, problem = get_optimizer("adam"), objective(1)

    class Far(Slope):
        def scaled(self):
            plain = super().scaled()
            return plain._replace(log_scale=plain.log_scale - 900.0)

    W = V = np.zeros(problem.shape)
    state, far = one.init(W), one.init(V)
    for _ in range(30):
        update, state = one.step(Slope(problem, W), state, 0.1)
        W = W - update
        update, far = one.step(Far(problem, V), far, 0.1)
        V = V - update
    np.testing.assert_allclose(V, W, rtol=1e-9)
