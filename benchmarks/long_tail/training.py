"""One training: the network, the budget and the schedule, the same for every remedy."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.long_tail.images import Images, LongTail
from benchmarks.long_tail.remedies import WIDTH, Remedy

__all__ = ["Budget", "Outcome", "train"]


@dataclass(frozen=True)
class Budget:
    """What every remedy has to spend.

    The learning rate falls tenfold after ``first_drop`` and again after ``second_drop`` of the epochs.
    Deferred re-weighting starts at the first drop, as in Cao et al. 2019.
    """

    n_epochs: int = 30
    batch_size: int = 64
    momentum: float = 0.9
    first_drop: float = 0.7
    second_drop: float = 0.9

    @property
    def drops(self) -> list[int]:
        """The epochs at which the learning rate falls."""
        return [round(share * self.n_epochs) for share in (self.first_drop, self.second_drop)]


@dataclass(frozen=True)
class Outcome:
    """Recall of each class on the test set, the share of training images that are right, and seconds."""

    recalls: list[float]
    training_accuracy: float
    seconds: float


def body() -> nn.Module:
    """Return two convolutions and a hidden layer: 28 x 28 pixels to 64 features that are not negative."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 7 * 7, WIDTH),
        nn.ReLU(),
    )


def train(
    remedy: Remedy, settings: dict[str, Any], data: LongTail, test: Images, *, seed: int, budget: Budget
) -> Outcome:
    """Train from a seeded start; the body's start and the order of the batches are the same for every remedy."""
    begun = time.process_time()
    torch.manual_seed(seed)
    net = nn.Sequential(body(), remedy.head(settings))
    loss = remedy.loss(data.class_counts, budget.drops[0], settings)
    shuffle = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD(
        net.parameters(), lr=settings["lr"], momentum=budget.momentum, weight_decay=settings["weight_decay"]
    )
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, budget.drops)
    for epoch in range(budget.n_epochs):
        if hasattr(loss, "set_epoch"):
            loss.set_epoch(epoch)
        for rows in torch.randperm(len(data.y), generator=shuffle).split(budget.batch_size):
            optimizer.zero_grad()
            loss(net(data.X[rows]), data.y[rows]).backward()
            optimizer.step()
        schedule.step()
    seconds = time.process_time() - begun
    accuracy = float((_predicted(net, data.X) == data.y).float().mean())
    return Outcome(_recalls(_predicted(net, test[0]), test[1]), accuracy, seconds)


@torch.no_grad()
def _predicted(net: nn.Module, X: Tensor) -> Tensor:
    return torch.cat([net(part).argmax(1) for part in X.split(1000)])


def _recalls(predicted: Tensor, y: Tensor) -> list[float]:
    """Return the share of each class that is found."""
    return [float((predicted[y == k] == k).float().mean()) for k in range(int(y.max()) + 1)]
