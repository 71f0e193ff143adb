"""A branch a class, and the head of cosines."""

import copy
import io
import itertools

import numpy as np
import pytest
import torch
from torch import nn

from marginscope.exceptions import ModelError, UsageError
from marginscope.torch.heads import ClassBranches, CosineHead


def small_branch():
    return nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 1))


def small_net(branch=small_branch, n_classes=32, **settings):
    """Return a net of so many classes that branches run batched where they can."""
    torch.manual_seed(0)
    return ClassBranches(nn.Sequential(nn.Linear(5, 6), nn.ReLU()), branch, n_classes, **settings).double()


def rows(n=7, d=5):
    return torch.tensor(np.random.default_rng(0).standard_normal((n, d)))


def by_hand(net, X):
    """Return the scores of the sequential net by NumPy."""
    read = {name: value.detach().numpy() for name, value in net.state_dict().items()}
    hidden = np.maximum(X.numpy() @ read["trunk.0.weight"].T + read["trunk.0.bias"], 0.0)
    scores = []
    for k in range(len(net.branches)):
        inner = np.tanh(hidden @ read[f"branches.{k}.0.weight"].T + read[f"branches.{k}.0.bias"])
        scores.append(inner @ read[f"branches.{k}.2.weight"].T + read[f"branches.{k}.2.bias"])
    return np.hstack(scores)


def runs_batched(net, X):
    """Whether the branches run in one call to the end."""
    plain, ended = net._in_one_call, []
    net._in_one_call = lambda hidden: ended.append(plain(hidden)) or ended[-1]
    net(X)
    del net._in_one_call
    return bool(ended)


@pytest.mark.parametrize("batched", [None, True, False])
def test_scores_are_those_computed_by_hand(batched):
    net, X = small_net(batched=batched), rows()
    np.testing.assert_allclose(net(X).detach(), by_hand(net, X), rtol=0, atol=1e-14)
    assert net(X[:0]).shape == (0, 32)
    assert runs_batched(net, X) == (batched is not False)
    few = small_net(n_classes=31, batched=batched)
    np.testing.assert_allclose(few(X).detach(), by_hand(few, X), rtol=0, atol=1e-14)
    assert runs_batched(few, X) == bool(batched)


@pytest.mark.parametrize("batched", [True, False])
def test_a_score_has_no_gradient_in_the_branch_of_another_class(batched):
    net = small_net(batched=batched)
    for k in range(3):
        net.zero_grad()
        net(rows())[:, k].sum().backward()
        for j, branch in enumerate(net.branches):
            sizes = [0.0 if p.grad is None else float(p.grad.abs().max()) for p in branch.parameters()]
            assert all(size > 0 for size in sizes) if j == k else not any(sizes)
        assert float(net.trunk[0].weight.grad.abs().max()) > 0


def test_gradients_are_those_of_one_by_one():
    net, twin = small_net(batched=True), small_net(batched=False)
    twin.load_state_dict(net.state_dict())
    for one in (net, twin):
        nn.functional.cross_entropy(one(rows()), torch.arange(7) % 3).backward()
    for ours, theirs in zip(net.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-12, atol=1e-14)
    assert torch.autograd.gradcheck(net, (rows(2).requires_grad_(),))


def test_a_branch_may_answer_with_one_axis():
    flat = small_net(lambda: nn.Sequential(small_branch(), nn.Flatten(0)))
    assert flat(rows()).shape == (7, 32)
    np.testing.assert_allclose(flat(rows()).detach(), small_net()(rows()).detach(), atol=1e-14)


def test_each_class_drops_units_of_its_own():
    net = small_net(lambda: nn.Sequential(nn.Dropout(0.5), nn.Linear(6, 1)))
    for branch in net.branches:
        branch.load_state_dict(net.branches[0].state_dict())
    assert runs_batched(net, rows())
    scores = net(rows())
    assert not torch.equal(scores[:, 0], scores[:, 1])
    same = net.eval()(rows())
    torch.testing.assert_close(same[:, 0], same[:, 1], rtol=0, atol=1e-15)


# where branches run one by one


class Activated(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.linear, self.function = nn.Linear(6, 1), function

    def forward(self, hidden):
        return self.function(self.linear(hidden))


def test_branches_that_differ_run_one_by_one():
    functions = itertools.cycle([torch.tanh, torch.relu, torch.sigmoid])
    net = small_net(lambda: Activated(next(functions)))
    X = rows()
    hidden = net.trunk(X)
    expected = [torch.tanh(net.branches[0].linear(hidden)), torch.relu(net.branches[1].linear(hidden))]
    torch.testing.assert_close(net(X)[:, :2], torch.hstack(expected))
    assert not runs_batched(net, X)
    assert runs_batched(small_net(lambda: Activated(torch.tanh)), X)
    sizes = itertools.cycle([2, 3, 4])
    assert small_net(lambda: nn.Sequential(nn.Linear(6, n := next(sizes)), nn.Linear(n, 1)))(X).shape == (7, 32)


def test_running_statistics_are_kept():
    net = small_net(lambda: nn.Sequential(nn.BatchNorm1d(6), nn.Linear(6, 1)))
    net(rows())
    assert int(net.branches[2][0].num_batches_tracked) == 1
    assert float(net.branches[2][0].running_mean.abs().sum()) > 0


def test_a_hook_on_a_branch_is_called():
    net, seen = small_net(), []
    with net.branches[1][0].register_forward_hook(lambda *given: seen.append(given[2].shape)):
        net(rows())
    assert seen == [(7, 4)]
    assert runs_batched(net, rows())
    plain = net.branches[2].forward
    net.branches[2].forward = lambda hidden: seen.append(hidden.shape) or plain(hidden)
    net(rows())
    assert seen == [(7, 4), (7, 6)]


def test_a_branch_may_be_replaced_or_put_in_another_mode():
    net, X = small_net(), rows()
    net(X)
    net.branches[1] = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 1)).double()
    hidden = net.trunk(X)
    torch.testing.assert_close(net(X)[:, 1:2], net.branches[1](hidden))
    dropping = small_net(lambda: nn.Sequential(nn.Dropout(0.5), nn.Linear(6, 1)))
    dropping.branches[0].eval()
    expected = dropping.branches[0](dropping.trunk(X))
    torch.testing.assert_close(dropping(X)[:, :1], expected)


class LastStep(nn.Module):
    def __init__(self):
        super().__init__()
        self.recurrent, self.linear = nn.LSTM(3, 2, batch_first=True), nn.Linear(2, 1)

    def forward(self, hidden):
        return self.linear(self.recurrent(hidden.reshape(-1, 2, 3))[0][:, -1])


def test_modules_without_a_batched_form_and_lazy_ones_work():
    net = small_net(LastStep)
    expected = [branch(net.trunk(rows())) for branch in net.branches]
    torch.testing.assert_close(net(rows()), torch.hstack(expected))
    assert not runs_batched(net, rows())
    torch.manual_seed(0)
    lazy = ClassBranches(nn.Identity(), lambda: nn.LazyLinear(1), 32)
    first = lazy(rows().float())
    assert runs_batched(lazy, rows().float())
    torch.testing.assert_close(lazy(rows().float()), first)


# what holds for any module


def test_it_is_saved_copied_and_trained():
    net = small_net()
    net(rows())
    assert len(list(net.parameters())) == 2 + 32 * 4
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    file.seek(0)
    other = small_net().float()
    other.load_state_dict(torch.load(file, weights_only=True))
    torch.testing.assert_close(other(rows().float()), net(rows()).float())
    twin = copy.deepcopy(net)
    assert torch.equal(twin(rows()), net(rows()))
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.5)
    start = None
    for _ in range(200):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(twin(rows()), torch.arange(7) % 3)
        start = loss.item() if start is None else start
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.3 * start
    assert not torch.equal(twin(rows()), net(rows()))


def test_a_frozen_branch_stays():
    net = small_net()
    net.branches[1].requires_grad_(False)
    nn.functional.cross_entropy(net(rows()), torch.arange(7) % 3).backward()
    assert all(p.grad is None for p in net.branches[1].parameters())
    assert all(p.grad is not None for p in net.branches[0].parameters())


def test_what_is_no_branch_is_refused():
    shared = nn.Linear(6, 1)
    with pytest.raises(UsageError, match=r"new module in every call is needed.*but got.*Linear.*pass lambda"):
        small_net(lambda: shared)
    with pytest.raises(UsageError, match="but got"):
        small_net(lambda: torch.tanh)
    with pytest.raises(UsageError, match="at least two classes are needed, but got n_classes=1"):
        small_net(n_classes=1)
    for batched in (None, False):
        with pytest.raises(ModelError, match=r"one score a sample.*but got \(7, 2\); end"):
            small_net(lambda: nn.Linear(6, 2), batched=batched)(rows())


# cosines


def cosines(H, W):
    return np.array([[h @ w / np.linalg.norm(h) / np.linalg.norm(w) for w in W] for h in H])


def cosine_head(scale=30.0, **settings):
    torch.manual_seed(1)
    return CosineHead(5, 3, scale=scale, **settings).double()


@pytest.mark.parametrize("learn_scale", [False, True])
def test_scores_are_scaled_cosines(learn_scale):
    head = cosine_head(7.0, learn_scale=learn_scale)
    with torch.no_grad():
        head.weight.mul_(torch.tensor([[0.1], [1.0], [50.0]]))
    expected = 7.0 * cosines(rows().numpy(), head.weight.detach().numpy())
    np.testing.assert_allclose(head(rows()).detach(), expected, rtol=1e-6)
    np.testing.assert_allclose(head(1e-6 * rows()).detach(), head(rows()).detach(), rtol=0, atol=1e-13)
    assert head(rows(6).reshape(2, 3, 5)).shape == (2, 3, 3)
    assert torch.autograd.gradcheck(head, (rows(3).requires_grad_(),))


def test_a_fixed_scale_is_saved_and_not_learnt():
    fixed, learnt = cosine_head(7.0), cosine_head(7.0, learn_scale=True)
    assert [name for name, _ in fixed.named_parameters()] == ["weight"]
    assert float(fixed.scale) == 7.0
    other = cosine_head(2.0)
    other.load_state_dict(fixed.state_dict())
    assert float(other.scale) == 7.0
    score = learnt(rows())[0, 0]
    score.backward()
    # d (s c) / d log s = s c
    assert learnt.log_scale.grad.item() == pytest.approx(score.item(), rel=1e-12)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_zero_features_give_zero_scores_and_finite_gradients(dtype):
    head = cosine_head().to(dtype)
    H = rows().to(dtype)
    H[2] = 0.0
    H.requires_grad_()
    scores = head(H)
    assert scores.dtype == dtype
    assert torch.equal(scores[2], torch.zeros(3, dtype=dtype))
    nn.functional.cross_entropy(scores.float(), torch.arange(7) % 3).backward()
    for gradient in (H.grad, head.weight.grad):
        assert torch.isfinite(gradient).all()
        # the derivative of h / max(||h||, 1e-12) would be 1e12 times as large
        assert float(gradient.abs().max()) < 100


def test_small_features_of_half_precision_keep_their_direction():
    head, H = cosine_head(1.0), rows()
    scores = head.half()((1e-3 * H).half())
    np.testing.assert_allclose(scores.detach().float(), cosines(H.numpy(), head.weight.detach().numpy()), atol=3e-3)


def test_training_cannot_make_the_scores_diverge():
    head = cosine_head(4.0)
    H, y = torch.eye(5, dtype=torch.float64)[:3], torch.arange(3)
    optimizer = torch.optim.SGD(head.parameters(), lr=1.0)
    for _ in range(500):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(head(H), y)
        loss.backward()
        optimizer.step()
    assert head(H).detach().abs().max() <= 4.0 + 1e-12
    # the least loss: class vectors at cosine a with their own and b with the other features
    a, b = 2 / np.sqrt(6), -1 / np.sqrt(6)
    assert loss.item() >= np.log1p(2 * np.exp(-4.0 * (a - b))) - 1e-9
    assert loss.item() == pytest.approx(np.log1p(2 * np.exp(-4.0 * (a - b))), rel=0.01)


def test_rows_start_at_length_one_in_all_directions():
    torch.manual_seed(3)
    head = CosineHead(3, 2000)
    np.testing.assert_allclose(head.weight.detach().norm(dim=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(head.weight.detach().mean(0), 0.0, atol=0.05)
    assert "scale=30 (fixed)" in repr(head)


@pytest.mark.parametrize("scale", [0.0, -1.0, np.nan, np.inf])
def test_a_scale_that_cannot_be_meant_is_refused(scale):
    with pytest.raises(UsageError, match=r"scale above 0 is needed, but got scale=.*30 is a good start"):
        CosineHead(5, 3, scale=scale)
    with pytest.raises(UsageError, match="two classes are needed, but got in_features=5 and n_classes=1"):
        CosineHead(5, 1)


@pytest.mark.parametrize("batched", [True, False])
def test_both_work_in_mixed_precision_and_compiled(batched):
    net = small_net(batched=batched).float()
    expected = net(rows().float()).detach()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = net(rows().float())
    torch.testing.assert_close(mixed.float(), expected, rtol=0.05, atol=0.05)
    compiled = torch.compile(net, backend="eager")
    torch.testing.assert_close(compiled(rows().float()), expected)
