"""Descent: one loop, one optimizer a file, and trajectories that certify themselves."""

from __future__ import annotations

from typing import Any

from marginscope._validation import look_up, with_parameters
from marginscope.descent.adam import Adam
from marginscope.descent.dual_accelerated import DualAccelerated
from marginscope.descent.gradient_descent import GradientDescent
from marginscope.descent.momentum import HeavyBall, Nesterov
from marginscope.descent.muon import Muon
from marginscope.descent.optimizer import Optimizer
from marginscope.descent.steepest import SteepestDescent
from marginscope.exceptions import UsageError

__all__ = ["OPTIMIZERS", "Optimizer", "get_optimizer", "optimizer_names"]

OPTIMIZERS: tuple[Optimizer, ...] = (
    GradientDescent(),
    HeavyBall(),
    Nesterov(),
    GradientDescent("sgd"),
    Adam(),
    SteepestDescent("sign", "max"),
    SteepestDescent("normalized", "frobenius"),
    SteepestDescent("spectral", "spectral"),
    Muon(),
    SteepestDescent("nuclear", "nuclear"),
    SteepestDescent("coordinate", "sum"),
    DualAccelerated(),
)


def optimizer_names() -> list[str]:
    """Return the names of all optimizers."""
    return [one.name for one in OPTIMIZERS]


def get_optimizer(optimizer: str | Optimizer, **parameters: Any) -> Optimizer:
    """Return an optimizer by name, or pass one of your own through.

    Parameters
    ----------
    optimizer : str or Optimizer
    **parameters
        Fields of it, such as ``momentum`` for ``"momentum"``.

    Raises
    ------
    UsageError
        If there is no such name or parameter, or a value is out of range.

    Examples
    --------
    >>> get_optimizer("momentum", momentum=0.5)
    HeavyBall(momentum=0.5)
    """
    found: Any = optimizer
    if isinstance(optimizer, str):
        found = look_up("optimizer", optimizer, {one.name: one for one in OPTIMIZERS})
    elif not callable(getattr(optimizer, "step", None)) or not callable(getattr(optimizer, "init", None)):
        raise UsageError(
            f"an optimizer with the methods init and step is needed, but got {optimizer!r:.60}; "
            f"name one of {', '.join(optimizer_names())}"
        )
    changed: Optimizer = with_parameters("optimizer", found, parameters, fixed=("name", "norm"))
    for name, value in parameters.items():
        _check_parameter(name, value)
    return changed


def _check_parameter(name: str, value: Any) -> None:
    if name in ("momentum", "beta1", "beta2"):
        valid, need = isinstance(value, int | float) and 0.0 <= value < 1.0, "a number of at least 0 and below 1"
    elif name == "eps":
        valid, need = isinstance(value, int | float) and 0.0 <= value < float("inf"), "a number of at least 0"
    else:
        valid, need = isinstance(value, bool), "True or False"
    if not valid:
        raise UsageError(f"{name} needs {need}, but got {value!r}; the default is a good start")
