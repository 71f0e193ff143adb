import numpy as np
import pytest
import scipy.sparse as sp
from threadpoolctl import threadpool_limits

from marginscope import losses
from marginscope.descent import OPTIMIZERS, get_optimizer
from marginscope.descent.step_size import StepSize, largest_singular_value, smoothness, step_size_for
from marginscope.exceptions import UsageError
from marginscope.geometry.norms import get_norm
from marginscope.losses.adjust import Adjustment
from marginscope.objectives import LinearObjective
from oracles.descent_data import objective, separable

SMOOTH = [one.name for one in losses.TEMPLATES if np.isfinite(one.facts.beta_v(3))]
ADJUSTED = {
    "plain": {},
    "margins": {"margins": [0.5, 1.0, 2.0]},
    "scales": {"scales": [0.3, 1.0, 1.7]},
    "weights": {"class_weights": [1.0, 5.0, 0.2], "sample_weights": np.linspace(0.0, 2.0, 40)},
    "shifts": {"shifts": [0.1, -2.0, 1.0], "own_shifts": [0.5, 0.0, 0.1]},
    "intercept": {"fit_intercept": True},
}


def hessian(problem, W):
    apply = problem.hessian_at(W)
    units = np.eye(W.size).reshape(-1, *W.shape)
    return np.array([apply(V).ravel() for V in units])


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("adjusted", sorted(ADJUSTED))
def test_the_bound_is_above_every_second_derivative(name, adjusted):
    problem = objective(1, loss=name, **ADJUSTED[adjusted])
    bound, _ = smoothness(problem, np.zeros(problem.shape))
    rng = np.random.default_rng(0)
    for size in (0.0, 0.3, 1.0, 3.0):
        W = size * rng.standard_normal(problem.shape)
        assert np.abs(np.linalg.eigvalsh(hessian(problem, W))).max() <= bound * (1 + 1e-6)


def test_the_bound_is_tight_for_cross_entropy_of_two_classes():
    X, y = separable(0, K=2)
    problem = LinearObjective(losses.get("cross_entropy"), X, y, 2)
    bound, _ = smoothness(problem, np.zeros(problem.shape))
    top = np.linalg.eigvalsh(hessian(problem, np.zeros(problem.shape)))[-1]
    assert np.isclose(top, bound, rtol=1e-9)


@pytest.mark.parametrize("batch", [1, 7, 40])
def test_the_bound_for_batches_holds_for_every_batch(batch):
    from marginscope.batches import MinibatchObjective

    problem = objective(2)
    bound, _ = smoothness(problem, np.zeros(problem.shape), batch)
    batches = MinibatchObjective(problem, batch, np.random.default_rng(0))
    for _ in range(20):
        assert np.linalg.eigvalsh(hessian(batches.draw(), np.zeros(problem.shape)))[-1] <= bound * (1 + 1e-9)


@pytest.mark.parametrize("name", [*SMOOTH, "exponential"])
@pytest.mark.parametrize("method", ["gd", "momentum", "nesterov"])
def test_theory_steps_do_not_diverge_and_those_of_gd_never_rise(name, method):
    problem = objective(3, loss=name)
    one = get_optimizer(method)
    size = step_size_for("theory", problem, one, np.zeros(problem.shape))
    assert size.is_safe
    from marginscope.descent.slope import Slope

    W, state, values = np.zeros(problem.shape), one.init(np.zeros(problem.shape)), []
    for t in range(60):
        values.append(problem.value(W))
        update, state = one.step(Slope(problem, W), state, size.at(t))
        W = W - update
    assert values[-1] < values[0]
    if method == "gd":
        assert np.all(np.diff(values) <= 1e-12 * values[0])


def test_steps_past_the_limit_are_not_called_safe():
    problem = objective(0, loss="squared_margin")
    limit = step_size_for("theory", problem, get_optimizer("gd"), np.zeros(problem.shape)).limit
    assert step_size_for(0.99 * limit, problem, get_optimizer("gd"), np.zeros(problem.shape)).is_safe
    past = step_size_for(1.01 * limit, problem, get_optimizer("gd"), np.zeros(problem.shape))
    assert not past.is_safe
    assert "not proved safe" in str(past)


@pytest.mark.parametrize("one", [one for one in OPTIMIZERS if one.is_normalized], ids=lambda one: one.name)
def test_a_normalised_step_moves_no_margin_by_more_than_one(one):
    problem = objective(0, margins=[0.5, 1.0, 2.0], scales=[1.0, 0.2, 1.5])
    size = step_size_for("theory", problem, one, np.zeros(problem.shape))
    assert size.limit is None
    if one.name == "dual_accelerated":
        return
    rng = np.random.default_rng(0)
    norm = get_norm("max" if one.name == "adam" else one.norm)
    for _ in range(50):
        D = norm.linear_maximizer(rng.standard_normal(problem.shape))
        assert np.abs(problem.margins(size.scale * D)).max() <= 1 + 1e-9


def test_the_largest_singular_value_by_three_routes(monkeypatch):
    X = np.random.default_rng(0).standard_normal((60, 30))
    exact = np.linalg.norm(X, 2)
    assert np.isclose(largest_singular_value(X), exact, rtol=1e-12)
    assert np.isclose(largest_singular_value(sp.csr_array(X.T)), exact, rtol=1e-12)
    monkeypatch.setattr("marginscope.descent.step_size._LARGEST_GRAM", 5)
    assert exact <= largest_singular_value(X) <= exact * (1 + 1e-5)
    assert largest_singular_value(np.zeros((3, 0))) == 0.0


def test_what_can_be_given():
    problem, gd = objective(0), get_optimizer("gd")
    W = np.zeros(problem.shape)
    assert step_size_for((0.5, 0.25), problem, gd, W).at(15) == 0.25
    assert step_size_for(StepSize(3.0), problem, gd, W) == StepSize(3.0)
    for wrong in (0.0, -1.0, np.nan, "big", (1.0, -1.0), True, None, (0.0, 1.0)):
        with pytest.raises(UsageError, match="step_size"):
            step_size_for(wrong, problem, gd, W)
    kinks = step_size_for("theory", objective(0, loss="crammer_singer"), gd, W)
    assert (kinks.decay, kinks.limit) == (0.5, None)
    empty = LinearObjective(losses.get("cross_entropy"), np.zeros((3, 2)), np.array([0, 1, 2]), 3)
    assert step_size_for("theory", empty, gd, W).scale == 1.0


def test_a_loss_nobody_knows_needs_a_number():
    class Own(losses.Template):
        name = "own"

        def value(self, margins, xp=np):
            return xp.exp(-margins).sum(-1)

    X, y = separable(0)
    problem = LinearObjective(Own(), X, y, 3, adjustment=Adjustment())
    with pytest.raises(UsageError, match="give a number"):
        step_size_for("theory", problem, get_optimizer("gd"), np.zeros(problem.shape))


def test_the_largest_singular_value_has_the_same_bits_for_any_number_of_threads():
    X = np.random.default_rng(0).standard_normal((300, 1200))
    found = set()
    for n_threads in (1, 2):
        with threadpool_limits(limits=n_threads, user_api="blas"):
            found.add(largest_singular_value(X))
    assert len(found) == 1
