"""What every template owes: being in TEMPLATES means being held to this."""

import importlib
import pickle
import pkgutil

import mpmath as mp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import marginscope.losses as losses
from marginscope.geometry.label_code import margins_of_scores
from marginscope.losses import TEMPLATES, Template
from oracles import templates as oracle
from oracles.loss_cases import CASES, label, margins, parameters

every_case = pytest.mark.parametrize("one", CASES, ids=label)
EPS = np.finfo(float).eps

# both ends, mixtures of them, and ties
EXTREME = np.array(
    [
        [800.0, 801.0, 900.0],
        [800.0, -800.0, 0.0],
        [-800.0, -800.5, -799.0],
        [1e4, 1e4, 1e4],
        [-1e4, 0.0, 1e4],
        [0.0, 0.0, 0.0],
        [36.0, 38.0, 40.0],
        [-1e4, -1e4, -1e4],
    ]
)


def reachable(one: Template) -> np.ndarray:
    return EXTREME[EXTREME.min(axis=1) >= one.lowest_margin]


def exact_logs(one: Template, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return log psi, log |q| and the sign of q from the oracle."""
    with mp.workdps(60):
        psi = [oracle.psi(one.name, row, **parameters(one)) for row in rows]
        q = [oracle.q(one.name, row, **parameters(one)) for row in rows]
        log_psi = [float(mp.log(x)) if x > 0 else -np.inf for x in psi]
        log_q = [[float(mp.log(abs(x))) if x else -np.inf for x in row] for row in q]
        return np.array(log_psi), np.array(log_q), np.array([[float(mp.sign(x)) for x in row] for row in q])


# The registry


def test_every_template_of_the_folder_is_listed():
    found = set()
    for module in pkgutil.iter_modules(losses.__path__):
        loaded = importlib.import_module(f"marginscope.losses.{module.name}")
        own = [x for x in vars(loaded).values() if isinstance(x, type) and x.__module__ == loaded.__name__]
        found |= {x for x in own if issubclass(x, Template) and not x.__abstractmethods__}
    assert found == {type(one) for one in TEMPLATES}


def test_names_are_the_contract():
    assert sorted(losses.names()) == sorted(
        [
            "cross_entropy",
            "exponential",
            "pair_logistic",
            "gamma_phi",
            "crammer_singer",
            "weston_watkins",
            "squared_weston_watkins",
            "smooth_weston_watkins",
            "sparsemax",
            "entmax",
            "focal",
            "label_smoothing",
            "polynomial",
            "mae",
            "squared_margin",
        ]
    )


@pytest.mark.parametrize("one", TEMPLATES, ids=label)
def test_a_template_is_found_by_its_name_and_lives_in_a_file_of_that_name(one):
    assert losses.get(one.name) is one
    assert type(one).__module__ == f"marginscope.losses.{one.name}"


@every_case
def test_a_template_survives_pickling(one):
    again = pickle.loads(pickle.dumps(one))
    assert again == one
    u = margins(1, 5, 3)
    np.testing.assert_array_equal(again.log_weights(u), one.log_weights(u))
    assert pickle.loads(pickle.dumps(one.facts)) == one.facts


def test_the_made_up_margins_vary():
    u = margins(0, 200, 3)
    assert len(np.unique(u)) == u.size
    assert (u < 0).any()
    assert ((u > 0) & (u < 1)).any()
    assert (u.min(axis=1) > 1).any()
    assert not np.array_equal(u, margins(1, 200, 3))
    assert len({label(one) for one in CASES}) == len(CASES)


# The oracle itself: its q is the derivative of its psi


@every_case
def test_the_weights_of_the_oracle_are_the_slopes_of_its_values(one):
    with mp.workdps(30):
        for row in margins(2, 4, 3):
            point = [mp.mpf(x) for x in row]
            for j, weight in enumerate(oracle.q(one.name, row, **parameters(one))):
                order = tuple(int(k == j) for k in range(3))
                slope = mp.diff(lambda *u: oracle.psi(one.name, u, **parameters(one)), point, order)
                assert abs(slope + weight) < 1e-12


# Values and weights


@every_case
@pytest.mark.parametrize("n_rivals", [1, 2, 6])
def test_values_and_weights_agree_with_the_oracle(one, n_rivals):
    u = margins(3, 12, n_rivals)
    log_psi, log_q, signs = exact_logs(one, u)
    np.testing.assert_allclose(one.value(u), np.exp(log_psi), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(one.weights(u), signs * np.exp(log_q), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(one.log_value(u), log_psi, rtol=1e-12, atol=1e-12)


@every_case
def test_log_and_plain_forms_agree(one):
    u = margins(4, 3, 20, 4)
    np.testing.assert_allclose(np.exp(one.log_value(u)), one.value(u), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(one.weight_signs(u) * np.exp(one.log_weights(u)), one.weights(u), rtol=1e-13)
    assert one.value(u).shape == one.log_value(u).shape == (3, 20)
    assert one.weights(u).shape == one.log_weights(u).shape == one.weight_signs(u).shape == u.shape


@every_case
def test_logarithms_are_exact_at_extreme_margins(one):
    rows = reachable(one)
    log_psi, log_q, signs = exact_logs(one, rows)
    np.testing.assert_allclose(one.log_value(rows), log_psi, rtol=8 * EPS, atol=8 * EPS)
    np.testing.assert_allclose(one.log_weights(rows), log_q, rtol=8 * EPS, atol=8 * EPS)
    nonzero = np.isfinite(log_q)
    np.testing.assert_array_equal(one.weight_signs(rows)[nonzero], signs[nonzero])


@every_case
def test_logarithms_stay_exact_on_the_way_out(one):
    least = max(-50.0, one.lowest_margin)
    rng = np.random.default_rng(5)
    u = np.concatenate([rng.uniform(least, 60.0, size=(25, 3)), rng.uniform(0.0, 45.0, size=(25, 3))])
    log_psi, log_q, _ = exact_logs(one, u)
    sure = np.isfinite(log_q) & (log_q > -200 if one.facts.tail == "zero" else True)
    # near the border of the support the weight itself depends on the margin with any condition number
    tolerance = 1e-9 if one.facts.tail in ("zero", "negative") else 16 * EPS
    np.testing.assert_allclose(one.log_weights(u)[sure], log_q[sure], rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(one.log_value(u), log_psi, rtol=tolerance, atol=tolerance)


# Symmetry


@every_case
@given(st.lists(st.floats(-20, 20), min_size=3, max_size=3), st.permutations(range(3)))
@settings(max_examples=25, deadline=None)
def test_the_order_of_the_rivals_does_not_matter(one, row, order):
    u = np.array([row])
    swapped = u[:, list(order)]
    np.testing.assert_allclose(one.value(swapped), one.value(u), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(one.weights(swapped), one.weights(u)[:, list(order)], rtol=1e-9, atol=1e-12)


@every_case
def test_the_loss_is_permutation_equivariant_and_ignores_a_shift(one):
    rng = np.random.default_rng(6)
    v, y = rng.normal(size=(30, 4)), rng.integers(0, 4, 30)
    plain = one.value(margins_of_scores(v, y))
    order = rng.permutation(4)
    moved = np.empty_like(v)
    moved[:, order] = v
    np.testing.assert_allclose(one.value(margins_of_scores(moved, order[y])), plain, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(one.value(margins_of_scores(v + 3.0, y)), plain, rtol=1e-12, atol=1e-13)
    gone = np.array([one.value(v[[i], [k]] - np.delete(v[i], k)) for i, k in enumerate(y)])
    np.testing.assert_allclose(gone, plain, rtol=1e-12, atol=1e-14)


# Derivatives


@every_case
def test_weights_are_the_slopes_of_the_value(one):
    u = margins(7, 50, 3)
    h = 1e-6
    for j, e in enumerate(np.eye(3)):
        slope = (one.value(u + h * e) - one.value(u - h * e)) / (2 * h)
        np.testing.assert_allclose(one.weights(u)[:, j], -slope, rtol=1e-7, atol=2e-9)


@every_case
def test_hessian_products_are_the_slopes_of_the_weights(one):
    u, v = margins(8, 50, 3), margins(9, 50, 3)
    h = 1e-7
    slope = (one.weights(u - h * v) - one.weights(u + h * v)) / (2 * h)
    scale = 1.0 + np.abs(slope).max()
    np.testing.assert_allclose(one.hessian_product(u, v), slope, rtol=1e-6, atol=1e-7 * scale)


@every_case
def test_hessian_products_are_symmetric_and_linear(one):
    u, v, w = margins(10, 20, 4), margins(11, 20, 4), margins(12, 20, 4)
    left, right = (w * one.hessian_product(u, v)).sum(-1), (v * one.hessian_product(u, w)).sum(-1)
    np.testing.assert_allclose(left, right, rtol=1e-8, atol=1e-8)
    both = one.hessian_product(u, 2.0 * v - w)
    np.testing.assert_allclose(both, 2.0 * one.hessian_product(u, v) - one.hessian_product(u, w), rtol=1e-8, atol=1e-8)
    assert not one.hessian_product(u, np.zeros_like(v)).any()


@every_case
def test_torch_computes_and_differentiates_the_value(one):
    u = margins(13, 5, 20, 3)
    at = torch.tensor(u, requires_grad=True)
    value = one.value(at, torch)
    np.testing.assert_allclose(value.detach().numpy(), one.value(u), rtol=1e-13, atol=1e-14)
    (slope,) = torch.autograd.grad(value.sum(), at)
    expected = one.weight_signs(u) * np.exp(one.log_weights(u))
    np.testing.assert_allclose(-slope.numpy(), expected, rtol=1e-10, atol=1e-14)


@every_case
def test_torch_differentiates_where_margins_tie(one):
    at = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(one.value(at, torch).sum(), at)
    np.testing.assert_allclose(-slope.numpy(), one.weights(np.zeros((2, 3))), rtol=1e-12)


@every_case
def test_torch_differentiates_at_extreme_margins(one):
    rows = reachable(one)
    if one.name == "exponential":
        rows = rows[rows.min(axis=1) > -700]
    at = torch.tensor(rows, requires_grad=True)
    (slope,) = torch.autograd.grad(one.value(at, torch).sum(), at)
    np.testing.assert_allclose(-slope.numpy(), one.weights(rows), rtol=1e-10, atol=1e-14)


@every_case
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
def test_hessian_products_agree_with_torch(one):
    u, v = margins(14, 40, 3), margins(15, 40, 3)
    gradient = torch.func.grad(lambda at: one.value(at, torch).sum())
    _, product = torch.func.jvp(gradient, (torch.tensor(u),), (torch.tensor(v),))
    tolerance = 1e-8 if one.name == "gamma_phi" else 1e-11
    np.testing.assert_allclose(one.hessian_product(u, v), product.numpy(), rtol=tolerance, atol=tolerance)


@every_case
@pytest.mark.parametrize("n_rivals", [1, 4])
def test_what_is_computed_together_agrees_with_what_is_computed_alone(one, n_rivals):
    u, v = margins(17, 6, 5, n_rivals), margins(18, 6, 5, n_rivals)
    value, weights = one.value_and_weights(u)
    np.testing.assert_allclose(value, one.value(u), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(weights, one.weights(u), rtol=1e-13)
    product = one.hessian_at(u)
    np.testing.assert_array_equal(product(v), one.hessian_product(u, v))
    np.testing.assert_array_equal(product(2.0 * v), one.hessian_product(u, 2.0 * v))


@every_case
def test_torch_has_second_derivatives_at_extreme_margins(one):
    if one.facts.smoothness == 0:
        return
    rows = reachable(one)
    rows = rows[rows.min(axis=1) > -700] if one.name == "exponential" else rows
    at, v = torch.tensor(rows, requires_grad=True), torch.tensor([1.0, -0.3, 0.2], dtype=torch.float64)
    (slope,) = torch.autograd.grad(one.value(at, torch).sum(), at, create_graph=True)
    (product,) = torch.autograd.grad((slope * v).sum(), at)
    expected = one.hessian_product(rows, np.broadcast_to(v.numpy(), rows.shape))
    tolerance = 1e-8 if one.name == "gamma_phi" else 1e-12
    np.testing.assert_allclose(product.numpy(), expected, rtol=tolerance, atol=tolerance)


# The tail form


@every_case
@pytest.mark.parametrize("n_rivals", [1, 3])
def test_the_tail_form_is_the_template_where_it_says_so(one, n_rivals):
    form = one.tail_form
    assert form is not None
    start = max(one.tail_form_from, -2.0)
    u = start + np.random.default_rng(16).uniform(1e-6, 5.0, size=(30, n_rivals))
    assert one.tail_form_from == -np.inf or (u.min(axis=1) < start + 1.0).any()
    z = np.exp(-u)
    kind = type(form).__name__
    if kind == "SumOfParts":
        phi = sum(form.part(z[:, j], np) for j in range(n_rivals))
    elif kind == "FunctionOfSum":
        phi = form.outer(sum(z[:, j] if form.inner is None else form.inner(z[:, j], np) for j in range(n_rivals)), np)
    else:
        phi = form.joint([z[:, j] for j in range(n_rivals)], np)
    np.testing.assert_allclose(phi, one.value(u), rtol=1e-12, atol=1e-14)


@every_case
def test_the_tail_form_holds_no_further_than_it_must(one):
    if one.tail_form_from == -np.inf:
        return
    u = np.full((1, 2), one.tail_form_from - 0.05)
    form = one.tail_form
    assert abs(form.part(np.exp(-u), np).sum() - one.value(u)[0]) > 1e-13


def test_every_kind_of_form_is_in_use():
    assert {type(one.tail_form).__name__ for one in TEMPLATES} == {"SumOfParts", "FunctionOfSum", "JointForm"}


@pytest.mark.parametrize("template", TEMPLATES, ids=losses.names())
@pytest.mark.parametrize("face", ["value", "log_value", "weights", "log_weights"])
def test_every_answer_is_in_double_precision(face: str, template: losses.Template) -> None:
    """The logarithm of a boolean array, for one, is in half precision."""
    margins = np.random.default_rng(0).normal(size=(3, 2))
    assert np.asarray(getattr(template, face)(margins)).dtype == np.float64
