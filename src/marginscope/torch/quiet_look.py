"""Look at a net from inside a training loop, and leave no trace in it.

The net answers in evaluation mode; afterwards the mode of every module, its buffers and the
state of torch's random numbers are what they were. No ``grad`` is written: gradients are taken with
``torch.autograd.grad``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn

from marginscope.exceptions import ModelError
from marginscope.torch.endings import Ending, ending_of

__all__ = ["is_compiled", "is_looking", "looking", "own_module", "quiet_look", "scores_of"]

_LOOKING: ContextVar[bool] = ContextVar("marginscope_is_looking", default=False)


def is_looking() -> bool:
    """Say whether a watch is looking at a net right now: hooks of your own may skip that call."""
    return _LOOKING.get()


def is_compiled(net: nn.Module) -> bool:
    """Say whether some part of a net is compiled: hooks inside would have it compiled anew."""
    return any(map(_is_compiled, net.modules()))


def _is_compiled(module: nn.Module) -> bool:
    return getattr(module, "_compiled_call_impl", None) is not None or hasattr(module, "_orig_mod")


@contextmanager
def looking() -> Iterator[None]:
    """Make ``is_looking`` true: what is called inside is no part of the training."""
    token = _LOOKING.set(True)
    try:
        yield
    finally:
        _LOOKING.reset(token)


def own_module(net: nn.Module) -> nn.Module:
    """Return the module that the user wrote, out of compiled and parallel wrappers."""
    while True:
        inner = getattr(net, "_orig_mod", None)
        if inner is None and isinstance(net, nn.DataParallel | nn.parallel.DistributedDataParallel):
            inner = net.module
        if not isinstance(inner, nn.Module):
            return net
        net = inner


@contextmanager
def quiet_look(net: nn.Module) -> Iterator[None]:
    """Hold a net in evaluation mode, and put back whatever a call may change."""
    modules = list(net.modules())
    modes = [one.training for one in modules]
    buffers = [(one, one.detach().clone()) for one in net.buffers()]
    devices = sorted({one.device.index for one in net.parameters() if one.is_cuda})
    try:
        # The flag itself, not eval(): a net may override train(), to freeze its norms say.
        for one in modules:
            one.training = False
        # Deterministic kernels or autocast stay as the loop has them; autograd is chosen by the caller.
        with looking(), _uncompiled(modules), torch.random.fork_rng(devices=devices):
            yield
    finally:
        for one, mode in zip(modules, modes, strict=True):
            one.training = mode
        with torch.no_grad():
            for buffer, before in buffers:
                # Written only where it changed: a write would spoil a backward pass that is under way.
                if buffer.shape == before.shape and not _same(buffer, before):
                    buffer.copy_(before)


def _uncompiled(modules: list[nn.Module]) -> Any:
    """Return a context in which compiled parts run as they were written: evaluation would compile them anew."""
    has_stance = any(map(_is_compiled, modules)) and hasattr(torch.compiler, "set_stance")  # from torch 2.6 on
    return torch.compiler.set_stance("force_eager") if has_stance else nullcontext()


def _same(one: Tensor, other: Tensor) -> bool:
    if torch.equal(one, other):
        return True
    return bool(((one == other) | (one != one) & (other != other)).all())


def scores_of(answer: Any, ending: Ending | None = None) -> tuple[Tensor, Ending]:
    """Return the scores (n, K) in what a net gave back, and how the net ends: places of a map become rows.

    Without ``ending`` it is told from the graph of the answer.

    Raises
    ------
    ModelError
        If there is no tensor of one number a class.
    """
    returned = getattr(answer, "logits", answer)
    if isinstance(returned, dict):
        returned = returned.get("logits", next(iter(returned.values()), None))
    if isinstance(returned, tuple | list) and returned:
        returned = returned[0]
    if not isinstance(returned, Tensor) or returned.ndim < 1 or not returned.is_floating_point():
        what = tuple(returned.shape) if isinstance(returned, Tensor) else type(returned).__name__
        raise ModelError(
            f"scores of shape (n, n_classes) are needed, but the net gave {what}; return one score a class"
        )
    is_single = returned.ndim == 1 or returned.shape[1:] == (1,)
    if ending is None:
        ending = ending_of(returned, 2 if is_single else int(returned.shape[1]))
    if returned.ndim > 2:
        returned = returned.movedim(1, -1).reshape(-1, returned.shape[1])
    return ending.scores(ending.outputs(returned)), ending
