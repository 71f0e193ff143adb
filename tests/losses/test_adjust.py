"""Adjustments: their formulas, and what each of them changes, measured."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import logsumexp

from marginscope import losses
from marginscope.exceptions import UsageError
from marginscope.losses import adjust
from marginscope.losses.adjust import MAKERS, Adjustment, Effects
from marginscope.objectives import LinearObjective
from oracles.log_time_flow import distance, flow, separable_problem
from oracles.margin_by_cvxpy import largest_margin

COUNTS = (60, 20, 6)
X, Y = separable_problem(1)

MADE = {maker.__name__: maker(COUNTS) for maker in MAKERS if maker is not adjust.class_margins}
MADE["class_margins"] = adjust.class_margins([1.0, 1.5, 2.5])
SINGLE = {
    "nothing": Adjustment(),
    "weights of one": Adjustment(class_weights=[1, 1, 1]),
    "equal weights": Adjustment(class_weights=[3, 3, 3]),
    "unequal weights": Adjustment(class_weights=[1, 3, 10]),
    "sample weights": Adjustment(sample_weights=np.linspace(0.5, 3.0, len(Y))),
    "equal shifts": Adjustment(shifts=[2, 2, 2]),
    "unequal shifts": Adjustment(shifts=[0, 1, 2]),
    "equal own shifts": Adjustment(own_shifts=[0.5, 0.5, 0.5]),
    "equal scales": Adjustment(scales=[2, 2, 2]),
    "unequal scales": Adjustment(scales=[1.0, 0.7, 0.5]),
    "equal margins": Adjustment(margins=[2, 2, 2]),
    "all at once": Adjustment(margins=[1, 1.5, 2], scales=[1, 0.8, 0.6], shifts=[0, 1, 2], class_weights=[1, 2, 3]),
}
CASES = MADE | SINGLE
every_case = pytest.mark.parametrize("name", CASES)


# What they change


def objective(adjustment, ridge=0.0, template="cross_entropy"):
    return LinearObjective(losses.get(template), X, Y, 3, adjustment=adjustment, ridge=ridge)


def after_some_steps(adjustment):
    one, W = objective(adjustment), np.zeros((3, 3))
    for _ in range(100):
        W = W - 0.02 * one.gradient(W)
    return W


def ridge_optimum(adjustment):
    one = objective(adjustment, ridge=0.3)

    def function(w):
        value, gradient = one.value_and_gradient(w.reshape(3, 3))
        return value, gradient.ravel()

    return minimize(function, np.zeros(9), jac=True, method="BFGS", options={"gtol": 1e-8}).x.reshape(3, 3)


@every_case
def test_effects_are_what_is_measured(name):
    one = CASES[name]
    path = np.abs(after_some_steps(one) - after_some_steps(None)).max() > 1e-3
    ridge = np.abs(ridge_optimum(one) - ridge_optimum(None)).max() > 1e-3
    _, hard, _ = largest_margin(X, Y, 3, "frobenius")
    limit = distance(flow(objective(one), 2300.0), hard) > 5e-3
    assert one.effects == Effects(path=bool(path), ridge_optimum=bool(ridge), max_margin_limit=bool(limit))


@every_case
@pytest.mark.parametrize("template", ["cross_entropy", "pair_logistic"])
def test_the_limit_is_the_largest_adjusted_margin(name, template):
    one = CASES[name]
    _, own, _ = largest_margin(X, Y, 3, "frobenius", class_margins=one.margins, class_scales=one.scales)
    early, late = (distance(flow(objective(one, template=template), s), own) for s in (230.0, 2300.0))
    assert late < 4e-3
    assert 5 < early / late < 20


def test_class_weights_shift_support_pairs_by_their_logarithms():
    weights = np.array([1.0, 3.0, 10.0])
    plain = flow(objective(None), 400.0, rtol=1e-10)
    weighted = flow(objective(Adjustment(class_weights=weights)), 400.0, rtol=1e-10)
    _, _, dual = largest_margin(X, Y, 3, "frobenius")
    change = weighted - plain
    for i, k in np.argwhere(dual > 1e-6):
        assert (change[Y[i]] - change[k]) @ X[i] == pytest.approx(np.log(weights[Y[i]]), abs=1e-4)


def test_dropping_a_support_row_moves_the_limit():
    _, hard, dual = largest_margin(X, Y, 3, "frobenius")
    kept = np.ones(len(Y))
    kept[dual.sum(axis=1).argmax()] = 0.0
    one = Adjustment(sample_weights=kept)
    assert one.effects.max_margin_limit
    _, without, _ = largest_margin(X[kept > 0], Y[kept > 0], 3, "frobenius")
    found = flow(objective(one), 2300.0)
    assert distance(found, without) < 3e-3
    assert distance(found, hard) > 0.02


# Formulas


@given(st.integers(0, 10**6))
def test_adjusted_margins_follow_the_formula(seed):
    rng = np.random.default_rng(seed)
    v, y = rng.normal(size=(5, 4)), rng.integers(0, 4, 5)
    m, D, i, c = rng.uniform(0.5, 2, 4), rng.uniform(0.5, 2, 4), rng.normal(size=4), rng.normal(size=4)
    u = Adjustment(margins=m, scales=D, shifts=i, own_shifts=c).adjusted_margins(v, y)
    for row, own in enumerate(y):
        expected = [
            (D[own] * v[row, own] + i[own] - c[own] - D[k] * v[row, k] - i[k]) / m[own] for k in range(4) if k != own
        ]
        np.testing.assert_allclose(np.sort(u[row]), np.sort(expected), atol=1e-12)


def test_vs_loss_is_the_published_formula():
    rng = np.random.default_rng(0)
    v, y = rng.normal(size=(9, 3)), rng.integers(0, 3, 9)
    n = np.array(COUNTS, dtype=float)
    z = v * (n / 60.0) ** 0.3 + 1.0 * np.log(n / 86.0)
    expected = logsumexp(z, axis=1) - z[np.arange(9), y]
    u = adjust.vs_loss(COUNTS).adjusted_margins(v, y)
    np.testing.assert_allclose(losses.get("cross_entropy").value(u), expected, rtol=1e-12)
    only_scales = adjust.cdt(COUNTS).adjusted_margins(v, y)
    z = v / (60.0 / n) ** 0.3
    np.testing.assert_allclose(
        losses.get("cross_entropy").value(only_scales), logsumexp(z, axis=1) - z[np.arange(9), y], rtol=1e-12
    )


def test_logit_adjustment_with_tau_one_is_the_balanced_softmax():
    rng = np.random.default_rng(1)
    v, y = rng.normal(size=(9, 3)), rng.integers(0, 3, 9)
    n = np.array(COUNTS, dtype=float)
    balanced = n * np.exp(v)
    p = balanced / balanced.sum(axis=1, keepdims=True)
    u = adjust.logit_adjustment(COUNTS).adjusted_margins(v, y)
    np.testing.assert_allclose(losses.get("cross_entropy").value(u), -np.log(p[np.arange(9), y]), rtol=1e-12)


def test_logit_adjustment_is_consistent_for_the_balanced_error():
    # scores that minimise the population risk must rank p(x | y), not p(y | x)
    prior = np.array(COUNTS) / 86.0
    likelihood = np.array([0.2, 0.35, 0.3])
    posterior = prior * likelihood / (prior @ likelihood)
    one = adjust.logit_adjustment(COUNTS)

    def risk(v):
        u = one.adjusted_margins(np.tile(v, (3, 1)), np.arange(3))
        return float(posterior @ losses.get("cross_entropy").value(u))

    v = minimize(risk, np.zeros(3), method="BFGS", options={"gtol": 1e-8}).x
    assert posterior.argmax() == 0
    np.testing.assert_allclose(np.exp(v - v[0]), likelihood / likelihood[0], rtol=1e-4)


def test_ldam_margins_fall_with_the_fourth_root():
    c = adjust.ldam_margins([16, 81, 256]).own_shifts
    np.testing.assert_allclose(c, [0.5, 0.5 * 2 / 3, 0.5 * 2 / 4])
    np.testing.assert_allclose(adjust.ldam_margins([16, 81, 256], largest=1.0).own_shifts, 2 * c)


def test_class_balanced_weights_are_inverse_effective_numbers():
    effective = np.array([sum(0.9**power for power in range(n)) for n in COUNTS])
    expected = (1 / effective) * 3 / (1 / effective).sum()
    np.testing.assert_allclose(adjust.class_balanced_weights(COUNTS, beta=0.9).class_weights, expected, rtol=1e-12)
    np.testing.assert_array_equal(adjust.class_balanced_weights(COUNTS, beta=0.0).class_weights, [1.0, 1.0, 1.0])
    near_one = adjust.class_balanced_weights(COUNTS, beta=1 - 1e-12).class_weights
    inverse = 1 / np.array(COUNTS)
    np.testing.assert_allclose(near_one, 3 * inverse / inverse.sum(), rtol=1e-3)


def test_balanced_weights_give_classes_the_same_total():
    weights = adjust.balanced_weights(COUNTS).class_weights
    np.testing.assert_allclose(weights * COUNTS, np.full(3, 86 / 3))


def test_every_maker_is_listed_and_says_its_source():
    public = [getattr(adjust, name) for name in adjust.__all__ if name.islower()]
    assert sorted(one.__name__ for one in public) == sorted(one.__name__ for one in MAKERS)
    assert all(one.__doc__ for one in MAKERS)


# Misuse


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"margins": [1, 0, 1]}, "positive"),
        ({"scales": [1, -1, 1]}, "positive"),
        ({"class_weights": [0, 1, 1]}, "positive"),
        ({"sample_weights": [-1.0, 1.0]}, "not negative"),
        ({"shifts": [np.nan, 0, 0]}, "finite"),
        ({"own_shifts": 0.5}, "list"),
        ({"scales": [1, 1], "shifts": [0, 0, 0]}, "same length"),
    ],
)
def test_impossible_adjustments_are_refused(fields, words):
    with pytest.raises(UsageError, match=words):
        Adjustment(**fields)


@pytest.mark.parametrize("counts", [[5, 0, 3], [5], 7, [1, np.inf]])
def test_impossible_counts_are_refused(counts):
    with pytest.raises(UsageError, match="positive number of rows"):
        adjust.balanced_weights(counts)


def test_impossible_betas_are_refused():
    with pytest.raises(UsageError, match="below 1"):
        adjust.class_balanced_weights(COUNTS, beta=1.0)


def test_an_adjustment_must_fit_the_data():
    with pytest.raises(UsageError, match="3 classes"):
        objective(Adjustment(margins=[1, 1]))
    with pytest.raises(UsageError, match="12 rows"):
        objective(Adjustment(sample_weights=np.ones(5)))


def test_an_adjustment_keeps_its_own_numbers():
    given_margins = np.ones(3)
    one = Adjustment(margins=given_margins)
    given_margins[0] = 5.0
    assert one.margins[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        one.margins[0] = 2.0
