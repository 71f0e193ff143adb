"""Networks for ten classes with one thing wrong, or nothing."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

__all__ = ["DEAD", "PLANTED", "Planted", "convolutional", "perceptron"]

# the class whose score is killed: the bag
DEAD = 8


@dataclass(frozen=True)
class Planted:
    """One network, how long it is trained, and the finding that a watch owes."""

    make: object
    n_epochs: int
    expected: str


def perceptron() -> nn.Module:
    """Return 784-256-128-10 with ReLU."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)
    )


def convolutional() -> nn.Module:
    """Return two convolutions with batch norm and pooling."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 49, 10),
    )  # fmt: skip


def dead_score() -> nn.Module:
    """Return the perceptron with a ReLU behind its scores, and the unit of one class switched off.

    A ReLU behind the scores is a mistake that is really made: a class whose unit is off on all
    rows has the score 0 and no gradient.
    """
    net = nn.Sequential(*perceptron(), nn.ReLU())
    with torch.no_grad():
        net[5].bias[DEAD] = -20.0
    return net


def bottleneck() -> nn.Module:
    """Return a network whose ten classes share three hidden units."""
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 3), nn.Tanh(), nn.Linear(3, 10))


PLANTED = {
    "healthy": Planted(perceptron, 2, ""),
    "dead score": Planted(dead_score, 2, "dead-units"),
    "three shared units": Planted(bottleneck, 8, "shared-interference"),
}
