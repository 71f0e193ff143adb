"""Objectives on some of the rows: mini-batches are an oracle, not an optimizer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.objectives import LinearObjective

__all__ = ["MinibatchObjective", "on_rows"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


def on_rows(objective: LinearObjective, rows: Codes, *, factor: float = 1.0) -> LinearObjective:
    """Return the objective of some rows, their losses multiplied by a factor; the ridge stays whole."""
    adjustment = objective.adjustment.on_rows(rows, factor)
    return objective.on_data(objective.X[rows], objective.y[rows], adjustment, ridge=objective.ridge)


class MinibatchObjective:
    """Random batches of an objective, every row once an epoch, scaled to the risk of all rows.

        E R_B(W) = R(W),    R_B = N / |B| sum_{i in B} omega_i psi(u_i)

    The last batch of an epoch is smaller where the size does not divide the number of rows.

    Parameters
    ----------
    objective : LinearObjective
    batch_size : int
    rng : numpy.random.Generator
    """

    def __init__(self, objective: LinearObjective, batch_size: int, rng: np.random.Generator) -> None:
        self.objective, self.batch_size, self.rng = objective, batch_size, rng
        self.order: Codes = np.zeros(0, dtype=np.intp)
        self.position = 0

    def draw(self) -> LinearObjective:
        """Return the objective of the next batch."""
        n = len(self.objective.y)
        if self.position >= len(self.order):
            self.order, self.position = self.rng.permutation(n), 0
        rows = self.order[self.position : self.position + self.batch_size]
        self.position += len(rows)
        return on_rows(self.objective, rows, factor=n / len(rows))

    def state(self) -> dict[str, Any]:
        """Return all that the next batches depend on, as plain JSON values."""
        return {
            "order": self.order.tolist(),
            "position": self.position,
            "generator": self.rng.bit_generator.state,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.order = np.array(state["order"], dtype=np.intp)
        self.position = int(state["position"])
        self.rng.bit_generator.state = state["generator"]
