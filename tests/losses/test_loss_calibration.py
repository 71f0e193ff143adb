"""Which losses rank a most probable class first, by minimising conditional risks: a probe, not a proof."""

import numpy as np
import pytest
from scipy.optimize import linprog, minimize

from marginscope import losses
from oracles.loss_cases import CASES, label

every_case = pytest.mark.parametrize("one", CASES, ids=label)
KINKED = ("crammer_singer", "weston_watkins")


def distributions(seed, n, n_classes):
    """Return class distributions whose first class leads by at least 0.05."""
    rng = np.random.default_rng(seed)
    found = []
    while len(found) < n:
        pi = np.sort(rng.dirichlet(np.full(n_classes, 3.0)))[::-1]
        if pi[0] > pi[1] + 0.05 and pi[-1] > 0.02:
            found.append(pi)
    return np.array(found)


def test_the_made_up_distributions_vary():
    pi = distributions(0, 50, 3)
    assert (pi[:, 0] < 0.5).any()
    assert (pi[:, 0] > 0.6).any()
    assert len(np.unique(pi)) == pi.size


def risk(one, pi, v):
    """Return sum_y pi_y L_y(v) and its gradient, class by class."""
    total, gradient = 0.0, np.zeros_like(v)
    for y, weight in enumerate(pi):
        rivals = np.delete(np.arange(len(v)), y)
        u = v[y] - v[rivals]
        total += weight * float(one.value(u))
        q = one.weights(u)
        gradient[rivals] += weight * q
        gradient[y] -= weight * q.sum()
    return total, gradient


def least_risk(one, pi, ahead=None, lead=0.0):
    """Minimise the risk; with ``ahead``, over scores where that class is not behind the first."""
    n_classes = len(pi)

    def scores(theta):
        v = np.append(theta[: n_classes - 1], 0.0) if ahead is None else theta[:n_classes].copy()
        if ahead is not None:
            v[ahead] = v[0] + theta[ahead] ** 2
        return v

    def function(theta):
        v = scores(theta)
        value, gradient = risk(one, pi, v)
        if ahead is None:
            return value, gradient[:-1]
        slope = gradient.copy()
        slope[0] += gradient[ahead]
        slope[ahead] = 2.0 * theta[ahead] * gradient[ahead]
        return value, slope

    theta = np.zeros(n_classes - 1 if ahead is None else n_classes)
    if ahead is not None:
        theta[ahead] = lead
    found = minimize(function, theta, jac=True, method="BFGS", options={"gtol": 1e-9, "maxiter": 500})
    return float(found.fun), scores(found.x)


@every_case
@pytest.mark.parametrize("n_classes", [3, 4])
def test_calibrated_losses_pay_for_another_class_in_front(one, n_classes):
    if not one.facts.calibrated:
        return
    for pi in distributions(n_classes, 3, n_classes):
        best, v = least_risk(one, pi)
        assert v.argmax() == 0
        for ahead in range(1, n_classes):
            wrong = min(least_risk(one, pi, ahead, lead)[0] for lead in (0.0, 1.0))
            assert wrong > best + 1e-5


def least_hinge_risk(name, pi, *, tied):
    """Minimise the conditional risk of a hinge as a linear program, with the first two classes tied or not."""
    n = len(pi)
    pairs = [(y, k) for y in range(n) for k in range(n) if k != y]
    slack = {pair: n + (m if name == "weston_watkins" else pair[0]) for m, pair in enumerate(pairs)}
    size = 1 + max(slack.values())
    cost, rows = np.zeros(size), np.zeros((len(pairs), size))
    for m, (y, k) in enumerate(pairs):
        cost[slack[y, k]] = pi[y]
        rows[m, y], rows[m, k], rows[m, slack[y, k]] = -1.0, 1.0, -1.0
    tie = np.zeros((1, size))
    tie[0, :2] = 1.0, -1.0
    bounds = [(-50.0, 50.0)] * n + [(0.0, None)] * (size - n)
    equal = {"A_eq": tie, "b_eq": [0.0]} if tied else {}
    found = linprog(cost, A_ub=rows, b_ub=-np.ones(len(pairs)), bounds=bounds, **equal)
    return found.fun, found.x[:n]


@pytest.mark.parametrize("name", KINKED)
def test_the_hinges_do_not_pay_for_a_tie(name):
    assert losses.get(name).facts.calibrated is False
    free = [least_hinge_risk(name, pi, tied=False)[0] for pi in distributions(7, 60, 3)]
    tied = [least_hinge_risk(name, pi, tied=True)[0] for pi in distributions(7, 60, 3)]
    gaps = np.array(tied) - np.array(free)
    assert np.all(gaps >= -1e-9)
    assert (gaps < 1e-9).any()
    assert (gaps > 1e-3).any()
    if name == "crammer_singer":
        np.testing.assert_array_equal(gaps < 1e-9, distributions(7, 60, 3)[:, 0] <= 0.5)


@pytest.mark.parametrize("name", KINKED)
def test_the_risk_of_the_program_is_that_of_the_template(name):
    for pi in distributions(8, 10, 3):
        least, v = least_hinge_risk(name, pi, tied=False)
        assert risk(losses.get(name), pi, v)[0] == pytest.approx(least, abs=1e-9)
        others = v + np.random.default_rng(1).normal(size=(50, 3))
        assert min(risk(losses.get(name), pi, other)[0] for other in others) >= least - 1e-9


@every_case
def test_strictly_proper_losses_return_the_distribution(one):
    if one.name in KINKED:
        # where every minimiser may be all ties, no softmax can be pi
        assert one.facts.strictly_proper is False
        return
    errors = []
    for pi in distributions(9, 4, 4):
        _, v = least_risk(one, pi)
        p = np.exp(v - v.max())
        errors.append(np.abs(p / p.sum() - pi).max())
    assert bool(max(errors) < 1e-5) is one.facts.strictly_proper


PI = np.array([0.5, 0.3, 0.15, 0.05])


def test_the_minimiser_of_the_exponential_loss():
    _, v = least_risk(losses.get("exponential"), PI)
    np.testing.assert_allclose(v - v[-1], (np.log(PI) - np.log(PI[-1])) / 2, atol=1e-6)


def test_the_minimiser_of_the_squared_margin():
    _, v = least_risk(losses.get("squared_margin"), PI)
    v = v - v.mean()
    m = PI @ v
    assert m < 2
    np.testing.assert_allclose(v, 1.0 - (2.0 - m) / (1.0 + 4 * PI), atol=1e-7)


def test_the_minimiser_of_label_smoothing():
    _, v = least_risk(losses.get("label_smoothing", eps=0.2), PI)
    np.testing.assert_allclose(np.exp(v) / np.exp(v).sum(), 0.8 * PI + 0.05, atol=1e-7)


@pytest.mark.parametrize("alpha", [1.2, 1.5, 2.0])
def test_entmax_of_the_minimiser_is_the_distribution(alpha):
    from oracles.templates import entmax_probabilities

    _, v = least_risk(losses.get("entmax", alpha=alpha), PI)
    np.testing.assert_allclose(np.array(entmax_probabilities(list(v), alpha), dtype=float), PI, atol=1e-6)
