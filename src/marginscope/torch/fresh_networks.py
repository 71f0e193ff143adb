"""An untrained network from a module or from a function that makes one."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.parametrize import is_parametrized

from marginscope.exceptions import DataQualityWarning, ModelError, UsageError

__all__ = ["default_network", "fresh_network", "reinitialise"]

_HIDDEN = 64


def default_network(row_shape: Sequence[int], n_classes: int) -> nn.Module:
    """Return two hidden layers of 64 units with ReLU, on the flattened row."""
    width = 1
    for length in row_shape:
        width *= int(length)
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(width, _HIDDEN),
        nn.ReLU(),
        nn.Linear(_HIDDEN, _HIDDEN),
        nn.ReLU(),
        nn.Linear(_HIDDEN, n_classes),
    )


def fresh_network(network: Any, row_shape: Sequence[int], n_classes: int) -> nn.Module:
    """Return a new network with initial weights; what was given stays as it is.

    Parameters
    ----------
    network : Module, callable or None
        A module is copied and initialised anew: by its own method ``fresh()``, which returns
        a new module, or else by the ``reset_parameters`` of its parts. A callable is called
        as ``network(n_features, n_classes)``, with the shape of a row in place of
        ``n_features`` where rows have more than one axis.

    Raises
    ------
    UsageError, ModelError
        If it is nothing of that kind, or cannot be copied.
    """
    if network is None:
        return default_network(row_shape, n_classes)
    if isinstance(network, nn.Module):
        return _fresh_copy(network)
    if not callable(network):
        raise UsageError(
            "a torch.nn.Module or a function (n_features, n_classes) that makes one is needed as network, but got "
            f"{type(network).__name__}; pass one of them, or None for a small default"
        )
    n_features = int(row_shape[0]) if len(row_shape) == 1 else tuple(int(length) for length in row_shape)
    made = network(n_features, n_classes)
    if not isinstance(made, nn.Module):
        raise UsageError(
            f"a function that returns a torch.nn.Module is needed as network, but it returned {type(made).__name__}; "
            "return the network"
        )
    return made


def _fresh_copy(network: nn.Module) -> nn.Module:
    own: Callable[[], Any] | None = getattr(network, "fresh", None)
    if callable(own):
        made = own()
        if not isinstance(made, nn.Module) or made is network:
            raise ModelError(
                f"a new module is needed from {type(network).__name__}.fresh(), but got "
                f"{'the same one' if made is network else type(made).__name__}; return a new network"
            )
        return made
    try:
        fresh = copy.deepcopy(network)
    except Exception as error:
        raise ModelError(
            f"a network that can be copied is needed, but copying {type(network).__name__} raised "
            f"{type(error).__name__}: {error}; pass a function (n_features, n_classes) that makes it"
        ) from error
    kept = reinitialise(fresh)
    if kept:
        names = ", ".join(kept[:5]) + (", ..." if len(kept) > 5 else "")
        warnings.warn(
            f"no reset_parameters draws {names} anew: every fit starts them from the values in the network that was "
            "given; give their module a reset_parameters, or pass a function that makes the network",
            DataQualityWarning,
            stacklevel=3,
        )
    return fresh


@torch.no_grad()
def reinitialise(network: nn.Module) -> tuple[str, ...]:
    """Draw the parameters of all parts anew, in place; return the names of those that nothing draws.

    Parts before the whole, so that a network's own ``reset_parameters`` has the last word.
    Parameters that are frozen (``requires_grad=False``) keep their values, and so do the
    running statistics of a part that is all frozen: they are no part of the training.
    """
    parameters = {name: p for name, p in network.named_parameters() if not is_lazy(p)}
    before = {name: p.detach().clone() for name, p in parameters.items()}
    parts = [part for part in network.modules() if not _is_frozen(part)]
    shaped = [part for part in parts if is_parametrized(part)]
    done = {id(p) for part in shaped if _draw_parametrized(part) for p in part.parameters()}
    for p in parameters.values():
        # What is still NaN afterwards was drawn by nobody; no list of layers is needed.
        if p.requires_grad and p.is_floating_point() and id(p) not in done:
            p.fill_(torch.nan)
    for part in reversed(parts):
        if part not in shaped:
            _reset(part)
    kept = []
    for name, p in parameters.items():
        if not p.requires_grad:
            p.copy_(before[name])
        elif _has_nan(p):
            p.copy_(before[name])
            kept.append(name)
    return tuple(kept)


def _draw_parametrized(part: nn.Module) -> bool:
    """Draw a part whose weights are made of others (weight norm, say) as it is without that; return success."""
    # A twin of the class that was extended: taking the extension off changes the class, for all copies.
    kind: Any = type(part).__bases__[0]
    plain: Any = kind.__new__(kind)
    made = [*part.parametrizations]  # type: ignore[misc]
    own = {**{name: getattr(part, name) for name in made}, **dict(part.named_parameters(recurse=False))}
    plain.__dict__.update(part.__dict__)
    plain._modules = {name: inner for name, inner in part._modules.items() if name != "parametrizations"}
    plain._parameters = {name: nn.Parameter(torch.full_like(p, torch.nan)) for name, p in own.items()}
    _reset(plain)
    if any(_has_nan(p) for p in plain.parameters(recurse=False)):
        return False
    for name, p in plain.named_parameters(recurse=False):
        try:
            if name in made:
                setattr(part, name, p.detach())
            else:
                part.get_parameter(name).copy_(p)
        except Exception:
            # A parametrisation need not know which values make a given weight.
            return False
    return True


def _reset(part: nn.Module) -> None:
    reset = getattr(part, "reset_parameters", getattr(part, "_reset_parameters", None))
    if not callable(reset) or any(is_lazy(p) for p in part.parameters(recurse=False)):
        return
    try:
        reset()
    except Exception:
        # An initialiser that reads the old values may stumble over NaN: its parameters count as not drawn.
        return


def _is_frozen(part: nn.Module) -> bool:
    own = [p for p in part.parameters() if not is_lazy(p)]
    return bool(own) and not any(p.requires_grad for p in own)


def _has_nan(p: Tensor) -> bool:
    return bool(p.isnan().any()) if p.is_floating_point() else False
