"""The late law against the flow in log time, true steps and multipliers from another solver."""

from __future__ import annotations

import math
from decimal import Decimal

import cvxpy as cp
import numpy as np
import pytest
import scipy.sparse as sp

from marginscope.descent.step_size import StepSize
from marginscope.exceptions import NotSeparableError, UsageError
from marginscope.limits.fast_forward import fast_forward
from marginscope.limits.forecast import PathLaw, forecast
from marginscope.limits.question import ask
from marginscope.losses.adjust import Adjustment
from marginscope.losses.cross_entropy import CROSS_ENTROPY_FACTS, CrossEntropy
from marginscope.losses.template import LogTemplate
from oracles.true_steps import linear_labels, theory_step, true_steps

WEIGHTED = Adjustment(class_weights=[1.0, 2.0, 5.0], shifts=[0.3, -0.2, 0.0], own_shifts=[0.1, 0.5, 0.2])
SCALED = Adjustment(margins=[1.0, 2.0, 0.5], scales=[1.0, 0.7, 1.3], shifts=[0.3, -0.2, 0.0])
CASES = {
    "cross_entropy": {},
    "pair_logistic": {"loss": "pair_logistic"},
    "exponential": {"loss": "exponential"},
    "mae": {"loss": "mae"},
    "focal": {"loss": "focal"},
    "weights and shifts": {"adjustment": WEIGHTED},
    "margins and scales": {"adjustment": SCALED},
    "margins and scales, focal": {"adjustment": SCALED, "loss": "focal"},
    "margins and scales, pairs": {"adjustment": SCALED, "loss": "pair_logistic"},
}


class Doubled(LogTemplate):
    """Twice the cross-entropy: an exponential tail with c = 2, known by its facts alone."""

    name = "doubled"

    @property
    def facts(self):
        return CROSS_ENTROPY_FACTS.__class__(
            convex=True, strictly_decreasing=True, smoothness=2, beta_v=lambda k: 1.0, tail="exponential",
            tail_constant=2.0, limit="hard_margin",
        )  # fmt: skip

    def value(self, margins, xp=np):
        return 2.0 * CrossEntropy().value(margins, xp)

    def log_value(self, margins):
        return math.log(2.0) + CrossEntropy().log_value(margins)

    def log_weights(self, margins):
        return math.log(2.0) + CrossEntropy().log_weights(margins)


def multipliers(X, y):
    """Solve the dual of the hard margin by a cone solver."""
    K = int(y.max()) + 1
    features, pairs = [], []
    for i, own in enumerate(y):
        for k in range(K):
            if k != own:
                feature = np.zeros((K, X.shape[1]))
                feature[own], feature[k] = X[i], -X[i]
                features.append(feature.ravel())
                pairs.append((i, k))
    A = np.array(features)
    alpha = cp.Variable(len(A), nonneg=True)
    cp.Problem(cp.Maximize(cp.sum(alpha) - 0.5 * cp.sum_squares(A.T @ alpha))).solve(
        solver="CLARABEL", tol_gap_abs=1e-12, tol_gap_rel=1e-12, tol_feas=1e-12
    )
    kept = alpha.value > 1e-6 * alpha.value.max()
    return A[kept], alpha.value[kept], A[~kept]


@pytest.mark.parametrize(
    ("case", "seed"), [*((case, 1) for case in CASES), ("cross_entropy", 0), ("focal", 0), ("margins and scales", 0)]
)
def test_at_step_1e100_the_law_is_the_path(case, seed):
    X, y = linear_labels(seed, 10, 2)
    law = forecast(X, y, **CASES[case])
    path = fast_forward(X, y, record=[1e90], **CASES[case])
    assert law.is_complete
    assert law.support.residual < 1e-12
    W = path.coef[-1]
    # what is left is t^-lambda, and rounding
    left = 1e-9 + 10.0 * law.transient(1e100)
    assert np.linalg.norm(law.coef(1e100) - W) <= left * np.linalg.norm(W)
    assert law.norm_ratio(1e100) == pytest.approx(path.norm_ratio[-1], rel=left)
    assert law.log_loss(1e100) == pytest.approx(path.log_loss[-1], abs=20.0 * left)
    assert law.direction_error(1e100) == pytest.approx(path.direction_error[-1], rel=1e-6 + 10.0 * left)
    gap = law.solution.margin - path.margin[-1]
    assert law.margin_gap(1e100) == pytest.approx(gap, rel=1e-5 + 10.0 * left)
    slope = np.diff(path.norm_ratio[-2:])[0] / (10.0 * math.log(10.0))
    assert law.slope == pytest.approx(slope, rel=1e-4)


@pytest.mark.parametrize("loss", ["cross_entropy", "pair_logistic"])
@pytest.mark.parametrize(("n", "d", "seed"), [(10, 2, 0), (10, 2, 1), (100, 10, 4)])
def test_the_seven_items_from_multipliers_of_another_solver(n, d, seed, loss):
    X, y = linear_labels(seed, n, d)
    features, alpha, others = multipliers(X, y)
    law = forecast(X, y, loss=loss)
    eta = theory_step(X, loss, 3)
    best = features.T @ alpha
    entropy = float(alpha @ np.log(alpha) / alpha.sum())
    assert law.step_size == pytest.approx(eta)
    # 1: the balance of every support pair
    s = 230.0 + math.log(eta)
    rho = law.coef(log_steps=230.0).ravel() - best * s
    assert features @ rho == pytest.approx(np.log(1.0 / alpha), abs=1e-4)
    # 2, 3
    assert law.entropy == pytest.approx(entropy, abs=1e-5)
    assert law.onset == pytest.approx(math.exp(entropy) / eta, rel=1e-5)
    # 4, 5
    across = rho - best * (rho @ best) / (best @ best)
    size, t = np.linalg.norm(best), 1e12 * law.onset
    elapsed = math.log(1e12)
    assert law.direction_error(t) == pytest.approx(np.linalg.norm(across) / (size * elapsed), rel=0.01)
    assert law.margin_gap(t) == pytest.approx((math.log(alpha.max()) - entropy) / size / elapsed, rel=0.1)
    # 6
    assert law.loss(t) == pytest.approx(alpha.sum() / (eta * t), rel=1e-6)
    # 7
    values = np.linalg.eigvalsh((features.T * alpha) @ features)
    lowest = values[values > 1e-9 * values[-1]][0]
    assert law.transient_exponent == pytest.approx(min(lowest, (others @ best).min() - 1.0), abs=1e-4)
    assert law.support.eigenvalues == pytest.approx(values[values > 1e-9 * values[-1]], rel=1e-3)
    assert np.abs(law.support.eigenvalues - 1.0).min() < 1e-8


@pytest.mark.parametrize(
    ("n", "d", "seed", "decades"),
    [(10, 2, 2, (10, 12)), (10, 2, 4, (10, 12)), (10, 2, 6, (40, 60)), (100, 10, 4, (60, 75))],
)
def test_transients_fall_with_the_exponent(n, d, seed, decades):
    X, y = linear_labels(seed, n, d)
    law = forecast(X, y)
    path = fast_forward(X, y, n_steps=10 ** decades[1], record=[10 ** decades[0]])
    logs = path.log_steps[-2:]
    left = path.coef[-2:] - law.coef(log_steps=logs)
    # the part orthogonal to the support pairs is no transient
    sizes = [np.linalg.norm(one - law.support.outside(one)) for one in left]
    found = math.log(sizes[0] / sizes[1]) / np.diff(logs)[0]
    assert found == pytest.approx(law.transient_exponent, rel=0.02)


def test_the_norm_grows_with_slope_one_after_the_onset():
    X, y = linear_labels(1, 10, 2)
    law = forecast(X, y)
    marks = (law.onset * 10.0 ** np.linspace(2, 4, 9)).round().tolist()
    path = fast_forward(X, y, n_steps=marks[-1], record=marks)
    slope = np.polyfit(path.log_steps[-9:], path.norm_ratio[-9:], 1)[0]
    assert slope == pytest.approx(law.slope, abs=0.05)


def test_true_steps_are_foretold_on_well_separated_data():
    X, y = linear_labels(1, 10, 2)
    law = forecast(X, y)
    W = true_steps(X, y, 3, "cross_entropy", law.step_size, [100_000])[0]
    assert np.linalg.norm(law.coef(1e5) - W) < 0.01 * np.linalg.norm(W)
    assert law.norm_ratio(1e5) == pytest.approx(np.linalg.norm(W) / law.solution.norm_value, rel=0.005)


def test_a_constant_of_the_tail_moves_the_onset_and_not_the_loss():
    X, y = linear_labels(1, 10, 2)
    plain, doubled = forecast(X, y, step_size=0.02), forecast(X, y, loss=Doubled(), step_size=0.02)
    assert doubled.entropy == pytest.approx(plain.entropy)
    assert doubled.onset == pytest.approx(plain.onset / 2.0)
    path = fast_forward(X, y, loss=Doubled(), step_size=0.02, n_steps=1e40, record=[1e40])
    # steps eta of 2 R are steps 2 eta of R: eta t times the loss tends to ||What||^2, whatever c is
    assert doubled.log_loss(1e40) == pytest.approx(path.log_loss[-1], abs=1e-7)
    assert doubled.log_loss(1e40) == pytest.approx(plain.log_loss(1e40))
    assert doubled.coef(1e40) == pytest.approx(path.coef[-1], rel=1e-6)


@pytest.mark.parametrize("loss", ["cross_entropy", "focal"])
def test_of_multipliers_that_are_not_unique_descent_takes_these(loss):
    X, y = linear_labels(1, 10, 2)
    X, y = np.vstack([X, X]), np.concatenate([y, y])
    weights = np.repeat([1.0, 5.0], 10)
    law = forecast(X, y, loss=loss, sample_weight=weights)
    path = fast_forward(X, y, loss=loss, sample_weight=weights, record=[1e100])
    assert (law.n_support, law.support.n_independent, law.dimension) == (8, 4, 4)
    assert law.coef(1e100) == pytest.approx(path.coef[-1], rel=1e-9)
    # equal rows share a multiplier by their weights
    shares = law.support.multipliers
    for group in law.support.pairs.groups[law.support.pairs.groups < 10]:
        ratio = shares[law.support.pairs.groups == group + 10] / shares[law.support.pairs.groups == group]
        assert ratio == pytest.approx(5.0 * np.ones(len(ratio)))
    assert "not unique" in str(law)


def test_a_pair_of_margin_one_without_multiplier_is_said():
    law = forecast([[1.0, 0.0], [-1.0, 0.0], [1.0, 2.0]], [0, 1, 0])
    assert law.is_degenerate
    assert law.transient_exponent == 0.0
    assert "log log t" in law.warning
    assert law.log_settled == math.inf


def test_what_is_missing_is_said_and_can_be_taken_from_a_path():
    X, y = linear_labels(11, 12, 20)
    law = forecast(X, y)
    assert law.support.n_independent < law.dimension
    assert not law.is_complete
    assert "with_history" in str(law)
    later = fast_forward(X, y, n_steps="1e1000", record=["1e300"])
    whole = law.with_history(fast_forward(X, y, n_steps="1e300"))
    assert whole.is_complete
    missed, left = (np.linalg.norm(one.coef("1e1000") - later.coef[-1]) for one in (law, whole))
    # the rest is transients of exponent lambda
    assert left < 1e-3 * missed
    assert whole.direction_error("1e1000") == pytest.approx(later.direction_error[-1], rel=1e-3)
    assert law.direction_error("1e1000") < 0.9 * later.direction_error[-1]
    with pytest.raises(UsageError, match="with the step size"):
        law.with_history(fast_forward(X, y, step_size=1e-3, n_steps=1e5))


def test_small_exponents_warn_and_large_ones_do_not():
    X, y = linear_labels(3, 10, 2)
    slow = forecast(X, y)
    assert slow.transient_exponent < 0.1
    assert "below 1 % from step" in slow.warning
    assert slow.transient(log_steps=slow.log_settled) == pytest.approx(0.01)
    quick = forecast(*linear_labels(1, 10, 2))
    assert quick.warning is None
    for law in (slow, quick):
        assert f"margin - 1 = {law.nearest_excess:.3g}" in str(law)


def test_the_text_writes_losses_as_numbers():
    X, y = linear_labels(1, 10, 2)
    law = forecast(X, y)
    path = fast_forward(X, y, n_steps=1e100)
    lines = [line for line in str(law).splitlines() if line.startswith("Step")]
    said = {line.split(":")[0]: float(line.rsplit(" ", 1)[1][:-1]) for line in lines}
    # four digits of what the flow finds there
    assert math.log(said["Step 1e100"]) == pytest.approx(path.log_loss[-1], abs=1e-3)
    assert said["Step 1e10"] == pytest.approx(said["Step 1e5"] * 1e-5, rel=1e-3)


def test_a_step_may_be_given_in_any_form():
    law = forecast(*linear_labels(1, 10, 2))
    forms = ["1e1000", 10**1000, Decimal("1e1000")]
    values = [law.norm_ratio(one) for one in forms] + [law.norm_ratio(log_steps=1000.0 * math.log(10.0))]
    assert values == pytest.approx([values[0]] * 4, rel=1e-13)
    many = law.direction_error([1e10, "1e1000"])
    assert many.tolist() == [law.direction_error(1e10), law.direction_error("1e1000")]
    assert law.coef([1e10, 1e20]).shape == (2, 3, 2)
    assert law.loss("1e1000") == 0.0
    for arguments in ({}, {"t": 1e5, "log_steps": 3.0}):
        with pytest.raises(UsageError, match="either t or log_steps"):
            law.norm_ratio(**arguments)


def test_an_intercept_and_sparse_rows():
    X, y = linear_labels(1, 10, 2)
    law = forecast(sp.csr_array(X), y, fit_intercept=True)
    path = fast_forward(X, y, fit_intercept=True, record=[1e100])
    assert law.is_complete
    assert law.coef(1e100) == pytest.approx(path.coef[-1], rel=1e-8)
    assert law.intercept(1e100) == pytest.approx(path.intercept[-1], rel=1e-8)
    assert forecast(X, y).intercept(1e100) is None


def test_what_has_no_law_is_refused():
    X, y = linear_labels(1, 10, 2)
    for loss in ("polynomial", "label_smoothing", "sparsemax", "crammer_singer", "squared_margin"):
        with pytest.raises(UsageError, match="tends to the hard margin"):
            forecast(X, y, loss=loss, step_size=0.1)
    with pytest.raises(UsageError, match="constant step"):
        forecast(X, y, step_size=(0.1, 0.5))
    overlap = np.random.default_rng(0).standard_normal((60, 2)), np.arange(60) % 3
    with pytest.raises(NotSeparableError):
        forecast(*overlap)
    assert PathLaw(ask(*overlap, "cross_entropy"))(StepSize(0.1)) is None


def test_the_law_of_a_path_is_the_forecast():
    X, y = linear_labels(1, 10, 2)
    path, law = fast_forward(X, y, n_steps=1e5), forecast(X, y)
    assert path.law.coef(1e50) == pytest.approx(law.coef(1e50), rel=1e-14)


def test_the_table_has_a_line_for_every_decade_after_the_onset():
    law = forecast(*linear_labels(1, 10, 2))
    frame = law.frame()
    assert min(frame["log10_step"]) > law.log_onset / math.log(10.0)
    for place, decade in enumerate(frame["log10_step"]):
        assert list(frame["norm_ratio"])[place] == pytest.approx(law.norm_ratio(f"1e{decade}"), rel=1e-12)
    document = law.to_dict()
    assert document["decades"]["log10_step"] == list(frame["log10_step"])
    assert document["log10_onset"] == pytest.approx(math.log10(law.onset))
