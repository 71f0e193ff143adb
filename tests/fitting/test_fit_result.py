"""What a fit says about itself: statuses, passes, the tolerance, the reason, and weights as copies."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginscope import losses
from marginscope.fitting import SOLVERS
from marginscope.fitting.fit import fit
from marginscope.losses.adjust import Adjustment
from marginscope.objectives import LinearObjective

NAMES = [one.name for one in SOLVERS]
CROSS_ENTROPY = losses.get("cross_entropy")


def clouds(seed, n, d, k):
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(k), rng.integers(0, k, n - k)])
    return 0.7 * rng.normal(size=(k, d))[y] + rng.normal(size=(n, d)), y, rng


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), solver=st.sampled_from(NAMES), name=st.sampled_from(["cross_entropy", "focal"]))
def test_a_weight_is_a_number_of_copies(seed, solver, name):
    X, y, rng = clouds(seed, 40, 3, 3)
    copies = np.concatenate([[1, 1, 1], rng.integers(0, 4, 37)])
    weighted = LinearObjective(
        losses.get(name), X, y, 3, adjustment=Adjustment(sample_weights=copies), ridge=1.0, fit_intercept=True
    )
    copied = LinearObjective(
        losses.get(name), np.repeat(X, copies, axis=0), np.repeat(y, copies), 3, ridge=1.0, fit_intercept=True
    )
    one, other = fit(weighted, solver=solver).coef, fit(copied, solver=solver).coef
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-9 * np.abs(other).max())


@pytest.mark.parametrize("solver", NAMES)
@pytest.mark.parametrize("tol", [1e-3, 1e-6, 1e-9])
def test_the_gradient_is_within_the_tolerance(solver, tol):
    X, y, rng = clouds(1, 3000, 40, 6)
    weights = rng.uniform(0.5, 2.0, len(y))
    objective = LinearObjective(
        CROSS_ENTROPY, X, y, 6, adjustment=Adjustment(sample_weights=weights), ridge=1.0, fit_intercept=True
    )
    found = fit(objective, solver=solver, tol=tol)
    norm = np.abs(objective.gradient(found.coef)).max() / weights.sum()
    assert found.status == "converged"
    assert norm <= 1.01 * tol
    assert found.gradient_norm == pytest.approx(norm, rel=0.01, abs=1e-13)
    assert found.value == pytest.approx(objective.value(found.coef), rel=1e-12)


@pytest.mark.parametrize("solver", NAMES)
def test_few_iterations_end_at_the_limit(solver):
    X, y, _ = clouds(2, 300, 5, 3)
    found = fit(LinearObjective(CROSS_ENTROPY, X, y, 3, ridge=1.0), solver=solver, max_iter=1, tol=1e-14)
    assert found.status == "iteration_limit"
    assert found.n_iter == 1


@pytest.mark.parametrize("solver", NAMES)
def test_a_start_at_the_optimum_ends_there(solver):
    X, y, _ = clouds(3, 300, 5, 3)
    objective = LinearObjective(CROSS_ENTROPY, X, y, 3, ridge=1.0, fit_intercept=True)
    optimum = fit(objective, solver="newton-gram")
    again = fit(objective, solver=solver, start=optimum.coef)
    np.testing.assert_allclose(again.coef, optimum.coef, rtol=0, atol=1e-12)
    assert again.n_iter <= 2


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((200, 5, 3), "newton-gram"),
        ((40000, 5, 3), "subsampled"),
        ((1500, 300, 8), "newton-cg"),
        ((400, 5, 120), "lbfgs"),
    ],
)
def test_auto_says_what_it_chose_and_why(size, expected):
    X, y, _ = clouds(4, *size)
    found = fit(LinearObjective(CROSS_ENTROPY, X, y, size[2], ridge=1.0))
    assert found.solver == expected
    assert "unknowns" in found.reason
    assert fit(LinearObjective(CROSS_ENTROPY, X[:300], y[:300], size[2], ridge=1.0), solver="lbfgs").reason == ""


def test_more_rows_are_more_passes_for_the_same_steps():
    X, y, _ = clouds(5, 20000, 10, 4)
    objective = LinearObjective(CROSS_ENTROPY, X, y, 4, ridge=1.0, fit_intercept=True)
    sampled, whole = (fit(objective, solver=name) for name in ("subsampled", "newton-gram"))
    assert sampled.passes < whole.passes
    assert whole.passes >= 2 * whole.n_iter


@pytest.mark.parametrize("solver", ["newton-cg", "subsampled"])
def test_memory_beyond_the_rows_is_a_part_of_theirs(solver):
    X, y, _ = clouds(7, 40000, 200, 3)
    objective = LinearObjective(CROSS_ENTROPY, X, y, 3, ridge=1.0, fit_intercept=True)
    fit(objective, solver=solver, tol=1e-2)
    tracemalloc.start()
    fit(objective, solver=solver, tol=1e-4)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 0.35 * X.nbytes


def test_one_seed_one_answer():
    X, y, _ = clouds(6, 20000, 10, 4)
    objective = LinearObjective(CROSS_ENTROPY, X, y, 4, ridge=1.0, fit_intercept=True)
    one, same, other = (fit(objective, solver="subsampled", tol=1e-4, random_state=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.coef, same.coef)
    assert np.any(one.coef != other.coef)
