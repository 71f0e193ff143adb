"""What goes through the parts of a network in one call, kept by hooks that know no layer by name."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Call", "LayerCalls", "units_axis"]


@dataclass(eq=False)
class Call:
    """One call of a part without parts of its own.

    Attributes
    ----------
    name : str
    module : Module
    read : Tensor or None
        Its first input.
    read_version : int
        How often that tensor had been overwritten by then.
    given : Tensor
        Its output, as nothing that works in place changes it.
    passed : Tensor
        What the network goes on with: the same values.
    has_parameters : bool
    """

    name: str
    module: nn.Module
    read: Tensor | None
    read_version: int
    given: Tensor
    passed: Tensor
    has_parameters: bool

    def reads_as_given(self, other: Call) -> bool:
        """Return whether it reads the output of another call with nothing, in place or not, between them."""
        return self.read is other.passed and self.read_version == 0


class LayerCalls:
    """Context that keeps the calls of the innermost parts of a network, in order.

    Enter it anew for every batch. Autograd reaches every output that is kept, of frozen parts
    too.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._handles: list[Any] = []
        self.calls: list[Call] = []

    def __enter__(self) -> LayerCalls:
        for name, part in self._network.named_modules():
            inner = [child for child in part.modules() if child is not part]
            owns = any(True for _ in part.parameters())
            if ".parametrizations." in f".{name}." or any(True for child in inner if not _is_recipe(child, part)):
                continue
            self._handles.append(part.register_forward_hook(self._hook(name or "network", owns)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def _hook(self, name: str, has_parameters: bool) -> Any:
        def keep(part: nn.Module, inputs: tuple[Any, ...], output: Any) -> Any:
            first = output[0] if isinstance(output, tuple) and output else output
            if not isinstance(first, Tensor) or not first.is_floating_point() or _is_wrapped(first):
                return None
            read = next((one for one in inputs if isinstance(one, Tensor)), None)
            version = 0 if read is None else int(read._version)
            if not has_parameters:
                self.calls.append(Call(name, part, read, version, first, first, has_parameters))
                return None
            given = first if first.requires_grad else first.detach().requires_grad_(True)
            # A copy goes on, since an activation in place would overwrite what was given.
            passed = given.clone()
            self.calls.append(Call(name, part, read, version, given, passed, has_parameters))
            return (passed, *output[1:]) if isinstance(output, tuple) else passed

        return keep

    def sources(self, tensor: Tensor) -> list[Call]:
        """Return the calls with parameters whose outputs the tensor is made of, others between left out."""
        own = [call for call in self.calls if call.has_parameters]
        ends = {call.given.grad_fn: call for call in own if call.given.grad_fn is not None}
        leaves = {id(call.given): call for call in own if call.given.grad_fn is None}
        found: list[Call] = []
        start: Any = tensor.grad_fn
        waiting, seen = [start], {start}
        while waiting:
            node = waiting.pop()
            if node is None:
                continue
            call = ends.get(node) or leaves.get(id(getattr(node, "variable", None)))
            if call is not None:
                found.append(call)
                continue
            for following, _ in node.next_functions:
                if following not in seen:
                    seen.add(following)
                    waiting.append(following)
        return sorted(found, key=own.index)


def units_axis(call: Call) -> int | None:
    """Return the axis of the output that counts units, ``None`` if there is none.

    Kernels with places have their channels first, matrices their units last; vectors of a norm
    say by their length which it is.
    """
    shape = call.given.shape
    if len(shape) < 2:
        return None
    if len(shape) == 2:
        return 1
    ranks = [p.ndim for p in call.module.parameters()]
    if max(ranks, default=0) > 2:
        return 1
    if max(ranks, default=0) == 2:
        return len(shape) - 1
    lengths = {p.shape[0] for p in call.module.parameters() if p.ndim == 1}
    return 1 if shape[1] in lengths else len(shape) - 1


def _is_recipe(child: nn.Module, part: nn.Module) -> bool:
    """Whether a module inside a part only says how a weight of the part is made."""
    made = getattr(part, "parametrizations", None)
    return isinstance(made, nn.Module) and any(child is one for one in made.modules())


def _is_wrapped(tensor: Tensor) -> bool:
    """Whether a transformation of torch.func holds the tensor: its values are not those of the rows."""
    return bool(torch._C._functorch.is_functorch_wrapped_tensor(tensor))
