"""A margin solution proves its bracket, and a damaged one proves nothing."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from marginscope.certificates.bracket import Bracket
from marginscope.certificates.margin import MarginSolution
from marginscope.exceptions import NotSeparableError
from marginscope.geometry.norms import NORMS
from marginscope.solvers.hard_margin import solve_hard_margin

NAMES = [norm.name for norm in NORMS]


def made_data(seed, *, shifted, n=40, d=4, K=3):
    rng = np.random.default_rng(seed)
    while True:
        X = rng.standard_normal((n, d))
        codes = (X @ rng.standard_normal((d, K)) + shifted * 0.3 * rng.standard_normal(K)).argmax(axis=1)
        if np.bincount(codes, minlength=K).min() > 1:
            return X, np.array(["ant", "bee", "cow", "dog", "eel"])[codes]


# norm, intercept, class margins, class scales
CASES = {
    "frobenius": ("frobenius", False, None, None),
    "frobenius with everything": ("frobenius", True, {"bee": 2.0}, {"ant": 0.5, "cow": 3.0}),
    "max": ("max", True, None, None),
    "sum": ("sum", True, {"cow": 0.25}, None),
    "spectral": ("spectral", True, None, {"bee": 2.0}),
    "nuclear": ("nuclear", True, None, None),
}


@pytest.fixture(scope="module", params=sorted(CASES))
def case(request):
    norm, fit_intercept, margins, scales = CASES[request.param]
    X, y = made_data(5, shifted=fit_intercept)
    solution = solve_hard_margin(
        X, y, norm=norm, fit_intercept=fit_intercept, class_margins=margins, class_scales=scales
    )
    assert solution.status == "optimal"
    return solution, X, y


def test_it_proves_its_bracket_in_floats_and_in_rationals(case):
    solution, X, y = case
    assert solution.verify(X, y)
    assert solution.verify(X, y, exact=True)
    assert solution.bracket.width <= 1e-8
    assert solution.kkt.primal <= 1e-12
    assert solution.kkt.complementarity <= 1e-8
    # of the order of the square root of the gap in the Frobenius norm
    assert solution.kkt.stationarity <= 2e-4


def test_the_figures_are_those_of_the_definition(case):
    solution, X, y = case
    codes = np.searchsorted(solution.classes, y)
    m = np.ones(3) if solution.class_margins is None else solution.class_margins
    D = np.ones(3) if solution.class_scales is None else solution.class_scales
    scores = (X @ solution.coef.T + (0 if solution.intercept is None else solution.intercept)) * D
    u = {(i, k): scores[i, codes[i]] - scores[i, k] for i in range(len(X)) for k in range(3) if k != codes[i]}
    scaled = {(i, k): one / m[codes[i]] for (i, k), one in u.items()}
    assert min(scaled.values()) == pytest.approx(1.0, abs=1e-9)
    assert solution.margin == pytest.approx(1 / solution.norm_value, rel=1e-8)
    weights = solution.dual_weights.toarray()
    support = {(int(i), int(k)) for i, k in solution.support_pairs}
    assert support == {(i, k) for i, k in scaled if weights[i, k] > 0}
    assert max(scaled[pair] for pair in support) == pytest.approx(1.0, abs=1e-5)
    assert solution.nearest_margin == pytest.approx(min(one for pair, one in scaled.items() if pair not in support))
    mass = {pair: weights[pair] * m[codes[pair[0]]] for pair in scaled}
    assert sum(mass.values()) == pytest.approx(solution.norm_value**2)
    for one in solution.pairs:
        a, b = np.searchsorted(solution.classes, [one.own, one.rival])
        held = [pair for pair in scaled if codes[pair[0]] == a and pair[1] == b]
        assert one.smallest_margin == pytest.approx(min(scaled[pair] for pair in held))
        assert one.n_support == sum(pair in support for pair in held)
        assert one.dual_mass == pytest.approx(sum(mass[pair] for pair in held))
    assert solution.per_class.sum() == pytest.approx(1.0)
    for k in range(3):
        own = sum(one for (i, _), one in mass.items() if codes[i] == k)
        assert solution.per_class[k] == pytest.approx(own / sum(mass.values()))


def test_in_the_frobenius_norm_the_multipliers_rebuild_the_coefficients(case):
    solution, X, y = case
    if solution.norm != "frobenius":
        return
    codes = np.searchsorted(solution.classes, y)
    D = np.ones(3) if solution.class_scales is None else solution.class_scales
    Z = X if solution.intercept is None else np.column_stack([X, np.ones(len(X))])
    W = np.zeros((3, Z.shape[1]))
    for i, k in solution.support_pairs:
        W[codes[i]] += solution.dual_weights[i, k] * D[codes[i]] * Z[i]
        W[k] -= solution.dual_weights[i, k] * D[k] * Z[i]
    assert np.allclose(W, solution.full_coef, atol=1e-7 * solution.norm_value)


# A damage changes a field so that something the solution says of the data is no longer true:
# an end of the bracket that is not proved any more, a status that the width contradicts, a
# figure that is not the data's. Changes that leave every claim true (a wider bracket of an
# inaccurate solution, a change below rounding, the name of the method) are none.


def damage_coefficient(s, rng):
    coef = s.coef.copy()
    large = np.argwhere(np.abs(coef) > 1e-2 * np.abs(coef).max())
    k, j = large[rng.integers(len(large))]
    coef[k, j] *= rng.choice([-1.0, 0.0, 0.9, 1.01, 1.5])
    return replace(s, coef=coef)


def damage_coef_as_a_whole(s, rng):
    kind = rng.integers(6)
    if kind == 0:
        return replace(s, coef=-s.coef)
    if kind == 1:
        return replace(s, coef=np.roll(s.coef, 1 + rng.integers(2), axis=0))
    if kind == 2:
        return replace(s, coef=np.zeros_like(s.coef))
    if kind == 3:
        return replace(s, coef=s.coef * rng.choice([0.5, 1.001, 1e9]))  # the worst margin is no longer 1
    if kind == 4:
        return replace(s, coef=s.coef[:, :-1] if rng.random() < 0.5 else s.coef[:-1])
    coef = s.coef.copy()
    coef[rng.integers(len(coef)), rng.integers(coef.shape[1])] = rng.choice([np.nan, np.inf, -np.inf])
    return replace(s, coef=coef)


def damage_intercept(s, rng):
    if s.intercept is None:
        return replace(s, intercept=np.zeros(len(s.classes)))
    kind = rng.integers(5)
    if kind == 0:
        return replace(s, intercept=None)
    if kind == 1:
        return replace(s, intercept=s.intercept[:-1])
    if kind == 2:
        return replace(s, intercept=np.where(np.arange(3) == rng.integers(3), np.nan, s.intercept))
    if kind == 3:
        # beyond what the free pairs leave: all classes apart by one unit of margin
        return replace(s, intercept=s.intercept + rng.permutation([-2.0, 0.0, 2.0]) * (1 + np.abs(s.intercept).max()))
    return replace(s, fit_intercept=False)


def damage_bracket(s, rng):
    lower, upper = s.bracket
    middle = lower + 0.5 * (upper - lower)
    kind = rng.integers(8)
    return replace(
        s,
        bracket=[
            Bracket(upper * (1 + 10.0 ** -rng.integers(1, 9)), upper * 2),  # lower end above the optimum
            Bracket(lower * 0.5, lower * (1 - 10.0 ** -rng.integers(1, 9))),  # upper end below it
            Bracket(lower, lower * (1 - 1e-9)),
            Bracket(upper * (1 + 1e-9), upper * (1 + 2e-9)),
            Bracket(np.nan, upper),
            Bracket(lower, np.nan),
            Bracket(-middle, -middle),
            Bracket(lower * (1 - 1e-6), upper),  # true, but not as narrow as "optimal" says
        ][kind],
    )


def damage_weight(s, rng):
    weights = s.dual_weights.tolil(copy=True)
    heavy = [(i, k) for i, k in s.support_pairs if weights[i, k] > 1e-2 * s.dual_weights.data.max()]
    i, k = heavy[rng.integers(len(heavy))]
    kind = rng.integers(6)
    if kind == 0:
        weights[i, k] = 0.0
    elif kind == 1:
        weights[i, k] *= -1.0
    elif kind == 2:
        weights[i, k] *= rng.choice([0.5, 0.9, 1.1, 2.0])
    elif kind == 3:
        weights[i, k] = rng.choice([np.nan, np.inf])
    elif kind == 4:
        other = (i + 1 + rng.integers(s.n_rows - 1)) % s.n_rows
        weights[i, k], weights[other, k] = weights[other, k], weights[i, k]
    else:
        other = [one for one in range(3) if one != k][rng.integers(2)]
        weights[i, other] += weights[i, k]
        weights[i, k] = 0.0
    return replace(s, dual_weights=sp.csr_array(weights))


def damage_weights_as_a_whole(s, rng):
    kind = rng.integers(5)
    if kind == 0:
        return replace(s, dual_weights=s.dual_weights * rng.choice([0.5, 1.001, -1.0]))
    if kind == 1:
        return replace(s, dual_weights=sp.csr_array(s.dual_weights.toarray()[rng.permutation(s.n_rows)]))
    if kind == 2:
        return replace(s, dual_weights=sp.csr_array(s.dual_weights.shape))
    if kind == 3:
        return replace(s, dual_weights=s.dual_weights[:-1] if rng.random() < 0.5 else s.dual_weights[:, :-1])
    return replace(s, dual_weights=sp.csr_array(np.roll(s.dual_weights.toarray(), 1, axis=1)))


def damage_header(s, rng):
    kind = rng.integers(9)
    if kind == 0:
        return replace(s, norm=str(rng.choice([name for name in (*NAMES, "l2") if name != s.norm])))
    if kind == 1:
        return replace(s, status=str(rng.choice(["inaccurate", "iteration_limit", "infeasible", "good"])))
    if kind == 2:
        return replace(s, n_rows=s.n_rows + rng.choice([-1, 1]))
    if kind == 3:
        return replace(s, n_features=s.n_features + rng.choice([-1, 1]))
    if kind == 4:
        return replace(s, classes=s.classes[[[1, 0, 2], [2, 1, 0], [1, 2, 0]][rng.integers(3)]])
    if kind == 5:
        return replace(
            s, classes=[s.classes[:-1], s.classes[[0, 1, 1]], np.array(["ant", "bee", "fox"])][rng.integers(3)]
        )
    if kind == 6:
        return replace(s, tol=rng.choice([np.nan, 0.0, -1.0, 1e-17]))
    if kind == 7:
        m = np.ones(3) if s.class_margins is None else s.class_margins.copy()
        m[rng.integers(3)] *= rng.choice([0.5, 2.0, -1.0, np.nan])
        return replace(s, class_margins=m)
    D = np.ones(3) if s.class_scales is None else s.class_scales.copy()
    D[rng.integers(3)] *= rng.choice([0.5, 2.0, -1.0, np.inf])
    return replace(s, class_scales=D)


def damage_figures(s, rng):
    kind = rng.integers(7)
    table, kkt = s.table, s.kkt
    a, b = rng.permutation(3)[:2]
    if kind == 0:
        margins = table.margins.copy()
        margins[a, b] *= rng.choice([0.999, 1.001, np.nan, np.inf])
        return replace(s, table=table._replace(margins=margins))
    if kind == 1:
        supports = table.supports.copy()
        supports[a, b] += rng.choice([-1, 1])
        return replace(s, table=table._replace(supports=supports))
    if kind == 2:
        mass = table.mass.copy()
        mass[a, b] += 1e-3 * mass.sum()
        return replace(s, table=table._replace(mass=mass))
    if kind == 3:
        return replace(s, table=table._replace(nearest=table.nearest * rng.choice([0.99, 1.01, np.nan, -1.0])))
    if kind == 4:
        name = str(rng.choice(kkt._fields))
        return replace(s, kkt=kkt._replace(**{name: rng.choice([-1e-3, 1e-3, np.nan])}))
    if kind == 5:
        return replace(s, own_codes=np.roll(s.own_codes, 1 + rng.integers(3)))
    return replace(s, **{str(rng.choice(["table", "kkt"])): None})


DAMAGES = [
    damage_coefficient,
    damage_coef_as_a_whole,
    damage_intercept,
    damage_bracket,
    damage_weight,
    damage_weights_as_a_whole,
    damage_header,
    damage_figures,
]


def check_damage(solution, X, y, seed, trials, exact):
    rng = np.random.default_rng(seed)
    for trial in range(trials):
        damage = DAMAGES[trial % len(DAMAGES)]
        broken = damage(solution, rng)
        assert not broken.verify(X, y, exact=exact), (trial, damage.__name__)


def test_damaged_solutions_are_rejected(case):
    check_damage(*case, seed=1, trials=56, exact=False)


def test_damaged_solutions_are_rejected_in_rationals(case):
    check_damage(*case, seed=2, trials=16, exact=True)


@pytest.mark.slow
def test_a_thousand_damaged_solutions_are_rejected(case):
    # 6 cases: 1,020 in floats and 1,020 in rationals
    check_damage(*case, seed=3, trials=170, exact=False)
    check_damage(*case, seed=4, trials=170, exact=True)


def test_a_bracket_too_wide_for_an_answer_is_not_inaccurate(case):
    solution, X, y = case
    lower, upper = solution.bracket
    for factor, accepted in ((1 - 5e-5, True), (1 - 2e-4, False)):
        wider = replace(solution, status="inaccurate", bracket=Bracket(lower * factor, upper))
        wider = replace(wider, kkt=solution.kkt._replace(gap=wider.bracket.width))
        assert wider.verify(X, y) is accepted
        assert replace(wider, status="iteration_limit").verify(X, y)


@pytest.mark.parametrize("norm", NAMES)
def test_sums_below_the_range_of_floats_are_not_taken_for_zero(norm):
    X, y = np.array([[1.0], [-1.0]]), np.array([0, 1])
    weights = sp.csr_array(np.array([[0.0, 1e-130], [1e-130, 0.0]]))
    solution = replace(
        solve_hard_margin(X, y, norm=norm),
        status="numerical_error",
        coef=np.zeros((2, 1)),
        table=None,
        kkt=None,
        class_scales=np.array([1e-200, 1e-200]),
        dual_weights=weights,
    )
    # the largest margin is of the order of 1e-200
    assert not replace(solution, bracket=Bracket(0.0, 0.0)).verify(X, y)
    assert not replace(solution, bracket=Bracket(0.0, 1e-210)).verify(X, y)
    assert replace(solution, bracket=Bracket(0.0, 1e-180)).verify(X, y)


def test_numbers_beyond_the_range_of_floats_prove_nothing(case):
    solution, X, y = case
    assert not replace(solution, coef=np.full_like(solution.coef, 1.7e308)).verify(X, y)
    weights = solution.dual_weights.copy()
    weights.data[:] = 1.7e308
    assert not replace(solution, dual_weights=weights).verify(X, y)


def test_no_rows_prove_nothing(case):
    solution, X, _ = case
    empty = replace(
        solution, n_rows=0, own_codes=np.zeros(0, np.intp), dual_weights=sp.csr_array((0, len(solution.classes)))
    )
    assert not empty.verify(X[:0], [])


def test_it_proves_nothing_about_other_data(case):
    solution, X, y = case
    rng = np.random.default_rng(9)
    for exact in (False, True):
        for _ in range(6):
            other = y.copy()
            i = rng.integers(len(y))
            other[i] = [one for one in solution.classes if one != y[i]][rng.integers(2)]
            assert not solution.verify(X, other, exact=exact)
            moved = X.copy()
            row = solution.support_pairs[rng.integers(len(solution.support_pairs)), 0]
            moved[row] *= rng.choice([-1.0, 0.5, 2.0])
            assert not solution.verify(moved, y, exact=exact)
        assert not solution.verify(X[:-1], y[:-1], exact=exact)
        assert not solution.verify(X[:, 1:], y, exact=exact)
        assert not solution.verify(X * 1.001, y, exact=exact)
        assert not solution.verify(np.where(np.arange(X.size).reshape(X.shape) == 3, np.nan, X), y, exact=exact)
        assert not solution.verify(X, np.array(["unknown"] * len(y)), exact=exact)
        assert not solution.verify(X[0], y, exact=exact)
        assert not solution.verify([["a"] * X.shape[1]] * len(X), y, exact=exact)


OTHER_MACHINES = {
    "old BLAS": {"OPENBLAS_CORETYPE": "Prescott"},
    "middle BLAS": {"OPENBLAS_CORETYPE": "Sandybridge"},
    "no vector units": {"NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3", "OPENBLAS_CORETYPE": "Prescott"},
    "two threads": {"OPENBLAS_NUM_THREADS": "2"},
}
VERDICTS = """
import pickle, sys
for solution, X, y in pickle.load(open(sys.argv[1], "rb")):
    print(solution.verify(X, y), solution.verify(X, y, exact=True))
"""


@pytest.mark.slow
@pytest.mark.parametrize("machine", OTHER_MACHINES.values(), ids=OTHER_MACHINES.keys())
def test_the_verdict_does_not_depend_on_the_machine(case, machine, tmp_path):
    solution, X, y = case
    tightened = replace(solution, bracket=Bracket(solution.bracket.upper * (1 + 1e-12), solution.bracket.upper * 2))
    (tmp_path / "claims").write_bytes(pickle.dumps([(solution, X, y), (tightened, X, y)]))
    done = subprocess.run(
        [sys.executable, "-c", VERDICTS, str(tmp_path / "claims")],
        env={**os.environ, **machine},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["True", "True", "False", "False"]


def test_frames_lists_and_sparse_rows_verify_alike(case):
    pandas = pytest.importorskip("pandas")
    solution, X, y = case
    for features, labels in (
        (X.tolist(), y.tolist()),
        (pandas.DataFrame(X), pandas.Series(y)),
        (sp.csr_matrix(X), y),
        (sp.coo_array(X), y.astype(object)),
    ):
        assert solution.verify(features, labels)
        assert solution.verify(features, labels, exact=True)


def test_it_is_read_as_text_table_and_json(case):
    solution, _, _ = case
    assert "largest" in str(solution)
    assert solution.norm in str(solution)
    assert all(str(label) in str(solution) for label in solution.classes)
    document = json.loads(json.dumps(solution.to_dict(), allow_nan=False))
    assert document["schema"] == "marginscope.margin/1"
    assert document["bracket"] == list(solution.bracket)
    assert np.array(document["coef"]).tolist() == solution.coef.tolist()
    assert len(document["dual_weights"]) == len(solution.support_pairs)
    assert document["pair_margins"][0][0] is None
    frame = solution.frame()
    assert len(frame) == 6
    assert sorted(frame) == ["class", "dual_mass", "rival", "smallest_margin", "support_pairs"]


@pytest.mark.parametrize(
    ("beyond", "sentence"),
    [
        (0.5, "The next pair has 1.5 times their margin."),
        (1e-3, "The next pair has 1.001 times their margin."),
        (3e-5, "The margin of the next pair is within 3e-05 of theirs."),
        (-2e-9, "The margin of the next pair is within 2e-09 of theirs."),
        (0.0, "The next pair has the same margin."),
        (np.inf, None),
    ],
)
def test_a_next_pair_barely_beyond_is_told_by_its_excess(case, beyond, sentence):
    solution, _, _ = case
    said = str(replace(solution, table=solution.table._replace(nearest=1.0 + beyond))).splitlines()
    assert [line for line in said if "next pair" in line] == ([] if sentence is None else [sentence])


def test_a_refuted_margin_verifies_by_its_refutation():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 2)), rng.integers(0, 3, 40)
    with pytest.raises(NotSeparableError) as caught:
        solve_hard_margin(X, y, fit_intercept=True)
    assert caught.value.certificate.verify(X, y, exact=True)
    solution = solve_hard_margin(X, y, fit_intercept=True, raise_on_failure=False)
    assert isinstance(solution, MarginSolution)
    assert solution.status == "infeasible"
    assert solution.bracket.lower == 0.0
    assert solution.bracket.upper < 1e-12
    assert not solution.coef.any()
    assert solution.verify(X, y)
    assert solution.verify(X, y, exact=True)
    assert not replace(solution, refutation=None).verify(X, y)
    assert not replace(solution, fit_intercept=False).verify(X, y)
    assert not replace(solution, coef=np.ones((3, 2))).verify(X, y)
    assert not replace(solution, bracket=Bracket(0.1, 0.2)).verify(X, y)
    assert not solution.verify(X, np.roll(y, 1))
    assert not solution.verify(X + rng.standard_normal(X.shape), y)
    document = json.loads(json.dumps(solution.to_dict(), allow_nan=False))
    assert document["coef"] is None
    assert document["margin"] is None
    assert document["refutation"]["status"] == "overlap"
    assert len(solution.frame()) == 0
    assert "do not separate" in str(solution)


def test_an_upper_end_alone_is_proved_too():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 2)), rng.integers(0, 3, 40)
    solution = solve_hard_margin(X, y, fit_intercept=True, raise_on_failure=False)
    open_end = replace(solution, status="numerical_error", refutation=None)
    assert open_end.verify(X, y)
    assert open_end.verify(X, y, exact=True)
    for exact in (False, True):
        tightened = Bracket(0.0, solution.bracket.upper * 1e-3)
        assert not replace(open_end, bracket=tightened).verify(X, y, exact=exact)
        assert not replace(solution, bracket=tightened).verify(X, y, exact=exact)
        assert not replace(open_end, dual_weights=solution.dual_weights[::-1]).verify(X, y, exact=exact)
        assert not replace(open_end, status="optimal").verify(X, y, exact=exact)
