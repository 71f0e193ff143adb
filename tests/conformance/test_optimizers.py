"""What every optimizer owes: being in OPTIMIZERS means being held to this."""

import importlib
import pkgutil

import numpy as np
import pytest

import marginscope.descent as descent
from marginscope.descent import OPTIMIZERS, get_optimizer
from marginscope.descent.run import Descent
from marginscope.descent.slope import Slope
from marginscope.descent.step_size import StepSize, step_size_for
from marginscope.limits.descend import descend
from oracles.descent_data import objective, separable

every_optimizer = pytest.mark.parametrize("one", OPTIMIZERS, ids=lambda one: one.name)


def plain_steps(one, problem, W, n_steps, step_size):
    state = one.init(W)
    for t in range(n_steps):
        update, state = one.step(Slope(problem, W), state, step_size.at(t))
        W = W - update
    return W


def test_every_optimizer_of_the_folder_is_listed():
    found = set()
    for module in pkgutil.iter_modules(descent.__path__):
        for thing in vars(importlib.import_module(f"marginscope.descent.{module.name}")).values():
            own = isinstance(thing, type) and thing.__module__.startswith("marginscope.descent.")
            if own and hasattr(thing, "step") and hasattr(thing, "init") and not getattr(thing, "_is_protocol", False):
                found.add(thing)
    assert found == {type(one) for one in OPTIMIZERS}
    assert len({one.name for one in OPTIMIZERS}) == len(OPTIMIZERS) == 12


@every_optimizer
def test_it_drives_the_bracket_closed_in_its_norm(one):
    X, y = separable(3, n=30, d=4)
    steps = {"dual_accelerated": 400, "coordinate": 6000, "adam": 6000}.get(one.name, 4000)
    size = {"coordinate": (0.5, 0.5), "adam": (0.1, 0.5)}.get(one.name, "theory")
    chosen = get_optimizer("adam", beta2=0.95) if one.name == "adam" else one
    path = descend(X, y, optimizer=chosen, n_steps=steps, record=[steps // 8], step_size=size, batch_size=None)
    assert path.norm == one.norm
    assert path.status == "completed"
    best = path.limit.bracket
    lower, upper = path.bracket
    assert np.all(lower[1:] <= best.upper)
    assert np.all(upper >= best.lower)
    gap = 1.0 - lower / best.upper
    # methods whose steps follow the gradient close the gap like 1 / log t, the others faster
    assert gap[-1] < (0.25 if not one.is_normalized else 0.2)
    assert gap[-1] < gap[1]
    assert path.verify(X, y)


@every_optimizer
def test_a_state_restarts_it_exactly(one):
    problem = objective(1)
    W = np.zeros(problem.shape)
    size = step_size_for("theory", problem, one, W)
    whole = plain_steps(one, problem, W, 60, size)
    run = Descent(problem, one, size, [25, 60])
    position = run.start(W)
    calls = iter(range(1000))
    position = run.run(position, until=lambda: next(calls) == 25)
    assert position.step == 25
    copied = {name: np.array(value) for name, value in position.state.items()}
    position.state, position.W = copied, position.W.copy()
    position = run.run(position)
    np.testing.assert_array_equal(position.W, whole)


@every_optimizer
def test_it_leaves_its_input_alone(one):
    problem = objective(2)
    W = np.random.default_rng(0).standard_normal(problem.shape)
    state = one.init(W)
    kept, kept_state = W.copy(), {name: np.array(value) for name, value in state.items()}
    one.step(Slope(problem, W), state, 0.1)
    np.testing.assert_array_equal(W, kept)
    for name, value in state.items():
        np.testing.assert_array_equal(value, kept_state[name])


@every_optimizer
def test_a_zero_gradient_moves_nothing(one):
    problem = objective(1, loss="weston_watkins")
    W = 1e6 * plain_steps(get_optimizer("gd"), problem, np.zeros(problem.shape), 200, StepSize(0.01))
    assert not np.any(problem.gradient(W))
    update, _ = one.step(Slope(problem, W), one.init(W), 0.1)
    assert not np.any(update)


@every_optimizer
def test_a_loss_that_underflows_still_gives_directions(one):
    problem = objective(4)
    W = plain_steps(get_optimizer("normalized"), problem, np.zeros(problem.shape), 300, StepSize(1.0, 0.5))
    far = W * (900.0 / problem.margins(W).min())
    assert problem.value(far) == 0.0
    update, _ = one.step(Slope(problem, far), one.init(far), 0.1)
    assert np.all(np.isfinite(update))
    assert np.any(update) == one.is_normalized
