"""When a run of descent ends before its last step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.objectives import LinearObjective

__all__ = ["Callback", "Stopping"]

Floats = NDArray[np.float64]
Callback = Callable[[int, Floats], Any]


class Stopping:
    """Asked after every record; the first rule that is met gives the reason.

    Parameters
    ----------
    tol : float
        The largest entry of the gradient on ``training``, divided by the sum of its weights,
        that ends the run; 0 never does.
    patience : int
        Records without a new least loss on ``validation`` that end it.
    training : LinearObjective
    validation : LinearObjective or None
    callbacks : sequence of callables
        Called with the step and W; a true answer ends it.

    Attributes
    ----------
    reason : str
        "", "gradient", "validation" or "callback".
    validation_losses : list of float
        Mean loss at each record.
    """

    def __init__(
        self,
        training: LinearObjective,
        validation: LinearObjective | None,
        *,
        tol: float,
        patience: int,
        callbacks: Sequence[Callback],
    ) -> None:
        self.training, self.validation = training, validation
        self.tol, self.patience, self.callbacks = tol, patience, callbacks
        self.reason = ""
        self.validation_losses: list[float] = []
        self._training_mass, self._validation_mass = training.total_weight, 1.0
        if validation is not None:
            self._validation_mass = validation.total_weight

    @property
    def best_record(self) -> int:
        """Place of the record with the least loss on validation rows; the last one without such rows."""
        return int(np.argmin(self.validation_losses)) if self.validation_losses else -1

    def __call__(self, step: int, W: Floats) -> bool:
        """Say whether to stop; all callbacks are called in any case."""
        if self.validation is not None:
            self.validation_losses.append(float(self.validation.value(W)) / self._validation_mass)
            if len(self.validation_losses) - 1 - self.best_record >= self.patience:
                self.reason = self.reason or "validation"
        if self.tol > 0.0 and not self.reason:
            largest = float(np.abs(self.training.gradient(W)).max())
            if largest <= self.tol * self._training_mass:
                self.reason = "gradient"
        answers = [bool(callback(step, W)) for callback in self.callbacks]
        if any(answers):
            self.reason = self.reason or "callback"
        return bool(self.reason)
