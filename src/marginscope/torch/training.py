"""The training loop of a network: minibatches of rows that lie in one tensor."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from marginscope._validation import look_up
from marginscope.exceptions import UsageError
from marginscope.torch.endings import Ending
from marginscope.torch.optimizers import Muon, NormalizedDescent, NuclearDescent, SignDescent, SpectralDescent
from marginscope.torch.row_losses import RowLoss

__all__ = ["OPTIMIZERS", "Recipe", "TrainingRows", "train"]

_OURS = {
    "sign": SignDescent,
    "normalized": NormalizedDescent,
    "spectral": SpectralDescent,
    "muon": Muon,
    "nuclear": NuclearDescent,
}
OPTIMIZERS = ("sgd", "adam", "adamw", *_OURS)


@dataclass(frozen=True)
class Recipe:
    """How long and with what steps to train; see ``NetworkClassifier``."""

    optimizer: Any = "adam"
    learning_rate: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 0.0
    n_epochs: int = 20
    batch_size: int = 64
    patience: int | None = None

    def make_optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        """Return the optimizer of the trainable parameters."""
        parameters = [p for p in network.parameters() if p.requires_grad]
        if not parameters:
            raise UsageError(
                "a network with parameters to train is needed, but it has none with requires_grad; unfreeze some"
            )
        if callable(self.optimizer):
            made: torch.optim.Optimizer = self.optimizer(parameters, self.learning_rate)
            return made
        look_up("optimizer", self.optimizer, dict.fromkeys(OPTIMIZERS))
        settings: dict[str, Any] = {"lr": self.learning_rate, "weight_decay": self.weight_decay}
        if self.optimizer in _OURS:
            ours: torch.optim.Optimizer = _OURS[self.optimizer](parameters, momentum=self.momentum, **settings)
            return ours
        if self.optimizer == "sgd":
            return torch.optim.SGD(parameters, momentum=self.momentum, **settings)
        kind = torch.optim.Adam if self.optimizer == "adam" else torch.optim.AdamW
        # One kernel for all parameters: small networks spend most of a step on starting many.
        fits = all(p.is_floating_point() and p.device.type in ("cpu", "cuda") for p in parameters)
        return kind(parameters, fused=fits, **settings)


@dataclass(frozen=True)
class TrainingRows:
    """Inputs (n, ...), class numbers (n,), weights (n,) of mean 1 or None, on one device."""

    X: Tensor
    codes: Tensor
    weights: Tensor | None = None

    def at(self, rows: Tensor) -> TrainingRows:
        """Return some of the rows."""
        return TrainingRows(self.X[rows], self.codes[rows], None if self.weights is None else self.weights[rows])

    def loss(self, loss: RowLoss, outputs: Tensor) -> Tensor:
        """Return the loss of these rows; a mean of weight times loss where there are weights."""
        if self.weights is None:
            return loss.whole(outputs, self.codes)
        return loss.weighted(outputs, self.codes, self.weights)


@dataclass
class History:
    """One entry an epoch, measured while training: every row before the step that used it."""

    n_classes: int
    counts: Tensor
    class_loss: list[NDArray[np.float64]] = field(default_factory=list)
    class_recall: list[NDArray[np.float64]] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)

    def add(self, loss: RowLoss, outputs: Tensor, codes: Tensor) -> float:
        """Take the outputs of an epoch; return its mean loss."""
        right = (outputs.argmax(dim=1) == codes).to(torch.float64)
        self.class_recall.append(self._by_class(right, codes))
        if loss.by_row is None:
            self.class_loss.append(np.full(self.n_classes, np.nan))
            self.loss.append(float(loss.whole(outputs, codes)))
        else:
            by_row = loss.by_row(outputs, codes).to(torch.float64)
            self.class_loss.append(self._by_class(by_row, codes))
            self.loss.append(float(by_row.mean()))
        return self.loss[-1]

    def _by_class(self, values: Tensor, codes: Tensor) -> NDArray[np.float64]:
        sums = torch.zeros(self.n_classes, dtype=torch.float64, device=codes.device)
        means = sums.index_add_(0, codes, values) / self.counts
        return np.asarray(means.cpu().numpy())

    def as_dict(self) -> dict[str, Any]:
        """Return arrays over the epochs, and the entropy of the class shares in nats."""
        counts = self.counts.cpu().numpy()
        shares = counts[counts > 0] / counts.sum()
        found = {
            "loss": np.array(self.loss),
            "class_loss": np.array(self.class_loss).reshape(-1, self.n_classes),
            "class_recall": np.array(self.class_recall).reshape(-1, self.n_classes),
            "prior_entropy": float(-(shares * np.log(shares)).sum()),
        }
        return {**found, "validation_loss": np.array(self.validation_loss)} if self.validation_loss else found


def train(
    network: nn.Module,
    ending: Ending,
    loss: RowLoss,
    rows: TrainingRows,
    recipe: Recipe,
    *,
    n_classes: int,
    seed: int,
    validation: TrainingRows | None = None,
    after_first_epoch: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Train a network in place; it ends in evaluation mode.

    Parameters
    ----------
    validation : TrainingRows, optional
        With them training stops after ``recipe.patience`` epochs without a smaller loss on
        them, and the weights of the best epoch are put back.
    after_first_epoch : callable, optional

    Returns
    -------
    dict
        ``History.as_dict``.

    Warns
    -----
    ConvergenceWarning
        If the loss is no longer finite; the last finite weights are kept.
    """
    optimizer = recipe.make_optimizer(network)
    counts = torch.bincount(rows.codes, minlength=n_classes).to(torch.float64)
    history = History(n_classes, counts)
    generator = torch.Generator().manual_seed(seed)
    best, best_loss, waited = None, float("inf"), 0
    for epoch in range(recipe.n_epochs):
        before = copy.deepcopy(network.state_dict())
        network.train()
        outputs, codes = _one_epoch(network, ending, loss, rows, optimizer, recipe.batch_size, generator)
        network.eval()
        mean = history.add(loss, outputs, codes)
        if not _is_finite(mean, network):
            network.load_state_dict(before)
            _warn_diverged(epoch, recipe)
            break
        if epoch == 0:
            after_first_epoch()
        if validation is None:
            continue
        with torch.no_grad():
            outside = float(validation.loss(loss, ending.outputs(network(validation.X))))
        history.validation_loss.append(outside)
        if outside < best_loss:
            best, best_loss, waited = copy.deepcopy(network.state_dict()), outside, 0
        else:
            waited += 1
            if waited >= (recipe.patience or 1):
                break
    if best is not None:
        network.load_state_dict(best)
    network.eval()
    return history.as_dict()


def _one_epoch(
    network: nn.Module,
    ending: Ending,
    loss: RowLoss,
    rows: TrainingRows,
    optimizer: torch.optim.Optimizer,
    batch_size: int,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Make one step a batch; return outputs and class numbers in the order they were used."""
    order = torch.randperm(len(rows.codes), generator=generator).to(rows.codes.device)
    shuffled = rows.at(order)
    seen = []
    for start, stop in _batches(len(order), batch_size):
        batch = shuffled.at(slice(start, stop))  # type: ignore[arg-type]
        optimizer.zero_grad(set_to_none=True)
        outputs = ending.outputs(network(batch.X))
        batch.loss(loss, outputs).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        seen.append(outputs.detach())
    return torch.cat(seen), shuffled.codes


def _batches(n_rows: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the bounds of the batches; a last one of one row, on which a batch norm fails, joins the one before."""
    start = 0
    while start < n_rows:
        stop = min(start + size, n_rows)
        if n_rows - stop == 1:
            stop = n_rows
        yield start, stop
        start = stop


def _is_finite(mean: float, network: nn.Module) -> bool:
    if not np.isfinite(mean):
        return False
    return all(bool(torch.isfinite(p).all()) for p in network.parameters())


def _warn_diverged(epoch: int, recipe: Recipe) -> None:
    from sklearn.exceptions import ConvergenceWarning

    warnings.warn(
        f"a finite loss is needed, but training diverged in epoch {epoch + 1} with learning_rate="
        f"{recipe.learning_rate:g}; the weights before that epoch are kept, take smaller steps",
        ConvergenceWarning,
        stacklevel=4,
    )
