"""The largest margin against another solver, under changes that must not matter, and on data that have none."""

from __future__ import annotations

import json

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.svm import SVC

from marginscope.exceptions import DataError, DataQualityWarning, NotSeparableError, NotSolvedError, UsageError
from marginscope.geometry.norms import NORMS, get_norm
from marginscope.solvers import hard_margin
from marginscope.solvers.hard_margin import solve_hard_margin
from marginscope.solvers.margin_problem import Solved
from marginscope.solvers.separability import separability
from oracles.margin_by_cvxpy import largest_margin

NAMES = [norm.name for norm in NORMS]
SEMIDEFINITE = ("spectral", "nuclear")


def separable(seed, n=40, d=4, K=3, *, fit_intercept=False):
    """Label rows by a random linear rule, so that it separates them; classes without rows are left out."""
    rng = np.random.default_rng(seed)
    while True:
        X, W, b = rng.standard_normal((n, d)), rng.standard_normal((K, d)), fit_intercept * rng.standard_normal(K)
        present, y = np.unique((X @ W.T + b).argmax(axis=1), return_inverse=True)
        if len(present) >= min(2, K):
            return X, y


def random_problem(seed, *, most_entries):
    """Draw sizes, norm, intercept, margins and scales."""
    rng = np.random.default_rng(seed)
    norm = NAMES[seed % len(NAMES)]
    while True:
        n, d, K = int(10 ** rng.uniform(1, 2.6)), int(10 ** rng.uniform(0, 1.78)), int(rng.integers(2, 13))
        weight = 20 if norm in SEMIDEFINITE else 1
        if n * (K - 1) * K * d * weight <= most_entries:
            break
    options = {"fit_intercept": bool(rng.integers(2))}
    X, y = separable(int(rng.integers(2**31)), n, d, K, fit_intercept=options["fit_intercept"])
    K = int(y.max()) + 1
    if rng.random() < 0.4:
        options["class_margins"] = rng.uniform(0.3, 3.0, K)
    if rng.random() < 0.4:
        options["class_scales"] = rng.uniform(0.3, 3.0, K)
    return X, y, norm, options


def check_against_cvxpy(seed, most_entries):
    X, y, norm, options = random_problem(seed, most_entries=most_entries)
    solution = solve_hard_margin(X, y, norm=norm, raise_on_failure=False, **options)
    assert solution.status == "optimal"
    assert solution.bracket.width <= 1e-8
    assert solution.verify(X, y)
    assert solution.kkt.complementarity <= 1e-8
    # the support is clean: no more pairs than unknowns of W (and the norm's own), each at margin 1
    assert len(solution.support_pairs) <= solution.full_coef.size + 1
    expected, _, _ = largest_margin(X, y, int(y.max()) + 1, norm, **options)
    assert solution.margin == pytest.approx(expected, rel=1e-6)
    return solution, X, y


@pytest.mark.parametrize("seed", range(40))
def test_small_problems_agree_with_cvxpy(seed):
    solution, X, y = check_against_cvxpy(seed, 40_000)
    assert solution.verify(X, y, exact=True)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1200))
def test_two_hundred_problems_agree_with_cvxpy(seed):
    solution, X, y = check_against_cvxpy(seed, 2_000_000)
    if seed % 4 == 0:
        assert solution.verify(X, y, exact=True)


@pytest.mark.parametrize("norm", NAMES)
def test_known_margins(norm):
    # two points on a line: W = (-1/2, 1/2) in every norm; with ones it is a rectangle
    solution = solve_hard_margin([[-1.0], [1.0]], ["a", "b"], norm=norm)
    assert np.allclose(np.diff(solution.coef, axis=0), 1.0) or norm in ("sum", "max")
    expected = {"frobenius": 2**0.5, "max": 2.0, "sum": 1.0, "spectral": 2**0.5, "nuclear": 2**0.5}[norm]
    assert solution.margin == pytest.approx(expected, rel=1e-8)
    # one corner of a cube for each of three classes
    solution = solve_hard_margin(np.eye(3), [0, 1, 2], norm=norm)
    expected = {"frobenius": 1 / 2**0.5, "max": 2.0, "sum": 1 / 3, "spectral": 1.0, "nuclear": 0.5}[norm]
    if norm in ("frobenius", "max", "spectral", "nuclear", "sum"):
        direct, _, _ = largest_margin(np.eye(3), [0, 1, 2], 3, norm)
        assert solution.margin == pytest.approx(direct, rel=1e-6)
    if norm in ("frobenius", "max", "sum"):
        assert solution.margin == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("seed", range(4))
def test_two_classes_are_the_binary_machine(seed):
    X, y = separable(seed, n=60, d=3, K=2)
    solution = solve_hard_margin(X, y)
    # without intercept scikit-learn has no exact twin: append the mirror images, whose optimal intercept is 0
    both, signs = np.vstack([X, -X]), np.append(y, 1 - y)
    machine = SVC(kernel="linear", C=1e6, tol=1e-9).fit(both, signs)
    w = machine.coef_[0]
    assert abs(machine.intercept_[0]) < 1e-5 * np.linalg.norm(w)
    # it stops with a violated margin of the order of 1e-4: brought back to 1, its norm is larger
    w = w / ((2 * signs - 1) * (both @ w)).min()
    difference = solution.coef[1] - solution.coef[0]
    assert np.linalg.norm(difference) <= np.linalg.norm(w) * (1 + 1e-9)
    assert np.allclose(difference, w, atol=2e-4 * np.linalg.norm(w))
    assert np.allclose(solution.coef.sum(axis=0), 0.0, atol=1e-7 * solution.norm_value)
    rows = {int(i) for i, _ in solution.support_pairs}
    assert rows <= {int(i) % len(X) for i in machine.support_}
    assert solution.norm_value**2 == pytest.approx(w @ w / 2, rel=1e-3)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), norm=st.sampled_from(NAMES), fit_intercept=st.booleans())
def test_names_order_and_copies_do_not_matter(seed, norm, fit_intercept):
    rng = np.random.default_rng(seed)
    X, y = separable(seed, n=25, d=3, fit_intercept=fit_intercept)
    first = solve_hard_margin(X, y, norm=norm, fit_intercept=fit_intercept)
    names = np.array(["x", "a", "m"])[: int(y.max()) + 1]
    renamed = solve_hard_margin(X, names[y], norm=norm, fit_intercept=fit_intercept)
    order = rng.permutation(len(X))
    moved = solve_hard_margin(X[order], y[order], norm=norm, fit_intercept=fit_intercept)
    extra = rng.integers(0, len(X), 10)
    copied = solve_hard_margin(np.vstack([X, X[extra]]), np.append(y, y[extra]), norm=norm, fit_intercept=fit_intercept)
    for other in (renamed, moved, copied):
        assert other.status == "optimal"
        assert other.margin == pytest.approx(first.margin, rel=2e-8)
    if norm == "frobenius":
        size = first.norm_value
        back = np.argsort(names)  # codes of the renamed classes
        assert np.allclose(renamed.coef, first.coef[back], atol=2e-4 * size)
        assert np.allclose(moved.coef, first.coef, atol=2e-4 * size)
        assert np.allclose(copied.coef, first.coef, atol=2e-4 * size)
    # equal rows have equal multipliers
    weights = copied.dual_weights.toarray()
    for i, place in enumerate(extra):
        assert np.allclose(weights[len(X) + i], weights[place], rtol=1e-12)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), norm=st.sampled_from(NAMES), exponent=st.integers(-90, 90))
def test_a_global_scale_scales_the_margin(seed, norm, exponent):
    X, y = separable(seed, n=25, d=3)
    first = solve_hard_margin(X, y, norm=norm)
    scaled = solve_hard_margin(X * 10.0**exponent, y, norm=norm)
    assert scaled.status == "optimal"
    assert scaled.margin == pytest.approx(first.margin * 10.0**exponent, rel=2e-8)
    assert scaled.verify(X * 10.0**exponent, y)
    assert scaled.verify(X * 10.0**exponent, y, exact=True)
    if norm == "frobenius":
        assert np.allclose(scaled.coef * 10.0**exponent, first.coef, atol=2e-4 * first.norm_value)


@pytest.mark.parametrize("norm", NAMES)
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_class_margins_are_divided_rows(norm, fit_intercept):
    X, y = separable(3, n=30, d=3, fit_intercept=fit_intercept)
    m = np.array([0.5, 1.0, 3.0])
    solution = solve_hard_margin(X, y, norm=norm, fit_intercept=fit_intercept, class_margins=m)
    Z = np.column_stack([X, np.ones(len(X))]) if fit_intercept else X
    divided = solve_hard_margin(Z / m[y][:, None], y, norm=norm)
    assert solution.margin == pytest.approx(divided.margin, rel=2e-8)
    assert solve_hard_margin(
        X, y, norm=norm, fit_intercept=fit_intercept, class_margins={2: 3.0, 0: 0.5}
    ).margin == pytest.approx(solution.margin, rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_class_scales_are_another_norm(seed):
    # W' = D W has plain margins, and ||W||_F^2 = sum ||w'_k||^2 / D_k^2
    import cvxpy as cp

    from oracles.pair_features import pair_matrix

    X, y = separable(seed, n=30, d=3)
    D = np.array([0.5, 1.0, 3.0])
    solution = solve_hard_margin(X, y, class_scales=D)
    _, A = pair_matrix(X, y, 3)
    V = cp.Variable((3, 3))
    problem = cp.Problem(cp.Minimize(cp.sum_squares(V / D[:, None])), [A @ cp.reshape(V, (9,), order="C") >= 1])
    problem.solve(solver=cp.CLARABEL)
    assert np.allclose(D[:, None] * solution.coef, V.value, atol=1e-5 * np.abs(V.value).max())
    assert solution.margin == pytest.approx(problem.value**-0.5, rel=1e-6)


@pytest.mark.parametrize("norm", NAMES)
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_sparse_rows_give_the_same(norm, fit_intercept):
    X, y = separable(7, n=30, d=4, fit_intercept=fit_intercept)
    rows = sp.csr_matrix(X)
    dense = solve_hard_margin(X, y, norm=norm, fit_intercept=fit_intercept, class_margins=[1, 2, 1])
    sparse = solve_hard_margin(rows, y, norm=norm, fit_intercept=fit_intercept, class_margins=[1, 2, 1])
    assert sparse.margin == pytest.approx(dense.margin, rel=2e-8)
    assert sparse.verify(rows, y, exact=True)
    assert sparse.verify(X, y)
    assert dense.verify(rows, y)


@pytest.mark.parametrize("norm", NAMES)
def test_an_intercept_is_a_column_of_ones(norm):
    X, y = separable(11, n=30, d=3, fit_intercept=True)
    fitted = solve_hard_margin(X, y, norm=norm, fit_intercept=True)
    column = solve_hard_margin(np.column_stack([X, np.ones(30)]), y, norm=norm)
    assert fitted.margin == pytest.approx(column.margin, rel=2e-8)
    assert fitted.coef.shape == (3, 3)
    assert fitted.intercept.shape == (3,)
    assert get_norm(norm).value(fitted.full_coef) == pytest.approx(1 / fitted.margin, rel=2e-8)


@pytest.mark.parametrize("kind", ["array", "list", "pandas", "polars", "float32", "fortran"])
def test_tables_of_any_kind(kind):
    X, y = separable(12, n=20, d=2)
    X = np.round(X, 3)
    labels = np.array(["ant", "bee", "cow"])[y]
    expected = solve_hard_margin(X, labels)
    if kind == "pandas":
        pandas = pytest.importorskip("pandas")
        given_X, given_y = pandas.DataFrame(X, columns=["p", "q"]), pandas.Series(labels, dtype="category")
    elif kind == "polars":
        polars = pytest.importorskip("polars")
        given_X, given_y = polars.DataFrame(X, schema=["p", "q"]), polars.Series(labels.tolist())
    else:
        given_X = {"list": X.tolist(), "float32": X.astype(np.float32), "fortran": np.asfortranarray(X)}.get(kind, X)
        given_y = labels.tolist() if kind == "list" else labels
    solution = solve_hard_margin(given_X, given_y)
    assert solution.margin == pytest.approx(expected.margin, rel=1e-5 if kind == "float32" else 1e-12)
    assert solution.verify(given_X, given_y)
    assert solution.classes.tolist() == ["ant", "bee", "cow"]


@pytest.mark.parametrize("norm", NAMES)
def test_num011_at_the_time_limit_the_bracket_is_still_true(norm, monkeypatch):
    monkeypatch.setattr(hard_margin, "_LEAST_SOLVER_SECONDS", 1e-9)
    X, y = separable(0, n=400, d=10, K=4)
    best = solve_hard_margin(X, y, norm=norm)
    with pytest.raises(NotSolvedError, match=r"wanted, but .* ended with iteration limit") as caught:
        solve_hard_margin(X, y, norm=norm, time_limit=1e-9)
    left = caught.value.solution
    assert left.status == "iteration_limit"
    assert 0.0 <= left.bracket.lower <= best.bracket.upper
    assert left.bracket.upper >= best.bracket.lower
    assert left.verify(X, y)
    assert left.verify(X, y, exact=True)


@pytest.mark.parametrize("norm", NAMES)
@pytest.mark.parametrize("largest", [3, 8])
def test_columns_of_very_different_scale(norm, largest):
    rng = np.random.default_rng(1)
    X, y = separable(1, n=40, d=5)
    scales = 10.0 ** rng.permutation(np.linspace(-largest, largest, 5))
    solution = solve_hard_margin(X * scales, y, norm=norm, raise_on_failure=False)
    # whatever the solver reaches, what is said of it is true
    assert solution.bracket.lower > 0
    assert solution.verify(X * scales, y)
    assert solution.verify(X * scales, y, exact=True)
    if largest == 3:
        assert solution.status == "optimal"


@pytest.mark.parametrize("norm", NAMES)
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_large_columns_decide_beside_tiny_ones(norm, fit_intercept):
    rng = np.random.default_rng(2)
    X, y = separable(2, n=40, d=3)
    wide = np.column_stack([1e8 * X, 1e-8 * rng.standard_normal((40, 2))])
    plain = solve_hard_margin(X, y, norm=norm)
    solution = solve_hard_margin(wide, y, norm=norm, fit_intercept=fit_intercept)
    # ones and the tiny columns are worth a part in 1e8 at most
    assert solution.margin == pytest.approx(1e8 * plain.margin, rel=3e-7 if norm == "max" else 3e-8)
    assert solution.verify(wide, y, exact=True)


def test_num008_inseparable_classes_come_with_their_proof():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 3)), rng.integers(0, 3, 60)
    for norm in NAMES:
        with pytest.raises(NotSeparableError, match=r"separate completely, but .*\(overlap\).* soft margin") as caught:
            solve_hard_margin(X, y, norm=norm, fit_intercept=True)
        assert isinstance(caught.value, ValueError)
        assert caught.value.exit_code == 4
        assert caught.value.certificate.status == "overlap"
        assert caught.value.certificate.verify(X, y, exact=True)


def test_dat014_contradictory_copies_are_the_proof():
    X, y = separable(0, n=20, d=3)
    X, y = np.vstack([X, X[:1]]), np.append(y, (y[0] + 1) % 3)
    with pytest.raises(NotSeparableError) as caught:
        solve_hard_margin(X, y)
    assert caught.value.certificate.conflict == (0, 20)
    assert caught.value.certificate.verify(X, y, exact=True)


@pytest.mark.parametrize("fit_intercept", [False, True])
def test_rows_that_only_tie_have_no_margin(fit_intercept):
    # the origin lies on every plane through it; with an intercept the middle point ties
    X = [[0.0], [1.0], [2.0]] if not fit_intercept else [[0.0], [1.0], [1.0], [2.0]]
    y = [0, 1, 1] if not fit_intercept else [0, 0, 1, 1]
    with pytest.raises(NotSeparableError, match="quasi-complete") as caught:
        solve_hard_margin(X, y, fit_intercept=fit_intercept)
    assert caught.value.certificate.verify(X, y)


def test_dat012_constant_features_have_no_margin():
    with pytest.raises(NotSeparableError):
        solve_hard_margin(np.ones((6, 2)), [0, 1, 2, 0, 1, 2], fit_intercept=True)


def test_a_start_changes_only_the_way():
    X, y = separable(6, n=80, d=4, fit_intercept=True)
    certificate = separability(X, y, fit_intercept=True)
    plain = solve_hard_margin(X, y, fit_intercept=True, class_scales=[1, 2, 3])
    for start in (
        certificate,
        np.column_stack([certificate.direction, certificate.intercept_direction]),
        certificate.direction,
    ):
        started = solve_hard_margin(X, y, fit_intercept=True, class_scales=[1, 2, 3], start=start)
        assert started.status == "optimal"
        assert started.margin == pytest.approx(plain.margin, rel=2e-8)


def test_a_start_that_does_not_separate_is_left_aside(monkeypatch):
    X, y = separable(6, n=30, d=3)
    starts = []
    exact = hard_margin.SOLVERS["frobenius"]
    monkeypatch.setitem(
        hard_margin.SOLVERS, "frobenius", lambda problem: (starts.append(problem.start), exact(problem))[1]
    )
    other = separability(X, np.roll(y, 1), fit_intercept=False)
    assert other.status == "overlap"
    for start in (other, np.zeros((3, 3)), -separability(X, y, fit_intercept=False).direction):
        assert solve_hard_margin(X, y, start=start).status == "optimal"
    assert starts == [None, None, None]


@pytest.mark.parametrize("norm", NAMES)
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("columns", [(1e-99, 1e-99, 1e-99), (1e-150, 1.0, 1e90), (1e-310, 1.0, 1.0)])
def test_at_the_ends_of_the_range_of_numbers_there_is_still_a_proved_bracket(norm, fit_intercept, columns):
    X, y = separable(4, n=20, d=3)
    X = X * columns
    solution = solve_hard_margin(X, y, norm=norm, fit_intercept=fit_intercept, raise_on_failure=False)
    assert solution.status in ("optimal", "inaccurate", "numerical_error", "iteration_limit")
    assert solution.verify(X, y)
    assert solution.verify(X, y, exact=True)
    assert solution.bracket.upper < np.inf
    assert json.loads(json.dumps(solution.to_dict(), allow_nan=False))["status"] == solution.status


def test_the_start_reaches_the_solver_in_its_own_scale(monkeypatch):
    X, y = separable(6, n=30, d=3)
    certificate = separability(X, y, fit_intercept=False)
    seen = []

    def solver(problem):
        seen.append(problem)
        return Solved(problem.start, np.ones(problem.pairs.shape), "optimal", 1, "start")

    monkeypatch.setitem(hard_margin.SOLVERS, "frobenius", solver)
    solve_hard_margin(X, y, start=certificate, class_scales=[1, 2, 3], class_margins=[1, 5, 25], raise_on_failure=False)
    [problem] = seen
    assert problem.margins(problem.start)[problem.pairs].min() > 0
    largest = np.linalg.norm(problem.X, axis=1).max()
    assert 0.5 <= largest < 1.0


# What a solver may hand back when it fails; nothing of it is believed.


def failing(coef=None, weights=None, status="optimal"):
    def solver(problem):
        W = np.zeros(problem.shape) if coef is None else coef(problem)
        alpha = np.zeros(problem.pairs.shape) if weights is None else weights(problem)
        return Solved(W, alpha, status, 3, "a broken solver")

    return solver


BROKEN = {
    "nothing": failing(),
    "not finite": failing(lambda p: np.full(p.shape, np.nan), lambda p: np.full(p.pairs.shape, np.inf)),
    "the wrong side": failing(lambda p: -np.ones(p.shape)),
    "says infeasible": failing(status="infeasible"),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_num009_a_broken_solver_is_not_believed(broken, monkeypatch):
    X, y = separable(2, n=30, d=3)
    best = solve_hard_margin(X, y)
    monkeypatch.setitem(hard_margin.SOLVERS, "frobenius", broken)
    with pytest.raises(
        NotSolvedError, match=r"wanted, but .* ended with numerical error .* raise_on_failure"
    ) as caught:
        solve_hard_margin(X, y)
    # separability still knows a direction, so there is a margin
    left = caught.value.solution
    assert left.status == "numerical_error"
    assert 0 < left.margin <= best.bracket.upper
    assert left.bracket.upper >= best.margin
    assert left.verify(X, y)
    assert left.verify(X, y, exact=True)


def test_a_loose_solution_is_called_inaccurate(monkeypatch):
    X, y = separable(2, n=30, d=3)
    best = solve_hard_margin(X, y)
    exact = hard_margin.SOLVERS["frobenius"]

    size = 1e-6

    def shaken(problem):
        found = exact(problem)
        noise = np.random.default_rng(0).uniform(1 - size, 1 + size, found.coef.shape)
        return Solved(found.coef * noise, found.weights, "optimal", 1, "shaken")

    monkeypatch.setitem(hard_margin.SOLVERS, "frobenius", shaken)
    with pytest.warns(DataQualityWarning, match=r"wanted, but the margin is only known to lie between"):
        solution = solve_hard_margin(X, y)
    assert solution.status == "inaccurate"
    assert solution.margin < best.margin
    assert solution.bracket.upper == pytest.approx(best.bracket.upper, rel=1e-8)
    assert solution.verify(X, y)
    assert solve_hard_margin(X, y, raise_on_failure=False).status == "inaccurate"
    assert solve_hard_margin(X, y, tol=1e-3).status == "optimal"
    size = 1e-2  # beyond use
    with pytest.raises(NotSolvedError, match="numerical error") as caught:
        solve_hard_margin(X, y)
    assert caught.value.solution.margin > 0
    assert caught.value.solution.verify(X, y)


BAD = {
    "one class": (DataError, "at least 2 classes", {"y": ["a"] * 4}),
    "NaN": (DataError, "finite features", {"X": [[0.0], [np.nan], [1.0], [2.0]]}),
    "too large": (DataError, "rescale", {"X": [[0.0], [1e150], [1.0], [2.0]]}),
    "too small": (DataError, "rescale", {"X": np.array([[0.0], [1.0], [1.0], [2.0]]) * 1e-150}),
    "lengths": (DataError, "inconsistent numbers", {"y": ["a", "b"]}),
    "norm": (UsageError, "known are: frobenius, max, sum, spectral, nuclear", {"norm": "l2"}),
    "tol": (UsageError, "tol needs a positive number", {"tol": 0.0}),
    "tol text": (UsageError, "tol needs a positive number", {"tol": "1e-8"}),
    "time": (UsageError, "time_limit needs a positive number", {"time_limit": float("nan")}),
    "unknown label": (UsageError, r"labels of y as keys, but 'c' is none of \['a', 'b'\]", {"class_margins": {"c": 1}}),
    "too few": (UsageError, r"one number for each of the 2 classes.*in the order \['a'", {"class_margins": [1.0]}),
    "negative": (UsageError, "between 1e-12 and 1e\\+12, but got -1", {"class_scales": {"a": -1}}),
    "zero": (UsageError, "but got 0", {"class_scales": [0.0, 1.0]}),
    "not a number": (UsageError, "but got nan", {"class_margins": [np.nan, 1.0]}),
    "text": (UsageError, "class_margins needs a number for each class", {"class_margins": "even"}),
    "start": (DataError, "start of finite numbers and shape", {"start": np.ones((3, 3))}),
    "start NaN": (DataError, "start of finite numbers and shape", {"start": np.full((2, 1), np.nan)}),
}


@pytest.mark.parametrize(("error", "message", "changes"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_meant_is_refused_in_three_parts(error, message, changes):
    given = {"X": [[-2.0], [-1.0], [1.0], [2.0]], "y": ["a", "a", "b", "b"], **changes}
    with pytest.raises(error, match=message) as caught:
        solve_hard_margin(**given)
    assert isinstance(caught.value, ValueError)


def test_nothing_of_the_callers_is_changed():
    X, y = separable(0, n=20, d=2)
    m = np.array([1.0, 2.0, 3.0])
    kept = X.copy(), y.copy(), m.copy()
    for one in (X, y, m):
        one.setflags(write=False)
    solution = solve_hard_margin(X, y, class_margins=m, fit_intercept=True)
    assert all(np.array_equal(a, b) for a, b in zip((X, y, m), kept, strict=True))
    again = solve_hard_margin(X, y, class_margins=m, fit_intercept=True)
    assert np.array_equal(solution.coef, again.coef)
    assert solution.bracket == again.bracket
