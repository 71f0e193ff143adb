"""A training that is watched is, bit for bit, the one that is not."""

import contextlib

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.optimizer import _global_optimizer_post_hooks

import marginscope.torch as mt

DRAW = torch.Generator().manual_seed(5)
X = torch.randn(300, 1, 8, 8, generator=DRAW)
Y = torch.randint(3, (300,), generator=DRAW)


class Restless(nn.Module):
    """Draws random numbers in every mode, counts its calls, and keeps a part frozen in evaluation mode."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.drop = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.3)
        self.frozen, self.head = nn.BatchNorm1d(144), nn.Linear(144, 3)
        self.register_buffer("calls", torch.zeros(()))
        for one in self.frozen.parameters():
            one.requires_grad_(False)

    def train(self, mode=True):
        super().train(mode)
        self.frozen.eval()
        return self

    def forward(self, x):
        self.calls += 1
        hidden = self.drop(self.norm(self.conv(x)).relu()).flatten(1)
        hidden = self.frozen(hidden + 0.01 * torch.randn_like(hidden))
        return self.head(nn.functional.dropout(hidden, 0.2, training=True))


def run(watching, n_steps=12):
    """Train, and return everything that can be told about it."""
    torch.manual_seed(7)
    net = Restless().train()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    with watching(net) as w:
        for i in range(n_steps):
            rows = torch.randint(300, (32,))
            if i % 2 == 0:
                optimizer.zero_grad()
            nn.functional.cross_entropy(net(X[rows]), Y[rows]).backward()
            optimizer.step()
    grads = [None if one.grad is None else one.grad.clone() for one in net.parameters()]
    return net, net.state_dict(), grads, torch.get_rng_state(), w


def assert_the_same(one, other):
    for name, value in one[1].items():
        assert torch.equal(value, other[1][name]), name
    for a, b in zip(one[2], other[2], strict=True):
        assert (a is None) == (b is None)
        assert a is None or torch.equal(a, b)
    assert torch.equal(one[3], other[3])
    assert [m.training for m in one[0].modules()] == [m.training for m in other[0].modules()]
    assert [p.requires_grad for p in one[0].parameters()] == [p.requires_grad for p in other[0].parameters()]


@pytest.mark.parametrize("deep", [False, True])
def test_not_a_bit_of_the_training_changes(deep):
    alone = run(lambda net: contextlib.nullcontext())
    watched = run(lambda net: mt.watch(net, X=X, y=Y, every=1, deep=deep))
    assert len(watched[4].records) == 13
    assert_the_same(alone, watched)
    assert alone[0].calls == 12
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in watched[0].modules())
    assert not _global_optimizer_post_hooks


def test_batches_are_read_without_a_trace_too():
    criterion = nn.CrossEntropyLoss()

    def through(net):
        return mt.watch(net, loss=criterion, every=1)

    assert_the_same(run(lambda net: contextlib.nullcontext()), run(through))


def test_nested_watches_do_not_see_each_other():
    torch.manual_seed(0)
    net = Restless()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    criterion = nn.CrossEntropyLoss()
    with mt.watch(net, X=X, y=Y, every=2) as outer, mt.watch(net, loss=criterion, every=1) as inner:
        for _ in range(4):
            optimizer.zero_grad()
            criterion(net(X), Y).backward()
            optimizer.step()
    assert outer.steps.tolist() == [0, 2, 4]
    assert [int(one.rows.sum()) for one in inner.records] == [600, 600], "the batches and nothing else"
    assert not _global_optimizer_post_hooks


@pytest.mark.parametrize("error", [ValueError("of the loop"), KeyboardInterrupt()])
def test_an_exception_of_the_loop_comes_through_and_everything_is_detached(error):
    net = nn.Linear(4, 3)
    x, y = torch.randn(30, 4), torch.arange(30) % 3
    with pytest.raises(type(error)), mt.watch(net, X=x, y=y, every=1) as w:  # noqa: PT012
        w.step()
        raise error
    assert w.steps.tolist() == [0, 1]
    assert not net._forward_hooks
    assert not _global_optimizer_post_hooks


class Breaking(nn.Linear):
    """Answers in evaluation mode until it is broken."""

    is_broken = False

    def forward(self, x):
        if self.is_broken and not self.training:
            raise RuntimeError("out of memory")
        return super().forward(x)


def test_a_look_that_fails_ends_the_watch_and_not_the_training():
    net = Breaking(4, 3)
    x, y = torch.randn(30, 4), torch.arange(30) % 3
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    done = 0
    with pytest.warns(UserWarning, match="watching ended at step 1: RuntimeError: out of memory"):  # noqa: PT031, SIM117
        with mt.watch(net, X=x, y=y, every=1) as w:
            net.is_broken = True
            for _ in range(3):
                nn.functional.cross_entropy(net(x), y).backward()
                optimizer.step()
                done += 1
    assert done == 3
    assert w.steps.tolist() == [0]
    assert net.training
    assert "out of memory" in str(w)


def test_a_hook_of_the_user_can_tell_a_look():
    net = nn.Linear(4, 3)
    x, y = torch.randn(30, 4), torch.arange(30) % 3
    seen = []
    net.register_forward_hook(lambda *_: seen.append(mt.is_looking()))
    with mt.watch(net, X=x, y=y, every=1):
        net(x)
    assert len(seen) > 1
    assert all(seen[:-1])
    assert not seen[-1]
    assert not mt.is_looking()
    assert len(net._forward_hooks) == 1


def test_scores_that_are_not_finite_are_looked_at_too():
    net = nn.Linear(4, 3)
    x, y = torch.randn(30, 4), torch.arange(30) % 3
    with mt.watch(net, X=x, y=y, every=1) as w:
        w.step()
        with torch.no_grad():
            net.weight.fill_(torch.nan)
        w.step()
    found = {one.slug: one for one in w.findings()}["not-converged"]
    assert str(found.status) == "issue"
    assert "The loss is not finite from step 2 on" in found.sentence
    assert np.isnan(w.column("loss")[-1]).all()
