"""Every loss in torch against NumPy, finite differences and torch's own cross-entropy."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from marginscope import losses
from marginscope.exceptions import UsageError
from marginscope.geometry.label_code import scores_of_weights
from marginscope.losses import TEMPLATES, Template
from marginscope.losses.adjust import Adjustment
from marginscope.torch import functional
from marginscope.torch.functional import template_loss
from oracles.loss_cases import CASES, label, parameters

every_case = pytest.mark.parametrize("one", CASES, ids=label)
every_template = pytest.mark.parametrize("one", TEMPLATES, ids=losses.names())
every_reduction = pytest.mark.parametrize("reduction", ["none", "sum", "mean", "mean_over_rows"])

K = 4
M, D = np.array([1.0, 1.5, 2.5, 0.7]), np.array([1.0, 0.8, 0.5, 1.3])
SHIFTS, OWN, OMEGA = np.array([0.3, -0.4, 0.0, 1.0]), np.array([0.1, 0.5, 0.2, 0.0]), np.array([1.0, 2.0, 5.0, 0.5])
# keywords of torch, and the same in NumPy
ADJUSTMENTS = {
    "nothing": ({}, Adjustment()),
    "weight": ({"weight": OMEGA}, Adjustment(class_weights=OMEGA)),
    "class margins": ({"class_margins": M}, Adjustment(margins=M)),
    "class scales": ({"class_scales": D}, Adjustment(scales=D)),
    "shifts": ({"shifts": SHIFTS}, Adjustment(shifts=SHIFTS)),
    "own shifts": ({"own_shifts": OWN}, Adjustment(own_shifts=OWN)),
    "all": (
        {"weight": OMEGA, "class_margins": M, "class_scales": D, "shifts": SHIFTS, "own_shifts": OWN},
        Adjustment(class_weights=OMEGA, margins=M, scales=D, shifts=SHIFTS, own_shifts=OWN),
    ),
}
every_adjustment = pytest.mark.parametrize("name", ADJUSTMENTS)


def made_up(seed: int, n: int = 12, scale: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return scale * rng.normal(size=(n, K)), rng.permutation(np.arange(n) % K)


def numpy_face(one: Template, v: np.ndarray, y: np.ndarray, adjustment: Adjustment) -> tuple[np.ndarray, np.ndarray]:
    """Return loss and gradient in the scores of every row."""
    u = adjustment.adjusted_margins(v, y)
    omega = np.exp(adjustment.log_sample_weights(y))
    margins = np.ones(K) if adjustment.margins is None else adjustment.margins
    scales = np.ones(K) if adjustment.scales is None else adjustment.scales
    # minus the gradient in u, back to scores: e_y - e_k for every rival
    slopes = -scores_of_weights(one.weights(u) * (omega / margins[y])[:, None], y) * scales
    return omega * one.value(u), slopes


# NumPy


@every_case
@every_adjustment
def test_values_and_gradients_are_those_of_numpy(one, name):
    keywords, adjustment = ADJUSTMENTS[name]
    v, y = made_up(1)
    expected, slopes = numpy_face(one, v, y, adjustment)
    at = torch.tensor(v, requires_grad=True)
    found = template_loss(one, at, torch.tensor(y), reduction="none", **keywords)
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-12, atol=1e-12)
    found.sum().backward()
    np.testing.assert_allclose(at.grad.numpy(), slopes, rtol=1e-12, atol=1e-12)


@every_template
def test_single_precision_is_near_double(one):
    keywords, _ = ADJUSTMENTS["all"]
    v, y = made_up(2)
    found = []
    for dtype in (torch.float32, torch.float64):
        at = torch.tensor(v, dtype=dtype, requires_grad=True)
        loss = template_loss(one, at, torch.tensor(y), **keywords)
        loss.backward()
        assert loss.dtype == at.grad.dtype == dtype
        found.append((loss.item(), at.grad.double().numpy()))
    assert found[0][0] == pytest.approx(found[1][0], rel=2e-5)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=2e-4, atol=2e-5)


@every_template
def test_a_function_of_its_name_is_the_template(one):
    v, y = (torch.tensor(x) for x in made_up(3))
    given = parameters(one)
    assert torch.equal(getattr(functional, one.name)(v, y, **given), template_loss(one, v, y))


@every_case
def test_parameters_are_passed_on(one):
    v, y = (torch.tensor(x) for x in made_up(4))
    found = getattr(functional, one.name)(v, y, reduction="sum", **parameters(one))
    assert found.item() == pytest.approx(numpy_face(one, v.numpy(), y.numpy(), Adjustment())[0].sum(), rel=1e-12)


# Finite differences


@every_case
@every_reduction
def test_gradients_are_the_slopes_of_the_loss(one, reduction):
    keywords, _ = ADJUSTMENTS["all"]
    v, y = made_up(5, n=5)
    target = torch.tensor(y)
    target[2] = -100
    at = torch.tensor(v, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda scores: template_loss(one, scores, target, reduction=reduction, **keywords), (at,)
    )


@every_case
@pytest.mark.parametrize("name", ["nothing", "all"])
def test_gradients_under_probabilities_are_the_slopes_of_the_loss(one, name):
    v, _ = made_up(6, n=3)
    p = np.random.default_rng(6).dirichlet(np.ones(K), size=3)
    at, target = torch.tensor(v, requires_grad=True), torch.tensor(p, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda scores, to: template_loss(one, scores, to, **ADJUSTMENTS[name][0]), (at, target)
    )


@every_case
def test_second_derivatives_are_the_slopes_of_the_gradient(one):
    if one.facts.smoothness == 0:
        pytest.skip("the hinges have kinks")
    keywords, _ = ADJUSTMENTS["all"]
    v, y = made_up(7, n=3)
    at = torch.tensor(v, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda scores: template_loss(one, scores, torch.tensor(y), **keywords), (at,))


@pytest.mark.parametrize("name", ["weight", "class_margins", "class_scales", "shifts", "own_shifts"])
def test_class_vectors_can_be_learned(name):
    v, y = (torch.tensor(x) for x in made_up(8, n=5))
    vector = torch.tensor(ADJUSTMENTS["all"][0][name], requires_grad=True)
    assert torch.autograd.gradcheck(lambda one: functional.cross_entropy(v, y, **{name: one}), (vector,))


# torch's own


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("ignore_index", [-100, 1])
@pytest.mark.parametrize("weight", [None, torch.tensor(OMEGA)], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("shape", [(12, K), (5, K, 2, 3), (K,)], ids=str)
def test_cross_entropy_is_that_of_torch(shape, weight, ignore_index, reduction):
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(shape, dtype=torch.float64, generator=generator, requires_grad=True)
    target = torch.randint(0, K, (*shape[:1], *shape[2:]) if len(shape) > 1 else (), generator=generator)
    if target.ndim == 0:
        target.fill_(2)
    options = {"weight": weight, "ignore_index": ignore_index, "reduction": reduction}
    ours, own = (
        functional.cross_entropy(scores, target, **options),
        nn.functional.cross_entropy(scores, target, **options),
    )
    torch.testing.assert_close(ours, own, rtol=1e-12, atol=1e-14)
    slopes = [torch.autograd.grad(loss.sum(), scores)[0] for loss in (ours, own)]
    torch.testing.assert_close(*slopes, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("weight", [None, torch.tensor(OMEGA)], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("shape", [(12, K), (5, K, 2, 3), (K,)], ids=str)
def test_cross_entropy_of_probabilities_is_that_of_torch(shape, weight, reduction):
    generator = torch.Generator().manual_seed(1)
    scores = torch.randn(shape, dtype=torch.float64, generator=generator, requires_grad=True)
    target = torch.rand(shape, dtype=torch.float64, generator=generator).softmax(0 if len(shape) == 1 else 1)
    options = {"weight": weight, "reduction": reduction}
    ours, own = (
        functional.cross_entropy(scores, target, **options),
        nn.functional.cross_entropy(scores, target, **options),
    )
    torch.testing.assert_close(ours, own, rtol=1e-12, atol=1e-14)
    slopes = [torch.autograd.grad(loss.sum(), scores)[0] for loss in (ours, own)]
    torch.testing.assert_close(*slopes, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("as_probabilities", [False, True])
def test_label_smoothing_is_that_of_torch(as_probabilities, reduction):
    v, y = (torch.tensor(x) for x in made_up(9))
    target = nn.functional.one_hot(y, K).double() if as_probabilities else y
    own = nn.functional.cross_entropy(v, target, label_smoothing=0.2, reduction=reduction)
    found = functional.label_smoothing(v, target, eps=0.2, reduction=reduction)
    torch.testing.assert_close(found, own, rtol=1e-12, atol=1e-14)


def test_weighted_label_smoothing_of_torch_is_cross_entropy_of_the_smoothed_distribution():
    # torch weights the smoothed share of every class by that class: not omega_y psi
    v, y = (torch.tensor(x) for x in made_up(10))
    weight = torch.tensor(OMEGA)
    own = nn.functional.cross_entropy(v, y, label_smoothing=0.2, weight=weight, reduction="none")
    smoothed = 0.8 * nn.functional.one_hot(y, K).double() + 0.2 / K
    torch.testing.assert_close(functional.cross_entropy(v, smoothed, weight=weight, reduction="none"), own)
    ours = functional.label_smoothing(v, y, eps=0.2, weight=weight, reduction="none")
    torch.testing.assert_close(ours, functional.label_smoothing(v, y, eps=0.2, reduction="none") * weight[y])


# Extreme scores

FAR = torch.tensor(
    [
        [800.0, 0.0, 0.0, 0.0],
        [-800.0, 0.0, 0.0, 0.0],
        [0.0, 800.0, -800.0, 0.0],
        [0.0, 800.0, 800.0, 800.0],
        [800.0, 800.0, 0.0, -800.0],
        [0.0, 0.0, 0.0, 0.0],
        [400.0, -400.0, -400.0, -400.0],
        [-400.0, 400.0, 400.0, -400.0],
    ]
)


@every_case
@every_reduction
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_margins_of_eight_hundred_give_numbers(one, reduction, dtype):
    at = FAR.to(dtype, copy=True).requires_grad_()
    loss = template_loss(one, at, torch.zeros(len(FAR), dtype=torch.long), reduction=reduction)
    assert not loss.isnan().any()
    loss.sum().backward()
    assert not at.grad.isnan().any()
    if one.name != "exponential":
        assert loss.isfinite().all()
        assert at.grad.isfinite().all()


@every_case
def test_gradients_at_margins_of_eight_hundred_are_those_of_numpy(one):
    far = FAR[(FAR[:, :1] - FAR).amin(1) > -700] if one.name in ("exponential", "gamma_phi") else FAR
    at = far.double().requires_grad_()
    y = np.zeros(len(far), dtype=np.intp)
    template_loss(one, at, torch.tensor(y), reduction="sum").backward()
    _, slopes = numpy_face(one, far.double().numpy(), y, Adjustment())
    np.testing.assert_allclose(at.grad.numpy(), slopes, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("one", [c for c in CASES if c.name in ("cross_entropy", "focal", "mae")], ids=label)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_the_short_way_for_probabilities_is_the_mean_over_classes(one, dtype):
    # the classes one by one, through the other code; far rows included
    v = torch.cat([torch.tensor(made_up(11)[0]), FAR.double()]).to(dtype)
    p = torch.tensor(np.random.default_rng(11).dirichlet(np.ones(K), size=len(v)), dtype=dtype)
    at = v.clone().requires_grad_()
    keywords = {"own_shifts": OWN, "class_scales": D, "shifts": SHIFTS, "weight": OMEGA}
    found = template_loss(one, at, p, reduction="none", **keywords)
    (slope,) = torch.autograd.grad(found.sum(), at)
    classes = [torch.full((len(v),), k) for k in range(K)]
    each = torch.stack([template_loss(one, at, k, reduction="none", **keywords) for k in classes], dim=1)
    (expected,) = torch.autograd.grad((p * each).sum(), at)
    tolerance = {"rtol": 1e-11, "atol": 1e-12} if dtype == torch.float64 else {"rtol": 1e-5, "atol": 1e-5}
    torch.testing.assert_close(found, (p * each).sum(1), **tolerance)
    torch.testing.assert_close(slope, expected, **tolerance)


@every_case
@pytest.mark.parametrize("name", ["nothing", "all"])
def test_probabilities_give_the_expected_loss(one, name):
    v = torch.tensor(made_up(12)[0])
    p = torch.tensor(np.random.default_rng(12).dirichlet(np.ones(K), size=len(v)))
    keywords, adjustment = ADJUSTMENTS[name]
    rows = [numpy_face(one, v.numpy(), np.full(len(v), k), adjustment)[0] for k in range(K)]
    expected = (p.numpy() * np.stack(rows, axis=1)).sum(axis=1)
    found = template_loss(one, v, p, reduction="none", **keywords)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-12)


# Cost


class Counted(TorchDispatchMode):
    """Counts operations, and the largest tensor that one of them makes."""

    def __init__(self) -> None:
        super().__init__()
        self.n_calls = self.largest = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        self.n_calls += 1
        made = out if isinstance(out, tuple | list) else [out]
        self.largest = max([self.largest, *(one.numel() for one in made if isinstance(one, torch.Tensor))])
        return out


@every_template
def test_class_numbers_take_no_loop_and_no_matrix_of_pairs(one):
    counts = []
    for n, n_classes in [(6, 3), (40, 90)]:
        scores = torch.zeros(n, n_classes, requires_grad=True)
        target = torch.arange(n) % n_classes
        vectors = {name: torch.ones(n_classes) for name in ADJUSTMENTS["all"][0]}
        with Counted() as counted:
            template_loss(one, scores, target, **vectors).backward()
        counts.append(counted.n_calls)
        assert counted.largest <= n * n_classes
    # the Newton steps of entmax stop when they are rounding
    assert counts[0] == counts[1] or (one.name == "entmax" and abs(counts[0] - counts[1]) < 60)


def test_probabilities_need_no_matrix_of_pairs_for_cross_entropy():
    scores = torch.randn(6, 50, requires_grad=True)
    with Counted() as counted:
        functional.cross_entropy(scores, scores.detach().softmax(1), weight=torch.ones(50)).backward()
    assert counted.largest == 6 * 50
    with Counted() as counted:
        functional.pair_logistic(scores, scores.detach().softmax(1)).backward()
    assert counted.largest == 6 * 50 * 49


def test_unknown_names_are_refused():
    v, y = (torch.tensor(x) for x in made_up(13))
    with pytest.raises(UsageError, match="did you mean 'mean'"):
        functional.cross_entropy(v, y, reduction="means")
    with pytest.raises(UsageError, match="parameter of the loss cross_entropy"):
        functional.cross_entropy(v, y, gamma=2.0)
    with pytest.raises(UsageError, match="needs a positive finite gamma"):
        functional.focal(v, y, gamma=-1.0)
    with pytest.raises(UsageError, match="did you mean 'focal'"):
        template_loss("fokal", v, y)
