"""What an optimizer may ask about the objective at a point, each computed when it is asked for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marginscope.descent.scaled_matrix import ScaledMatrix
from marginscope.objectives import LinearObjective

__all__ = ["Slope"]

Floats = NDArray[np.float64]


class Slope:
    """The gradient of an objective at W, in three forms.

    ``plain()`` underflows once the loss does, where it no longer moves W anyway;
    ``scaled()`` never does; ``dual_average()`` is minus the gradient with the pair
    weights divided by their sum.
    """

    def __init__(self, objective: LinearObjective, W: Floats) -> None:
        self.objective, self.W = objective, W

    def plain(self) -> Floats:
        """Return the gradient."""
        return self.objective.gradient(self.W)

    def scaled(self) -> ScaledMatrix:
        """Return the gradient as a matrix times exp of a number."""
        return ScaledMatrix(*self.objective.scaled_gradient(self.W))

    def dual_average(self) -> Floats:
        """Return sum lambda_ik x~_ik, lambda the pair weights of the loss on the simplex."""
        log_weights = self.objective.log_weights(self.W)
        largest = float(np.max(log_weights, initial=-np.inf))
        if largest == -np.inf:
            return np.zeros(self.objective.shape)
        weights = np.exp(log_weights - largest)
        return self.objective.pull_back(weights / weights.sum())
