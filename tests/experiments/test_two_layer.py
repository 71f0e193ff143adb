"""The network of the experiments against torch, and its KKT residual against a point known by hand."""

import numpy as np
import pytest

from marginscope.experiments.homogeneous_kkt import homogeneous_kkt, normalised_margin
from marginscope.experiments.two_layer import TwoLayer, Weights, descend_network


def problem(seed=0, n=12, d=3, K=3):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % K
    return rng.standard_normal((n, d)), y, rng


@pytest.mark.parametrize("has_branches", [False, True])
@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_forces_are_those_of_autograd(activation, has_branches):
    torch = pytest.importorskip("torch")
    X, y, rng = problem()
    network = TwoLayer(activation, has_branches)
    weights = network.start(3, 6, 3, 2.0, rng)
    log_omega = rng.standard_normal(len(y))
    mask = torch.tensor(np.kron(np.eye(3), np.ones((1, 2)))) if has_branches else 1.0
    U, V = (torch.tensor(one, requires_grad=True) for one in weights)
    z = torch.tensor(X) @ U.T
    hidden = torch.relu(z) if activation == "relu" else torch.sigmoid(z)
    scores = hidden @ (V * mask).T
    each = torch.nn.functional.cross_entropy(scores, torch.tensor(y), reduction="none")
    loss = (torch.exp(torch.tensor(log_omega)) * each).sum()
    loss.backward()
    force, log_loss = network.force(weights, X, y, log_omega)
    np.testing.assert_allclose(network.scores(weights, X), scores.detach().numpy(), rtol=1e-12)
    assert np.exp(log_loss) == pytest.approx(float(loss.detach()), rel=1e-12)
    np.testing.assert_allclose(force.hidden * np.exp(log_loss), -U.grad.numpy(), rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(force.output * np.exp(log_loss), -V.grad.numpy(), rtol=1e-10, atol=1e-13)


def test_forces_of_the_classes_add_up_and_pairs_are_differences_of_scores():
    torch = pytest.importorskip("torch")
    X, y, rng = problem(1)
    network = TwoLayer()
    weights = network.start(3, 5, 3, 1.0, rng)
    parts = network.class_forces(weights, X, y)
    total, _ = network.force(weights, X, y)
    np.testing.assert_allclose(sum(part.hidden for part in parts), total.hidden, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(sum(part.output for part in parts), total.output, rtol=1e-12, atol=1e-14)
    rivals = (y + 1) % 3
    rows = network.pair_gradients(weights, X, y, rivals)
    U, V = (torch.tensor(one, requires_grad=True) for one in weights)
    for i in range(len(y)):
        scores = V @ torch.relu(U @ torch.tensor(X[i]))
        grads = torch.autograd.grad(scores[y[i]] - scores[rivals[i]], (U, V))
        np.testing.assert_allclose(rows[i], np.concatenate([g.numpy().ravel() for g in grads]), rtol=1e-12, atol=1e-14)


def test_steps_on_the_mean_loss_are_those_of_torch():
    torch = pytest.importorskip("torch")
    X, y, rng = problem(2)
    network = TwoLayer("sigmoid")
    weights = network.start(3, 4, 3, 1.0, rng)
    found = descend_network(network, weights, X, y, step_size=0.3, records=[0, 20])
    U, V = (torch.tensor(one, requires_grad=True) for one in weights)
    optimizer = torch.optim.SGD([U, V], lr=0.3)
    for _ in range(20):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(torch.sigmoid(torch.tensor(X) @ U.T) @ V.T, torch.tensor(y)).backward()
        optimizer.step()
    np.testing.assert_allclose(found.weights[-1].hidden, U.detach().numpy(), rtol=1e-10)
    np.testing.assert_allclose(found.weights[-1].output, V.detach().numpy(), rtol=1e-10)
    assert found.steps == [0, 20]


def test_forces_where_the_loss_underflows():
    X, y = np.eye(2), np.array([0, 1])
    network, weights = TwoLayer(), Weights(1e3 * np.eye(2), 1e3 * np.array([[1.0, -1.0], [-1.0, 1.0]]))
    force, log_loss = network.force(weights, X, y)
    # both rows have margin 2e6, so half the force is of either
    assert log_loss == pytest.approx(np.log(2.0) - 2e6, rel=1e-15)
    expected = network.pair_gradients(weights, X, y, 1 - y).mean(axis=0)
    np.testing.assert_allclose(force.flat(), expected, rtol=1e-9)


def test_a_kkt_point_that_is_known():
    # one unit a class: margins 2 a b, balance |U_h| = |V_h| at the optimum, so a^2 = 2 b^2
    X, y = np.eye(2), np.array([0, 1])
    b = 0.7
    a = np.sqrt(2.0) * b
    known = Weights(np.diag([a, a]), np.array([[b, -b], [-b, b]]))
    found = homogeneous_kkt(TwoLayer(), known, X, y, slack=1e-6)
    assert found.residual < 1e-12
    assert found.n_pairs == 2
    assert found.excess < 1e-12
    assert normalised_margin(TwoLayer(), known, X, y) == pytest.approx(2 * a * b / (2 * a**2 + 4 * b**2))


@pytest.mark.parametrize("slack", [1e-6, 0.5, 10.0])
def test_the_residual_is_the_distance_to_the_cone(slack):
    from scipy.optimize import lsq_linear

    X, y, rng = problem(4, n=6)
    network = TwoLayer()
    weights = network.start(3, 8, 3, 1.0, rng)
    weights = descend_network(network, weights, X, y, step_size=0.5, records=[3000], adaptive=True).weights[-1]
    found = homogeneous_kkt(network, weights, X, y, slack=slack)
    scores = network.scores(weights, X)
    pairs = [(i, k) for i in range(6) for k in range(3) if k != y[i]]
    u = np.array([scores[i, y[i]] - scores[i, k] for i, k in pairs])
    near = [pair for pair, one in zip(pairs, u, strict=True) if one <= (1 + slack) * u.min()]
    i, k = np.array(near).T
    A = network.pair_gradients(weights, X[i], y[i], k).T
    theta = weights.flat()
    other = lsq_linear(A, theta, bounds=(0.0, np.inf), tol=1e-14)
    expected = np.sqrt(2.0 * other.cost) / np.linalg.norm(theta)
    assert found.residual == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_no_residual_without_separation():
    X, y, rng = problem(5)
    weights = TwoLayer().start(3, 4, 3, 1.0, rng)
    assert homogeneous_kkt(TwoLayer(), weights, X, y, slack=0.1).residual == np.inf
