"""The training loop of a compiled Keras model: batches in an order of our own, on any backend."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["train_model"]

Arrays = tuple[NDArray[Any], ...]


def train_model(
    model: Any, arrays: Arrays, held: Arrays | None, *, n_epochs: int, batch_size: int, patience: int, rng: Any
) -> dict[str, Any]:
    """Train a compiled model in place, by its own ``train_on_batch``.

    Parameters
    ----------
    arrays : rows, targets and, where there are any, weights
    held : the same of rows held back, optional
        With them training stops after ``patience`` epochs without a smaller loss on them, and
        the weights of the best epoch are put back.

    Returns
    -------
    dict
        "loss" (n_epochs,), the mean over the rows while training, and "validation_loss".

    Warns
    -----
    ConvergenceWarning
        If the loss is no longer finite; the last finite weights are kept.
    """
    seen: list[float] = []
    outside: list[float] = []
    best: Any = None
    for epoch in range(n_epochs):
        before = model.get_weights()
        total = 0.0
        for batch in _batches(arrays, batch_size, rng):
            # Some versions of Keras average over all batches since the last reset.
            model.reset_metrics()
            total += len(batch[0]) * float(model.train_on_batch(*batch, return_dict=True)["loss"])
        seen.append(total / len(arrays[0]))
        if not np.isfinite(seen[-1]) or not all(np.isfinite(one).all() for one in model.get_weights()):
            model.set_weights(before)
            _warn_diverged(epoch)
            break
        if held is None:
            continue
        model.reset_metrics()
        outside.append(float(model.test_on_batch(*held, return_dict=True)["loss"]))
        if outside[-1] <= min(outside):
            best = model.get_weights()
        if len(outside) - 1 - int(np.argmin(outside)) >= patience:
            break
    if best is not None:
        model.set_weights(best)
    found: dict[str, Any] = {"loss": np.array(seen)}
    return found if held is None else {**found, "validation_loss": np.array(outside)}


def _batches(arrays: Arrays, size: int, rng: np.random.Generator) -> Iterator[Arrays]:
    """Yield the rows in a new order; a last batch of one row, on which a batch norm fails, joins the one before."""
    n_rows = len(arrays[0])
    order = rng.permutation(n_rows)
    starts = [0, *range(size, n_rows - 1, size)]
    for start, stop in zip(starts, [*starts[1:], n_rows], strict=True):
        yield tuple(one[order[start:stop]] for one in arrays)


def _warn_diverged(epoch: int) -> None:
    from sklearn.exceptions import ConvergenceWarning

    warnings.warn(
        f"a finite loss is needed, but training diverged in epoch {epoch + 1}; the weights before that epoch are kept, "
        "take a smaller learning_rate",
        ConvergenceWarning,
        stacklevel=4,
    )
