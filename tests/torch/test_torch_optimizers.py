"""The torch optimizers against the NumPy ones, and what torch promises of any optimizer."""

import copy
import io
import warnings

import numpy as np
import pytest
import torch

import marginscope as ms
from marginscope.descent.muon import newton_schulz as numpy_newton_schulz
from marginscope.exceptions import ModelError, UsageError
from marginscope.geometry.norms import NORMS, get_norm
from marginscope.torch.linear_maximizers import newton_schulz, polar_factor, rank_one
from marginscope.torch.optimizers import Muon, NormalizedDescent, NuclearDescent, SignDescent, SpectralDescent
from oracles.descent_data import separable

ALL = (SignDescent, NormalizedDescent, SpectralDescent, Muon, NuclearDescent)
NAMES = {
    SignDescent: "sign",
    NormalizedDescent: "normalized",
    SpectralDescent: "spectral",
    Muon: "muon",
    NuclearDescent: "nuclear",
}
every_optimizer = pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
MATRIX_KINDS = (SpectralDescent, Muon, NuclearDescent)
matrix_kinds = pytest.mark.parametrize("kind", MATRIX_KINDS, ids=lambda kind: kind.__name__)


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def parameter(*shape, seed=0, dtype=torch.float64):
    made = np.random.default_rng(seed).standard_normal(shape)
    return torch.nn.Parameter(torch.tensor(made).to(dtype))


def with_gradient(one, gradient):
    one.grad = torch.as_tensor(gradient, dtype=one.dtype).reshape(one.shape)
    return one


def moved(kind, gradient, dtype=torch.float64, **settings):
    """Return what one step with lr 1 subtracts from zeros."""
    gradient = torch.as_tensor(gradient, dtype=dtype)
    W = with_gradient(torch.nn.Parameter(torch.zeros_like(gradient)), gradient)
    kind([W], lr=1.0, **settings).step()
    return -W.detach()


def descend_in_torch(kind, X, y, n_steps, scale, decay, **settings):
    """Minimise the sum of cross-entropy from zero with lr = scale (t + 1)^-decay by a scheduler."""
    rows, labels = torch.tensor(X), torch.tensor(y)
    W = torch.nn.Parameter(torch.zeros(int(y.max()) + 1, X.shape[1], dtype=torch.float64))
    optimizer = kind([W], lr=scale, **settings)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: (t + 1.0) ** -decay)
    path = []
    for _ in range(n_steps):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(rows @ W.T, labels, reduction="sum").backward()
        optimizer.step()
        schedule.step()
        path.append(W.detach().numpy().copy())
    return path


@every_optimizer
@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_steps_on_a_linear_model_are_those_of_the_numpy_optimizer(kind, decay):
    X, y = separable(1, n=30, d=6, K=4)
    path = descend_in_torch(kind, X, y, 25, 0.1, decay)
    expected = ms.descend(X, y, optimizer=NAMES[kind], step_size=(0.1, decay), n_steps=25, record=list(range(1, 26)))
    assert list(expected.steps[-25:]) == list(range(1, 26))
    np.testing.assert_allclose(path, expected.coef[-25:], rtol=0, atol=1e-12)


@pytest.mark.parametrize("momentum", [0.5, 0.9])
@pytest.mark.parametrize("kind", [SignDescent, NormalizedDescent, SpectralDescent, NuclearDescent])
def test_steps_with_momentum_are_those_of_the_numpy_optimizer(kind, momentum):
    X, y = separable(2, n=30, d=6, K=4)
    path = descend_in_torch(kind, X, y, 20, 0.1, 0.5, momentum=momentum)
    expected = ms.descend(X, y, optimizer=NAMES[kind], momentum=momentum, step_size=(0.1, 0.5), n_steps=20)
    np.testing.assert_allclose(path[-1], expected.coef[-1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(4, 7), (7, 4), (3, 3), (1, 5), (5, 1)])
@pytest.mark.parametrize("rank", [1, 2, 5])
def test_a_direction_is_the_linear_maximizer_of_its_norm(shape, rank):
    rng = np.random.default_rng([*shape, rank])
    G = rng.standard_normal((shape[0], rank)) @ rng.standard_normal((rank, shape[1]))
    for kind in (SignDescent, NormalizedDescent, SpectralDescent, NuclearDescent):
        norm = get_norm(kind.norm)
        step = moved(kind, G).numpy()
        np.testing.assert_allclose(step, norm.linear_maximizer(G), rtol=0, atol=1e-12)
        assert norm.value(step) == pytest.approx(1.0, abs=1e-12)
        assert np.sum(step * G) == pytest.approx(norm.dual_value(G), rel=1e-12)
    np.testing.assert_allclose(moved(Muon, G, exact=False), numpy_newton_schulz(G), rtol=0, atol=1e-10)


def test_an_optimizer_is_pulled_to_the_margin_of_its_own_norm():
    rng = np.random.default_rng(5)
    y = np.repeat(np.arange(6), 5)
    X = np.eye(6, 8)[y] * rng.uniform(0.3, 2.0, 6)[y, None] + 0.25 * rng.standard_normal((30, 8))
    best = {norm.name: ms.solve_hard_margin(X, y, norm=norm.name).margin for norm in NORMS}
    reached = {}
    for kind, scale in zip(ALL, (0.4, 2.0, 1.2, 1.2, 2.0), strict=True):
        W = descend_in_torch(kind, X, y, 1000, scale, 0.5)[-1]
        scores = X @ W.T
        gaps = scores[np.arange(30), y][:, None] - scores
        gaps[np.arange(30), y] = np.inf
        reached[kind] = {norm.name: gaps.min() / norm.value(W) / best[norm.name] for norm in NORMS}
    for kind, shares in reached.items():
        assert 0.85 < shares[kind.norm] <= 1.0 + 1e-7
        others = [reached[one][kind.norm] for one in ALL if one.norm != kind.norm]
        assert shares[kind.norm] > max(others) + 0.02


# what a tensor may look like


@pytest.mark.parametrize("shape", [(), (1,), (5,)])
@matrix_kinds
def test_a_vector_is_a_matrix_of_one_row(kind, shape):
    G = np.random.default_rng(3).standard_normal(shape)
    np.testing.assert_allclose(moved(kind, G), G / np.linalg.norm(G), rtol=0, atol=1e-12)


@matrix_kinds
def test_a_kernel_of_a_convolution_is_flattened(kind):
    G = np.random.default_rng(4).standard_normal((3, 2, 2, 3))
    np.testing.assert_allclose(moved(kind, G).reshape(3, 12), moved(kind, G.reshape(3, 12)), rtol=0, atol=0)
    expected = get_norm(kind.norm).linear_maximizer(G.reshape(3, 12))
    np.testing.assert_allclose(moved(kind, G).reshape(3, 12), expected, rtol=0, atol=1e-12)


def test_the_norm_of_normalized_descent_is_that_of_all_parameters():
    a, b = with_gradient(parameter(2, seed=1), [3.0, 0.0]), with_gradient(parameter(1, seed=2), [-4.0])
    idle, at = parameter(3, seed=3), [a.detach().clone(), b.detach().clone()]
    NormalizedDescent([{"params": [a, idle]}, {"params": [b], "lr": 10.0}], lr=1.0).step()
    np.testing.assert_allclose((a - at[0]).detach(), [-0.6, 0.0], atol=1e-15)
    np.testing.assert_allclose((b - at[1]).detach(), [8.0], atol=1e-14)
    torch.testing.assert_close(idle, parameter(3, seed=3), rtol=0, atol=0)


def test_normalized_descent_may_take_each_tensor_by_itself():
    a, b = with_gradient(parameter(2, seed=1), [3.0, 4.0]), with_gradient(parameter(1, seed=2), [-4.0])
    at = [a.detach().clone(), b.detach().clone()]
    optimizer = NormalizedDescent([a, b], lr=1.0, per_tensor=True)
    optimizer.step()
    np.testing.assert_allclose((a - at[0]).detach(), [-0.6, -0.8], atol=1e-15)
    np.testing.assert_allclose((b - at[1]).detach(), [1.0], atol=1e-15)
    assert copy.deepcopy(optimizer).param_groups[0]["per_tensor"] is True


@every_optimizer
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,), (0, 3), (3, 0)])
def test_a_zero_gradient_moves_nothing(kind, shape):
    W = parameter(*shape)
    before = W.detach().clone()
    with_gradient(W, torch.zeros(shape))
    kind([W], lr=1.0).step()
    torch.testing.assert_close(W.detach(), before, rtol=0, atol=0)


@every_optimizer
def test_a_gradient_of_any_size_gives_the_same_step(kind):
    G = np.random.default_rng(7).standard_normal((3, 4))
    for settings in ({}, {"exact": False}) if issubclass(kind, SpectralDescent) else ({},):
        for dtype, small, large in ((torch.float64, 1e-290, 1e290), (torch.float32, 1e-30, 1e30)):
            usual = moved(kind, G, dtype, **settings)
            assert usual.abs().max() > 0.3
            for size in (small, large):
                step = moved(kind, torch.tensor(G, dtype=dtype) * size, dtype, **settings)
                np.testing.assert_allclose(step, usual, atol=2e-6)


def test_noise_of_a_rank_deficient_gradient_enters_no_direction():
    X, y = torch.randn(500, 40, generator=torch.Generator().manual_seed(0)), torch.arange(500) % 8
    for dtype in (torch.float32, torch.bfloat16):
        W = torch.nn.Parameter(torch.zeros(8, 40))
        torch.nn.functional.cross_entropy(X @ W.T, y).backward()
        step = moved(SpectralDescent, W.grad, dtype).float()
        values = torch.linalg.svdvals(step)
        # the rows of the gradient sum to zero, so its rank is 7
        assert values[6] > 0.95
        assert values[7] < 0.02
        assert step.sum(0).abs().max() < 0.02


def test_the_tolerance_of_rank_can_be_set():
    G = np.diag([1.0, 1e-3, 1e-6])
    np.testing.assert_allclose(moved(SpectralDescent, G), np.eye(3), atol=1e-12)
    np.testing.assert_allclose(moved(SpectralDescent, G, rank_tolerance=1e-2), np.diag([1.0, 0, 0]), atol=1e-12)
    np.testing.assert_allclose(moved(Muon, G, torch.float32), np.diag([1.0, 1.0, 0.0]), atol=1e-6)


def test_newton_schulz_leaves_singular_values_near_one():
    rng = np.random.default_rng(8)
    U, V = np.linalg.qr(rng.standard_normal((6, 6)))[0], np.linalg.qr(rng.standard_normal((9, 6)))[0]
    for least, low, high in ((1e-2, 0.68, 1.14), (2.1e-3, 0.68, 1.21)):
        s = np.geomspace(least, 1.0, 6) * 0.9
        s[0] = least * np.linalg.norm(s) * 1.001
        found = np.linalg.svd(newton_schulz(torch.tensor(U * s @ V.T)).numpy(), compute_uv=False)
        assert found.min() >= low
        assert found.max() <= high
        assert found.max() - found.min() > 0.01  # which the exact factor does not have
    exact = np.linalg.svd(polar_factor(torch.tensor(U * s @ V.T)).numpy(), compute_uv=False)
    np.testing.assert_allclose(exact, 1.0, atol=1e-12)


@pytest.mark.parametrize("function", [polar_factor, rank_one, newton_schulz])
def test_a_maximizer_leaves_its_input_alone(function):
    G = torch.tensor(np.random.default_rng(9).standard_normal((4, 3)))
    kept = G.clone()
    function(G)
    torch.testing.assert_close(G, kept, rtol=0, atol=0)


@every_optimizer
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_steps_are_those_of_float32_rounded(kind, dtype):
    rounded = torch.tensor(np.random.default_rng(11).standard_normal((3, 4))).to(dtype)
    W, twin = (torch.nn.Parameter(torch.zeros(3, 4, dtype=one)) for one in (dtype, torch.float32))
    ours, theirs = kind([W], lr=0.5, momentum=0.9), kind([twin], lr=0.5, momentum=0.9)
    for scale in (1.0, -0.3):
        W.grad, twin.grad = rounded * scale, (rounded * scale).float()
        ours.step()
        theirs.step()
        twin.data = twin.data.to(dtype).float()
    assert W.dtype == dtype
    assert ours.state[W]["average"].dtype == torch.float32
    torch.testing.assert_close(W.detach().float(), twin.detach(), rtol=0, atol=1e-6)


# what torch promises of any optimizer


def quadratic(W):
    return (W * W * torch.linspace(1.0, 2.0, W.numel(), dtype=W.dtype).reshape(W.shape)).sum() + W.sum()


def take_steps(optimizer, W, n_steps):
    for _ in range(n_steps):
        optimizer.zero_grad()
        quadratic(W).backward()
        optimizer.step()


@every_optimizer
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_a_saved_state_goes_on_with_the_same_bits(kind, dtype):
    W = parameter(4, 3, dtype=dtype)
    optimizer = kind([W], lr=0.05, momentum=0.9)
    take_steps(optimizer, W, 5)
    file = io.BytesIO()
    torch.save({"W": W.detach(), "optimizer": optimizer.state_dict()}, file)
    take_steps(optimizer, W, 5)

    file.seek(0)
    saved = torch.load(file, weights_only=True)
    again = torch.nn.Parameter(saved["W"])
    resumed = kind([again], lr=123.0, momentum=0.1)
    resumed.load_state_dict(saved["optimizer"])
    assert resumed.param_groups[0]["lr"] == 0.05
    take_steps(resumed, again, 5)
    assert torch.equal(W, again)
    assert torch.equal(optimizer.state[W]["average"], resumed.state[again]["average"])


def test_a_loaded_average_is_a_copy():
    W = parameter(4, 3, dtype=torch.bfloat16)
    optimizer = Muon([W])
    take_steps(optimizer, W, 2)
    saved = optimizer.state_dict()
    kept = saved["state"][0]["average"].clone()
    other = Muon([parameter(4, 3, dtype=torch.bfloat16)])
    other.load_state_dict(saved)
    take_steps(other, other.param_groups[0]["params"][0], 2)
    assert torch.equal(saved["state"][0]["average"], kept)


@every_optimizer
def test_groups_have_settings_of_their_own(kind):
    a, b = parameter(2, 3, seed=1), parameter(2, 3, seed=2)
    optimizer = kind([{"params": [a]}, {"params": [b], "lr": 0.0}], lr=0.1)
    optimizer.add_param_group({"params": [c := parameter(2, 3, seed=3)], "lr": 0.2})
    for one in (a, b, c):
        with_gradient(one, np.ones((2, 3)))
    optimizer.step()
    steps = [float((one - parameter(2, 3, seed=seed)).detach().norm()) for seed, one in ((1, a), (2, b), (3, c))]
    assert steps[0] > 0
    assert steps[1] == 0
    assert steps[2] == pytest.approx(2 * steps[0])


@every_optimizer
def test_weight_decay_is_decoupled(kind):
    G = np.random.default_rng(13).standard_normal((2, 3))
    W = with_gradient(parameter(2, 3), G)
    kind([W], lr=0.1, weight_decay=0.5).step()
    expected = 0.95 * parameter(2, 3).detach().numpy() - 0.1 * moved(kind, G).numpy()
    np.testing.assert_allclose(W.detach(), expected, rtol=0, atol=1e-14)


@every_optimizer
def test_it_climbs_when_asked(kind):
    G = np.random.default_rng(14).standard_normal((2, 3))
    np.testing.assert_allclose(moved(kind, G, maximize=True), -moved(kind, G).numpy(), rtol=0, atol=1e-14)


@every_optimizer
def test_a_closure_gives_the_loss_and_the_gradient(kind):
    W, twin = parameter(2, 3), parameter(2, 3)
    optimizer, calls = kind([W], lr=0.1), []

    def closure():
        calls.append(1)
        optimizer.zero_grad()
        loss = quadratic(W)
        loss.backward()
        return loss

    loss = optimizer.step(closure)
    assert loss.item() == quadratic(twin).item()
    assert len(calls) == 1
    quadratic(twin).backward()
    kind([twin], lr=0.1).step()
    assert torch.equal(W, twin)


@every_optimizer
def test_nesterov_looks_ahead(kind):
    gradients = np.random.default_rng(15).standard_normal((2, 3, 4))
    W = parameter(3, 4)
    optimizer = kind([W], lr=1.0, momentum=0.5, nesterov=True)
    for gradient in gradients:
        before = W.detach().clone()
        with_gradient(W, gradient)
        optimizer.step()
    average = 0.25 * gradients[0] + 0.5 * gradients[1]
    expected = get_norm(kind.norm).linear_maximizer(0.5 * gradients[1] + 0.5 * average)
    np.testing.assert_allclose(before - W.detach(), expected, rtol=0, atol=1e-12)


@every_optimizer
def test_schedules_and_copies_work(kind):
    W = parameter(2, 3)
    optimizer = kind([W], lr=0.1, momentum=0.9)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.3, total_steps=6)
    for _ in range(4):
        take_steps(optimizer, W, 1)
        cycle.step()
    assert optimizer.param_groups[0]["lr"] != 0.1
    net = torch.nn.ParameterList([W])
    twin_net, twin = copy.deepcopy((net, optimizer))
    assert twin.param_groups[0]["params"][0] is twin_net[0]
    take_steps(optimizer, W, 2)
    take_steps(twin, twin_net[0], 2)
    assert torch.equal(W, twin_net[0])


# what is refused


@every_optimizer
def test_a_sparse_gradient_is_refused(kind):
    table = torch.nn.Embedding(5, 2, sparse=True)
    table(torch.tensor([1])).sum().backward()
    with pytest.raises(UsageError, match=r"dense gradient is needed.*but got one of layout torch.sparse_coo.*use"):
        kind(table.parameters()).step()


@every_optimizer
def test_complex_parameters_are_refused(kind):
    W = torch.nn.Parameter(torch.zeros(2, 2, dtype=torch.complex64))
    with pytest.raises(UsageError, match=r"real floating-point.*but got one of type torch.complex64.*give"):
        kind([W])
    optimizer = kind([parameter(2)])
    with pytest.raises(UsageError, match="complex64"):
        optimizer.add_param_group({"params": [W]})
    assert len(optimizer.param_groups) == 1


@every_optimizer
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_moves_nothing(kind, bad):
    good, W = with_gradient(parameter(2), [1.0, 1.0]), with_gradient(parameter(2, 2), [[1.0, 2.0], [bad, 0.0]])
    optimizer = kind([good, W], momentum=0.9)
    with pytest.raises(ModelError, match=r"finite gradient is needed, but got inf or nan.*look for"):
        optimizer.step()
    assert torch.equal(good, parameter(2))
    assert not optimizer.state


@every_optimizer
@pytest.mark.parametrize(
    ("name", "value"), [("lr", -1.0), ("lr", np.nan), ("momentum", 1.0), ("momentum", -0.1), ("weight_decay", -1.0)]
)
def test_settings_out_of_range_are_refused(kind, name, value):
    with pytest.raises(UsageError, match=rf"{name} needs a number of at least 0.*but got"):
        kind([parameter(2)], **{name: value})
    with pytest.raises(UsageError, match=name):
        kind([parameter(2), {"params": [parameter(3)], name: value}][1:])


def test_nesterov_without_momentum_is_refused():
    with pytest.raises(UsageError, match="nesterov needs a momentum, but got momentum=0"):
        SignDescent([parameter(2)], nesterov=True)


@every_optimizer
def test_it_trains_a_network_without_a_warning(kind):
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(4 * 36, 3))
    images, labels = torch.randn(24, 1, 8, 8), torch.arange(24) % 3
    optimizer = kind(net.parameters(), lr=0.02)
    losses = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(60):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(net(images), labels)
            loss.backward()
            losses.append(loss.item())
            optimizer.step()
    assert losses[-1] < 0.5 * losses[0]
