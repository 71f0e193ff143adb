"""Flows that are stiff, or whose velocity is drowned by rounding."""

from __future__ import annotations

import csv
import math
from importlib import resources

import numpy as np
import pytest

from marginscope import losses
from marginscope.limits.fast_forward import fast_forward
from marginscope.limits.flow_coordinates import flow_coordinates
from marginscope.limits.flow_path import _rows
from marginscope.limits.log_flow import LogFlow
from marginscope.limits.mixed import mixed_limit
from marginscope.limits.slaved_flow import SlavedFlow
from marginscope.limits.stiff_path import integrate_to
from marginscope.objectives import LinearObjective
from marginscope.solvers.separability import separability


def decay(rate):
    """Return dy/ds = rate (s - y) and its derivative; y = s - 1/rate + c exp(-rate s)."""
    return (lambda s, y: rate * (s - y)), (lambda s, y: np.array([[-rate]]))


@pytest.mark.parametrize("rate", [3.0, 1e6])
@pytest.mark.parametrize("is_stiff", [False, True])
def test_a_linear_flow_has_its_closed_form(rate, is_stiff):
    velocity, jacobian = decay(rate)
    targets = np.array([0.0, 0.5, 2.0, 7.0])
    points, reason = integrate_to(velocity, jacobian, 0.0, np.array([1.0]), targets, 1e-9, 1.0, is_stiff=is_stiff)
    true = targets - 1.0 / rate + (1.0 + 1.0 / rate) * np.exp(-rate * targets)
    assert reason == ""
    assert np.ravel(points) == pytest.approx(true, abs=1e-7)


def test_where_rounding_drowns_the_velocity_the_integration_is_given_up():
    calls = []
    rng = np.random.default_rng(0)

    def velocity(s, y):
        calls.append(s)
        return -y + (1.0 if s > 1.0 else 0.0) * rng.standard_normal(1)

    points, reason = integrate_to(
        velocity, lambda s, y: np.array([[-1.0]]), 0.0, np.ones(1), np.array([0.5, 100.0]), 1e-11, 1.0
    )
    assert len(points) == 1
    assert points[0][0] == pytest.approx(math.exp(-0.5), rel=1e-9)
    assert "log time" in reason
    assert len(calls) < 20_000


def test_the_tied_part_is_a_function_of_the_rest():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 3)), rng.integers(0, 2, 60)
    # the third class stands apart in the last column
    X, y = np.vstack([X, X[:20]]), np.append(y, np.full(20, 2))
    X = np.column_stack([X, np.where(y == 2, 1.0, -1.0)])
    objective = LinearObjective(losses.get("cross_entropy"), X, y, 3)
    coordinates = flow_coordinates(objective)
    pairs = separability(X, y, fit_intercept=False)
    tied = ~pairs.separable_mask & (np.arange(3) != y[:, None])
    flow = LogFlow(objective.template, coordinates, 0.01)
    slaved = SlavedFlow(flow, _rows(tied, objective, coordinates), np.zeros(np.prod(coordinates.shape)))
    w = np.zeros(slaved.growing.shape[1])
    w[0] = 20.0
    before = slaved.at(30.0, w)
    assert np.isfinite(before).all()
    slaved.at(30.0, 1e9 * w)
    slaved.at(30.0, -1e4 * w)
    assert slaved.at(30.0, w).tolist() == before.tolist()


@pytest.mark.slow
def test_columns_on_their_own_scales_are_followed_to_the_end():
    rows = list(csv.reader((resources.files("marginscope.data") / "glass.csv").read_text().splitlines()))[1:]
    X, y = np.array([row[:-1] for row in rows], dtype=float), [row[-1] for row in rows]
    path = fast_forward(X, y, fit_intercept=True)
    assert path.log_steps[-1] == pytest.approx(100 * math.log(10))
    assert path.error.max() < 1e-4
    # the growing part is that of an exact program, which knows no steps
    limit = mixed_limit(X, y, fit_intercept=True)
    W = np.concatenate([path.coef, path.intercept[..., None]], axis=2)
    growing = np.column_stack([limit.growing, limit.growing_intercept])
    growth = (W[-1] - W[-2]) / np.diff(path.log_steps)[-1]
    assert np.linalg.norm(growth - growing) <= 0.05 * np.linalg.norm(growing)
