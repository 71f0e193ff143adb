"""What is compared: a head and a loss each, with settings to choose from on the tuning seeds.

Cross-entropy has eight settings and its weight decay to itself, every remedy has six.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

from torch import Tensor, nn

from marginscope.torch import CosineHead, LDAMLoss, LogitAdjustedLoss, VSLoss

__all__ = ["BASELINE", "REMEDIES", "WIDTH", "Remedy"]

WIDTH = 64
BASELINE = "cross-entropy"
_N_CLASSES = 10


@dataclass(frozen=True)
class Remedy:
    """A head, a loss of the class counts and of the epoch where the learning rate first falls, and a grid."""

    head: Callable[[dict[str, Any]], nn.Module]
    loss: Callable[[Tensor, int, dict[str, Any]], nn.Module]
    grid: dict[str, tuple[float, ...]]

    def settings(self) -> list[dict[str, float]]:
        """Return every combination of the grid."""
        return [dict(zip(self.grid, values, strict=True)) for values in product(*self.grid.values())]


def _linear(settings: dict[str, Any]) -> nn.Module:
    return nn.Linear(WIDTH, _N_CLASSES)


def _cosine(settings: dict[str, Any]) -> nn.Module:
    # LDAMLoss has the factor
    return CosineHead(WIDTH, _N_CLASSES, scale=1.0)


REMEDIES = {
    BASELINE: Remedy(
        _linear,
        lambda counts, first_drop, settings: nn.CrossEntropyLoss(),
        {"lr": (0.005, 0.01, 0.02, 0.05), "weight_decay": (5e-4, 2e-3)},
    ),
    "LDAM-DRW": Remedy(
        _cosine,
        lambda counts, first_drop, settings: LDAMLoss(counts, scale=settings["scale"], drw_epoch=first_drop),
        {"lr": (0.005, 0.01, 0.03), "weight_decay": (5e-4,), "scale": (10.0, 30.0)},
    ),
    "VS-loss": Remedy(
        _linear,
        lambda counts, first_drop, settings: VSLoss(counts, gamma=settings["gamma"], tau=settings["tau"]),
        {"lr": (0.01, 0.02, 0.05), "weight_decay": (5e-4,), "gamma": (0.1, 0.2), "tau": (1.0,)},
    ),
    "logit-adjusted": Remedy(
        _linear,
        lambda counts, first_drop, settings: LogitAdjustedLoss(counts, tau=settings["tau"]),
        {"lr": (0.01, 0.02, 0.05), "weight_decay": (5e-4,), "tau": (1.0, 1.5)},
    ),
}
