"""One number for each class: what an adjustment is made of, on the device of the scores.

The letters are those of ``marginscope.losses.adjust``:

    u_ik = (D_y v_y + i_y - c_y - D_k v_k - i_k) / m_y,    loss = omega_y psi(u_i)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from marginscope.exceptions import UsageError
from marginscope.losses.adjust import Adjustment

__all__ = ["FIELD_OF", "ClassVectors", "PerClass", "as_class_vector", "class_vectors"]

PerClass: TypeAlias = Tensor | NDArray[Any] | Sequence[float] | None

# keyword of a loss: field of an Adjustment
FIELD_OF = {
    "weight": "class_weights",
    "class_margins": "margins",
    "class_scales": "scales",
    "shifts": "shifts",
    "own_shifts": "own_shifts",
}


class ClassVectors(NamedTuple):
    """The adjustment of a loss; each (n_classes,) of the type of the scores, or ``None``."""

    weight: Tensor | None = None
    class_margins: Tensor | None = None
    class_scales: Tensor | None = None
    shifts: Tensor | None = None
    own_shifts: Tensor | None = None


def class_vectors(scores: Tensor, **given: PerClass) -> ClassVectors:
    """Return what was given in the type and on the device of ``scores`` (..., n_classes)."""
    n_classes = scores.shape[-1]
    placed = {}
    for name, one in given.items():
        if one is None:
            continue
        vector = as_class_vector(name, one).to(device=scores.device, dtype=scores.dtype)
        if vector.ndim != 1 or vector.shape[0] != n_classes:
            raise UsageError(
                f"{name} needs one number for each of the {n_classes} classes, but got the shape "
                f"{tuple(vector.shape)}; give a vector in the order of the scores"
            )
        placed[name] = vector
    return ClassVectors(**placed)


def as_class_vector(name: str, given: Any) -> Tensor:
    """Return a tensor; the signs of numbers that are not yet one are checked, in double precision."""
    if isinstance(given, Tensor):
        # reading it would wait for the device
        return given
    if torch.compiler.is_compiling():
        return torch.as_tensor(given, dtype=torch.float64)
    values = np.array(given, dtype=float)
    if name != "weight":
        Adjustment(**{FIELD_OF[name]: values})
    elif values.ndim != 1 or not np.all(np.isfinite(values) & (values >= 0.0)):
        raise UsageError(
            f"weight needs a list of finite numbers that are not negative, but got {given!r}; "
            "leave it out for equal weights"
        )
    return torch.from_numpy(values)
