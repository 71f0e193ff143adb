"""The losses under autocast, torch.compile, torch.func and data parallel."""

import copy
import subprocess
import sys
from pathlib import Path

import data_parallel_worker as worker
import pytest
import torch
from torch import nn

import marginscope.torch as mt
from marginscope import losses
from marginscope.losses import TEMPLATES
from marginscope.torch import functional
from marginscope.torch.functional import template_loss
from oracles.loss_cases import CASES, label

every_template = pytest.mark.parametrize("one", TEMPLATES, ids=losses.names())
VECTORS = {
    "weight": torch.tensor([1.0, 2.0, 5.0, 0.5]),
    "class_margins": torch.tensor([1.0, 1.5, 2.5, 0.7]),
    "class_scales": torch.tensor([1.0, 0.8, 0.5, 1.3]),
    "shifts": torch.tensor([0.3, -0.4, 0.0, 1.0]),
    "own_shifts": torch.tensor([0.1, 0.5, 0.2, 0.0]),
}


def made_up(n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    target = torch.randint(0, 4, (n,), generator=generator)
    target[0] = -100
    return torch.randn(n, 4, generator=generator), target


def blobs() -> tuple[torch.Tensor, torch.Tensor]:
    """Return 3 groups of 60, 20 and 6 rows that do not overlap."""
    generator = torch.Generator().manual_seed(1)
    y = torch.repeat_interleave(torch.arange(3), torch.tensor([60, 20, 6]))
    centres = torch.tensor([[4.0, 0.0], [-2.0, 3.5], [-2.0, -3.5]])
    return centres[y] + torch.randn(len(y), 2, generator=generator), y


def net(head: nn.Module | None = None) -> nn.Module:
    torch.manual_seed(2)
    return nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 3) if head is None else head)


MODULES = {
    "focal": lambda: mt.FocalLoss(gamma=1.0, weight=[1.0, 3.0, 10.0]),
    "vs": lambda: mt.VSLoss([60, 20, 6], loss="pair_logistic"),
    "ldam": lambda: mt.LDAMLoss([60, 20, 6], scale=10.0, drw_epoch=1),
}


# torch.func


@pytest.mark.parametrize("one", CASES, ids=label)
def test_gradients_of_rows_by_vmap_are_those_one_by_one(one):
    scores, target = made_up(6)

    def loss(row, number):
        return template_loss(one, row, number, **VECTORS, reduction="sum")

    each = torch.func.vmap(torch.func.grad(loss))(scores, target)
    for row, number, found in zip(scores, target, each, strict=True):
        at = row.clone().requires_grad_()
        loss(at, number).backward()
        torch.testing.assert_close(found, at.grad, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", MODULES)
def test_modules_under_vmap(name):
    scores, target = torch.rand(5, 3) * 2 - 1, torch.tensor([0, 1, 2, 0, 1])
    module = MODULES[name]()
    module.reduction = "none"
    each = torch.func.vmap(lambda row, number: module(row, number))(scores, target)
    torch.testing.assert_close(each, module(scores, target))


# Autocast


@every_template
def test_autocast_computes_in_single_precision_as_torch_does(one):
    torch.manual_seed(0)
    layer, X, target = nn.Linear(6, 4), torch.randn(9, 6), made_up(9)[1]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        scores = layer(X)
        loss = template_loss(one, scores, target, **VECTORS)
        assert nn.functional.cross_entropy(scores, target).dtype == loss.dtype == torch.float32
    assert scores.dtype == torch.bfloat16
    loss.backward()
    plain = template_loss(one, scores.detach().float(), target, **VECTORS)
    torch.testing.assert_close(loss, plain, rtol=1e-6, atol=1e-7)
    assert layer.weight.grad.isfinite().all()
    p = torch.rand(9, 4, generator=torch.Generator().manual_seed(1)).softmax(1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        expected = template_loss(one, scores, p, **VECTORS)
    torch.testing.assert_close(expected, template_loss(one, scores.float(), p, **VECTORS), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", MODULES)
def test_a_net_learns_under_autocast(name):
    X, y = blobs()
    one, module = net(mt.CosineHead(8, 3, scale=1.0) if name == "ldam" else None), MODULES[name]()
    optimizer = torch.optim.SGD(one.parameters(), lr=0.1)
    for _ in range(150):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = module(one(X), y)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = one(X).argmax(1) == y
    assert min(right[y == k].float().mean() for k in range(3)) > 0.9


# torch.compile


def test_compiling_breaks_no_graph_and_takes_any_batch():
    torch._dynamo.reset()
    graphs = []

    def counted(graph, inputs):
        graphs.append(graph)
        return graph.forward

    def loss(scores, target):
        return functional.cross_entropy(scores, target, **VECTORS)

    compiled = torch.compile(loss, backend=counted, fullgraph=True, dynamic=True)
    for n in (7, 12, 31):
        scores, target = made_up(n, seed=n)
        torch.testing.assert_close(compiled(scores, target), loss(scores, target))
    assert len(graphs) == 1


@pytest.mark.slow
@every_template
@pytest.mark.parametrize("as_probabilities", [False, True])
def test_every_loss_compiles_whole_for_any_batch(one, as_probabilities):
    torch._dynamo.reset()

    def loss(scores, target):
        return template_loss(one, scores, target, **VECTORS)

    # the backend of inductor without its code generation: forward and backward graphs are traced and run
    compiled = torch.compile(loss, backend="aot_eager", fullgraph=True, dynamic=True)
    for n in (7, 12):
        scores, target = made_up(n, seed=n)
        if as_probabilities:
            target = made_up(n, seed=n + 1)[0].softmax(1)
        found, expected = (scores.clone().requires_grad_() for _ in range(2))
        compiled(found, target).backward()
        loss(expected, target).backward()
        torch.testing.assert_close(found.grad, expected.grad, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_parameters_may_be_given_inside_what_is_compiled():
    torch._dynamo.reset()
    scores, target = made_up(7)
    compiled = torch.compile(lambda v, y: functional.focal(v, y, gamma=1.5), backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(scores, target), functional.focal(scores, target, gamma=1.5))
    numbers = [0.1, 2.0, 5.0, 0.5]
    compiled = torch.compile(lambda v, y: functional.mae(v, y, weight=numbers), backend="aot_eager", fullgraph=True)
    exact = scores.double()
    torch.testing.assert_close(
        compiled(exact, target), functional.mae(exact, target, weight=numbers), rtol=1e-12, atol=0
    )


@pytest.mark.slow
# what torch's own compiler imports
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.parametrize("name", MODULES)
def test_a_compiled_net_learns_as_the_plain_one(name):
    torch._dynamo.reset()
    X, y = blobs()
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(3))
    X, y = X[order], y[order]
    first = net(mt.CosineHead(8, 3, scale=1.0) if name == "ldam" else None)
    nets, module = [first, copy.deepcopy(first)], MODULES[name]()

    def step(one, X, y):
        return module(one(X), y)

    for one, run in zip(nets, (step, torch.compile(step, fullgraph=True, dynamic=True)), strict=True):
        optimizer = torch.optim.SGD(one.parameters(), lr=0.05)
        for epoch in range(2):
            if name == "ldam":
                module.set_epoch(epoch)
            for rows in (slice(0, 30), slice(30, 70), slice(70, 86)):
                optimizer.zero_grad()
                run(one, X[rows], y[rows]).backward()
                optimizer.step()
    for plain, compiled in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        torch.testing.assert_close(compiled, plain, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.parametrize("name", ["cross_entropy", "pair_logistic", "focal", "mae", "polynomial", "sparsemax"])
def test_compiled_code_gives_numbers_at_margins_of_eight_hundred(name):
    torch._dynamo.reset()
    loss = getattr(functional, name)
    far = torch.tensor([[800.0, 0.0, 0.0], [-800.0, 0.0, 0.0], [0.0, 800.0, -800.0], [0.0, 0.0, 0.0]])
    slopes = []
    for run in (loss, torch.compile(loss, fullgraph=True)):
        at = far.clone().requires_grad_()
        run(at, torch.zeros(4, dtype=torch.long)).backward()
        slopes.append(at.grad)
    assert slopes[1].isfinite().all()
    torch.testing.assert_close(slopes[1], slopes[0], rtol=1e-5, atol=1e-6)


# Data parallel


@pytest.mark.slow
def test_data_parallel_has_the_gradient_of_one_process_with_the_reduction_that_says_so(tmp_path: Path):
    script, out = Path(worker.__file__), tmp_path / "gradients.pt"
    words = [str(tmp_path / "store"), str(out)]
    running = [
        subprocess.Popen([sys.executable, str(script), str(rank), *words], stderr=subprocess.PIPE, text=True)
        for rank in range(worker.N_PROCESSES)
    ]
    for one in running:
        _, errors = one.communicate(timeout=240)
        assert one.returncode == 0, errors
    found = torch.load(out)
    net, X, y = worker.problem()
    expected = {kind: worker.gradient(net, X, y, kind) for kind in found}
    for kind in ("mean_over_rows", "recipe"):
        torch.testing.assert_close(found[kind], expected[kind], rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(found["recipe"], expected["mean"], rtol=1e-12, atol=1e-14)
    # each process divided by weights of its own
    assert (found["mean"] - expected["mean"]).abs().max() > 0.05 * expected["mean"].abs().max()
