"""Last layers for classes that disturb each other: a branch a class, and a head of cosines."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from marginscope.exceptions import ModelError, UsageError

__all__ = ["ClassBranches", "CosineHead"]

# one by one is as fast below it on a CPU
_MANY_CLASSES = 32
# features shorter than this have no direction
_SHORTEST = 1e-12


class ClassBranches(nn.Module):
    """A shared trunk and one branch a class, so that classes share no last hidden layer.

        v_k(x) = branch_k(trunk(x)),    k = 1, ..., K

    The gradient of a score with respect to another class's branch is zero; what classes can
    still disagree about is the trunk. Branches of the same form run as one batched product,
    their parameters stay tensors of their own: an optimizer, a hook or a state dict sees K
    plain modules ``branches[k]``.

    Parameters
    ----------
    trunk : Module
        What all classes share; ``nn.Identity()`` for nothing.
    branch : callable
        Makes a new branch, called once a class without arguments. A branch maps the output
        of the trunk to (n_samples, 1) or (n_samples,).
    n_classes : int
    batched : bool, optional
        Whether branches run in one call. By default they do where it is faster as a rule (on
        a CPU from 32 classes, for narrow branches; elsewhere always, since it saves the start
        of many small products), and where nothing is lost by it: all
        have the same modules and shapes and are in the same mode, and none has buffers
        (running statistics of a batch norm) or hooks. ``True`` does not look.

    Attributes
    ----------
    trunk : Module
    branches : ModuleList of length n_classes

    Raises
    ------
    UsageError
        If there are fewer than two classes, or the factory gives no new module a call.
    ModelError
        If a branch answers in another shape, when it is called.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> trunk = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
    >>> net = ClassBranches(trunk, lambda: nn.Sequential(nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 1)), n_classes=3)
    >>> net(torch.zeros(2, 4)).shape
    torch.Size([2, 3])
    """

    def __init__(
        self, trunk: nn.Module, branch: Callable[[], nn.Module], n_classes: int, *, batched: bool | None = None
    ) -> None:
        super().__init__()
        if n_classes < 2:
            raise UsageError(f"at least two classes are needed, but got n_classes={n_classes}; count the labels")
        made = [branch() for _ in range(n_classes)]
        if not all(isinstance(one, nn.Module) for one in made) or len({id(one) for one in made}) < n_classes:
            raise UsageError(
                "a function that makes a new module in every call is needed as branch, but got "
                f"{[type(one).__name__ for one in made[:2]]} from the first two calls; "
                "pass lambda: nn.Linear(..., 1) or the like"
            )
        self.trunk = trunk
        self.branches = nn.ModuleList(made)
        self.batched = batched
        self._compared: tuple[nn.Module, ...] = ()
        self._are_alike = False

    def forward(self, *inputs: Any) -> Tensor:
        """Return the scores, of shape (n_samples, n_classes)."""
        hidden = self.trunk(*inputs)
        if self.batched:
            return self._in_one_call(hidden)
        is_worth_it = len(self.branches) >= _MANY_CLASSES or hidden.device.type != "cpu"
        if self.batched is None and is_worth_it and self._can_run_batched():
            try:
                return self._in_one_call(hidden)
            except RuntimeError:
                # some modules, recurrent ones for instance, have no batched form; a real error comes again below
                self._are_alike = False
        return torch.stack([_one_score(branch(hidden)) for branch in self.branches], dim=1)

    def _in_one_call(self, hidden: Tensor) -> Tensor:
        first = self.branches[0]
        own = [dict(branch.named_parameters()) for branch in self.branches]
        stacked = {name: torch.stack([one[name] for one in own]) for name in own[0]}

        def answer(parameters: dict[str, Tensor], hidden: Tensor) -> Tensor:
            return _one_score(torch.func.functional_call(first, parameters, (hidden,)))

        # each class draws a dropout mask of its own, as it does one by one
        scores: Tensor = torch.vmap(answer, in_dims=(0, None), out_dims=1, randomness="different")(stacked, hidden)
        return scores

    def _can_run_batched(self) -> bool:
        modules = tuple(self.branches.modules())
        if any(_is_watched(one) for one in modules) or len({one.training for one in modules[1:]}) > 1:
            return False
        if modules != self._compared:
            self._compared = modules
            first, *others = self.branches
            self._are_alike = not any(True for _ in first.buffers()) and all(_is_alike(one, first) for one in others)
        return self._are_alike


class CosineHead(nn.Module):
    """Scores that are cosines between features and class vectors, times a scale.

        v_k(h) = s <h, w_k> / (||h|| ||w_k||)

    Neither long features nor long class vectors raise a score, so a frequent class wins
    nothing by a longer vector, and norms cannot diverge: here an additive margin (LDAM)
    still matters at the end of training, which it does not in a linear head. Features of
    zeros have scores of zero and a finite gradient.

    Parameters
    ----------
    in_features, n_classes : int
    scale : float
        s, above 0. All scores lie in [-s, s], so the probability of a class ends at
        1 / (1 + (K - 1) exp(-2 s)) at most. A loss with a scale of its own (30 in LDAM)
        takes cosines: leave ``scale=1.0`` here then.
    learn_scale : bool
        Whether log s is a parameter, ``log_scale``.
    device, dtype
        Of the parameters.

    Attributes
    ----------
    weight : Parameter of shape (n_classes, in_features)
    scale : Tensor

    References
    ----------
    Wang et al. 2018, CosFace; Cao et al. 2019, LDAM (arXiv 1906.07413), whose code has s = 30.

    Examples
    --------
    >>> import torch
    >>> head = CosineHead(2, 2, scale=10.0)
    >>> _ = head.weight.data.copy_(torch.tensor([[3.0, 0.0], [0.0, 0.5]]))
    >>> head(torch.tensor([[7.0, 0.0], [0.0, 0.0]])).tolist()
    [[10.0, 0.0], [0.0, 0.0]]
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        *,
        scale: float = 30.0,
        learn_scale: bool = False,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if not 0.0 < scale < math.inf:
            raise UsageError(f"a scale above 0 is needed, but got scale={scale!r}; 30 is a good start")
        if in_features < 1 or n_classes < 2:
            raise UsageError(
                "at least one feature and two classes are needed, but got "
                f"in_features={in_features} and n_classes={n_classes}; give the width of the layer before"
            )
        self.in_features, self.n_classes, self.learn_scale = in_features, n_classes, learn_scale
        self.weight = nn.Parameter(torch.empty(n_classes, in_features, device=device, dtype=dtype))
        number = torch.tensor(float(scale), device=device, dtype=dtype)
        if learn_scale:
            self.log_scale = nn.Parameter(number.log())
        else:
            self.register_buffer("fixed_scale", number)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw class vectors of length one in directions without preference."""
        with torch.no_grad():
            self.weight.normal_()
            self.weight.copy_(_unit(self.weight))

    @property
    def scale(self) -> Tensor:
        """The factor s of the cosines."""
        return self.log_scale.exp() if self.learn_scale else self.get_buffer("fixed_scale")

    def forward(self, features: Tensor) -> Tensor:
        """Return the scores, of shape (..., n_classes), for features of shape (..., in_features)."""
        return self.scale * nn.functional.linear(_unit(features), _unit(self.weight))

    def extra_repr(self) -> str:
        kind = "learnt" if self.learn_scale else "fixed"
        return f"in_features={self.in_features}, n_classes={self.n_classes}, scale={float(self.scale):g} ({kind})"


def _one_score(answer: Tensor) -> Tensor:
    """Return (n_samples,) of what a branch answered."""
    if answer.ndim == 2 and answer.shape[1] == 1:
        return answer[:, 0]
    if answer.ndim == 1:
        return answer
    raise ModelError(
        "a branch that gives one score a sample, of shape (n_samples, 1) or (n_samples,), is needed, but got "
        f"{tuple(answer.shape)}; end the branch in nn.Linear(..., 1)"
    )


def _is_alike(one: nn.Module, other: nn.Module) -> bool:
    """Whether two modules differ in the values of their parameters only."""
    ours, theirs = list(one.named_modules()), list(other.named_modules())
    if [(name, type(module)) for name, module in ours] != [(name, type(module)) for name, module in theirs]:
        return False
    shapes = [[(name, p.shape, p.dtype, p.device) for name, p in each.named_parameters()] for each in (one, other)]
    if shapes[0] != shapes[1] or any(True for _ in one.buffers()):
        return False
    return all(_settings(a) == _settings(b) for (_, a), (_, b) in zip(ours, theirs, strict=True))


def _is_watched(module: nn.Module) -> bool:
    """Whether somebody waits for calls of this very module."""
    hooks = module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
    return bool(hooks) or "forward" in vars(module)


def _settings(module: nn.Module) -> dict[str, Any]:
    """Return the plain attributes; what cannot be compared safely is itself only."""
    plain = (bool, int, float, str, tuple, type(None), torch.dtype, torch.device)
    public = {name: value for name, value in vars(module).items() if name[0] != "_" and name != "training"}
    return {name: value if isinstance(value, plain) or callable(value) else id(value) for name, value in public.items()}


def _unit(rows: Tensor) -> Tensor:
    """Divide rows by their length, in float32 at least; a row of zeros stays, with a finite gradient."""
    exact = rows.float() if rows.dtype in (torch.float16, torch.bfloat16) else rows
    length = torch.linalg.vector_norm(exact, dim=-1, keepdim=True)
    # the derivative of x / max(||x||, eps) is 1 / eps at zero: a factor of 1e12 for what has no direction
    divided: Tensor = exact / length.where(length > _SHORTEST, 1.0)
    return divided.to(rows.dtype)
