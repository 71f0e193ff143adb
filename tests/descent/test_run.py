import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginscope.batches import MinibatchObjective, on_rows
from marginscope.descent import get_optimizer
from marginscope.descent.run import Descent
from marginscope.descent.schedule import record_steps
from marginscope.descent.step_size import StepSize
from marginscope.exceptions import UsageError
from oracles.descent_data import objective


def test_the_schedule_has_both_ends_and_twelve_a_decade():
    steps = record_steps("log", 10**6)
    assert steps[0] == 0
    assert steps[-1] == 10**6
    assert np.all(np.diff(steps) > 0)
    assert 10 <= np.sum((steps >= 10**4) & (steps < 10**5)) <= 14
    assert record_steps(10, 25).tolist() == [0, 10, 20, 25]
    assert record_steps([3, 7.0, 3], 9).tolist() == [0, 3, 7, 9]
    assert record_steps("log", 0).tolist() == [0]
    assert record_steps([], 2).tolist() == [0, 2]


@pytest.mark.parametrize("wrong", ["often", 0, True, [0.5], [-1], [11], 1.5, None, [[1]], ["a"]])
def test_other_schedules_are_refused(wrong):
    with pytest.raises(UsageError, match="record needs"):
        record_steps(wrong, 10)


def test_too_many_records_are_refused():
    with pytest.raises(UsageError, match="at most 100,000 records"):
        record_steps(1, 10**6)


def run(problem, size, n_steps=400, name="gd", **parts):
    descent = Descent(problem, get_optimizer(name), size, record_steps("log", n_steps).tolist(), **parts)
    return descent.run(descent.start(np.zeros(problem.shape)))


def test_a_completed_run_is_the_plain_loop():
    problem = objective(0)
    W = np.zeros(problem.shape)
    for _ in range(100):
        W = W - 0.01 * problem.gradient(W)
    position = run(problem, StepSize(0.01), 100)
    assert position.status == "completed"
    assert position.steps[-1] == 100
    np.testing.assert_array_equal(position.coefs[-1], W)
    assert len(position.coefs) == len(position.steps)


def test_a_quadratic_past_its_limit_diverges():
    problem = objective(0, loss="squared_margin")
    position = run(problem, StepSize(1.0), 10_000)
    assert position.status == "diverged"
    assert np.all(np.isfinite(position.coefs[-1]))
    assert position.step < 10_000


def test_a_loss_that_has_rows_at_zero_becomes_stationary():
    problem = objective(0, loss="squared_weston_watkins")
    assert run(objective(0, loss="weston_watkins"), StepSize(0.05), 5_000).status == "stationary"
    position = run(problem, StepSize(0.01), 5_000)
    assert position.status in ("stationary", "completed", "stalled")
    assert position.steps[-1] == 5_000


def test_steps_below_rounding_are_told():
    position = run(objective(0), StepSize(1e-30), 1_000)
    # W = 0 moves at first, by steps that soon are below its own rounding
    assert position.status == "completed"
    far = objective(0)
    descent = Descent(far, get_optimizer("gd"), StepSize(1e-18), record_steps("log", 1000).tolist())
    position = descent.run(descent.start(np.ones(far.shape) * [[1.0], [2.0], [3.0]]))
    assert position.status == "stalled"
    assert position.steps[-1] == 1000


def test_single_precision_stays_single():
    problem = objective(0)
    double = run(problem, StepSize(0.01), 200).coefs[-1]
    single = run(problem, StepSize(0.01), 200, dtype=np.dtype(np.float32)).coefs[-1]
    np.testing.assert_array_equal(single, single.astype(np.float32))
    np.testing.assert_allclose(single, double, rtol=1e-4, atol=1e-5)


def test_batches_are_the_whole_in_the_mean_and_take_every_row_once():
    problem = objective(1, sample_weights=np.linspace(0.5, 2.0, 40), ridge=0.3)
    W = np.random.default_rng(0).standard_normal(problem.shape)
    batches = MinibatchObjective(problem, 8, np.random.default_rng(3))
    gradients, rows = [], []
    for _ in range(5):
        part = batches.draw()
        gradients.append(part.gradient(W))
        rows += part.X[:, 0].tolist()
    np.testing.assert_allclose(np.mean(gradients, axis=0), problem.gradient(W), rtol=1e-10)
    assert sorted(rows) == sorted(problem.X[:, 0].tolist())


def test_the_last_batch_of_an_epoch_may_be_smaller():
    batches = MinibatchObjective(objective(1), 16, np.random.default_rng(0))
    assert [len(batches.draw().y) for _ in range(6)] == [16, 16, 8, 16, 16, 8]


def test_batches_go_on_from_a_state():
    import json

    problem = objective(1)
    batches = MinibatchObjective(problem, 7, np.random.default_rng(0))
    for _ in range(4):
        batches.draw()
    state = json.loads(json.dumps(batches.state()))
    wanted = [batches.draw().X for _ in range(9)]
    other = MinibatchObjective(problem, 7, np.random.default_rng(99))
    other.restore(state)
    for X in wanted:
        np.testing.assert_array_equal(other.draw().X, X)


def test_rows_of_an_objective():
    problem = objective(2, class_weights=[1.0, 2.0, 3.0], fit_intercept=True)
    W = np.random.default_rng(0).standard_normal(problem.shape)
    parts = [on_rows(problem, np.flatnonzero(problem.y == c)) for c in range(3)]
    np.testing.assert_allclose(sum(part.value(W) for part in parts), problem.value(W), rtol=1e-12)
    np.testing.assert_allclose(sum(part.gradient(W) for part in parts), problem.gradient(W), rtol=1e-10)


@given(st.integers(1, 10**9))
def test_num007_the_schedule_in_log_time_has_no_step_twice(n_steps):
    steps = record_steps("log", n_steps)
    assert steps[0] == 0
    assert steps[-1] == n_steps
    assert np.all(np.diff(steps) > 0)
    # never a record too many: twelve a decade and both ends
    assert len(steps) <= 12 * np.log10(n_steps) + 3


@given(st.integers(1, 10**9), st.integers(1, 10**4))
def test_num007_equal_steps_have_no_step_twice(n_steps, n_records):
    steps = record_steps(max(1, -(-n_steps // n_records)), n_steps)
    assert steps[0] == 0
    assert steps[-1] == n_steps
    assert np.all(np.diff(steps) > 0)
