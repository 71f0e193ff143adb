"""Normalised steepest descent as a torch optimizer: the loop that all methods share.

    M <- b M + (1 - b) G,    W <- (1 - eta wd) W - eta Delta
    Delta = argmax { <M', Delta> : ||Delta|| <= 1 },    M' = M, or (1 - b) G + b M with Nesterov

The mathematics is that of `marginscope.descent`, whose steps on a linear model are the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import torch
from torch import Tensor

from marginscope.exceptions import ModelError, UsageError

__all__ = ["Move", "Params", "SteepestDescent"]

Params: TypeAlias = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]
# the settings of a parameter, the parameter, and M'
Move: TypeAlias = tuple[dict[str, Any], Tensor, Tensor]

_HALF = (torch.float16, torch.bfloat16)


class SteepestDescent(torch.optim.Optimizer):
    """Steps of length one in a norm: the base of the optimizers of this package.

    A method overrides ``directions``. Parameters of half precision have their average and
    their direction in float32. A gradient of zeros moves nothing; weight decay still acts.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict with "params" and own settings
    lr : float
        The length of a step, since the length of the gradient does not matter. It must
        fall, for instance like t^-1/2, for the limit of theory to be reached.
    momentum : float
        b, at least 0 and below 1.
    nesterov : bool
        Whether the step looks ahead.
    weight_decay : float
        wd, decoupled: it never enters the gradient (Loshchilov & Hutter 2019).
    maximize : bool
        Whether to climb.
    own : dict, optional
        Settings of the method beside these; a group may change them too.

    Raises
    ------
    UsageError
        If a setting is out of range, or a parameter is complex or no floating-point tensor.
    """

    #: the norm whose largest margin the method tends to on separable data
    norm: str

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        maximize: bool = False,
        own: dict[str, Any] | None = None,
    ) -> None:
        settings = {
            "lr": lr,
            "momentum": momentum,
            "nesterov": nesterov,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, {**settings, **(own or {})})

    def directions(self, moves: list[Move]) -> list[Tensor]:
        """Return Delta for each parameter, of the shape and type of its M'."""
        raise NotImplementedError

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with settings of their own."""
        super().add_param_group(param_group)
        try:
            check_settings(self.param_groups[-1])
        except UsageError:
            self.param_groups.pop()
            raise

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss and its gradients; it is called once.

        Returns
        -------
        The loss of the closure, or None.

        Raises
        ------
        UsageError
            If a gradient is sparse.
        ModelError
            If a gradient is not finite. Nothing has moved then.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        pairs = [(group, p) for group in self.param_groups for p in group["params"] if p.grad is not None]
        for _, parameter in pairs:
            _check_gradient(parameter)
        moves = [(group, parameter, self._averaged(group, parameter)) for group, parameter in pairs]
        for (group, parameter, _), direction in zip(moves, self.directions(moves), strict=True):
            lr = float(group["lr"])
            if group["weight_decay"]:
                parameter.mul_(1.0 - lr * group["weight_decay"])
            parameter.sub_(direction.reshape(parameter.shape), alpha=lr)
        return loss

    def _averaged(self, group: dict[str, Any], parameter: Tensor) -> Tensor:
        """Take the gradient into the average of the state and return M'."""
        assert parameter.grad is not None
        gradient = parameter.grad.to(_working_type(parameter))
        gradient = -gradient if group["maximize"] else gradient
        b = group["momentum"]
        if not b:
            return gradient
        state = self.state[parameter]
        if "average" not in state:
            state["average"] = torch.zeros_like(gradient)
        average: Tensor = state["average"]
        average.mul_(b).add_(gradient, alpha=1.0 - b)
        return average * b + gradient * (1.0 - b) if group["nesterov"] else average

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a state; averages keep their own type, so that a run goes on with the same bits."""
        super().load_state_dict(state_dict)
        saved = state_dict["state"]
        numbers = [one for group in state_dict["param_groups"] for one in group["params"]]
        own = [one for group in self.param_groups for one in group["params"]]
        for number, parameter in zip(numbers, own, strict=True):
            # torch has cast the average to the type of the parameter
            if _working_type(parameter) != parameter.dtype and "average" in saved.get(number, {}):
                average = saved[number]["average"].to(parameter.device, _working_type(parameter), copy=True)
                self.state[parameter]["average"] = average


def check_settings(group: dict[str, Any]) -> None:
    """Raise UsageError for a setting that cannot be meant."""
    for name, most in (("lr", math.inf), ("weight_decay", math.inf), ("momentum", 1.0), ("rank_tolerance", 1.0)):
        value = group.get(name)
        if value is not None and not 0.0 <= float(value) < most:
            upper = "" if most == math.inf else f" and below {most:g}"
            raise UsageError(
                f"{name} needs a number of at least 0{upper}, but got {value!r}; the default is a good start"
            )
    if group["nesterov"] and not group["momentum"]:
        raise UsageError("nesterov needs a momentum, but got momentum=0; give one above 0 or leave nesterov out")
    for parameter in group["params"]:
        if not parameter.is_floating_point():
            raise UsageError(
                f"parameters of real floating-point numbers are needed, but got one of type {parameter.dtype}; "
                "give the real and the imaginary part as two parameters, or leave it to another optimizer"
            )


def _check_gradient(parameter: Tensor) -> None:
    gradient = parameter.grad
    assert gradient is not None
    if gradient.layout != torch.strided:
        raise UsageError(
            f"a dense gradient is needed, since directions mix all entries, but got one of layout {gradient.layout} "
            "for a parameter of shape "
            f"{tuple(parameter.shape)}; use sparse=False in the embedding, or torch.optim.SparseAdam for it"
        )
    if not bool(torch.isfinite(gradient).all()):
        raise ModelError(
            "a finite gradient is needed, but got inf or nan "
            f"for a parameter of shape {tuple(parameter.shape)}; look for an overflow in the loss, or skip this step"
        )


def _working_type(parameter: Tensor) -> torch.dtype:
    return torch.float32 if parameter.dtype in _HALF else parameter.dtype
