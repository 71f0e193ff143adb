"""What is minimised, in coordinates, and what it has cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import DataError
from marginscope.fitting.coordinates import balanced_coordinates, same_coordinates
from marginscope.fitting.rows import Rows
from marginscope.geometry.margins import is_sparse
from marginscope.objectives import LinearObjective

__all__ = ["Problem", "problem_of"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
# means of columns over their spread up to which single precision serves
_MOST_OFFSET = 1e3
_ENTRIES = 2**18


@dataclass(eq=False)
class Problem:
    """A loss on rows plus a ridge, as a function of theta.

    Attributes
    ----------
    rows : Rows
    ridge : (n_columns,)
        Of every column in the coordinates; 0 for the intercept.
    total : float
        Sum of the sample weights: gradients are measured against it.
    share : float
        Part of the rows of the whole problem; what a pass over these rows counts.
    passes : float
        Passes made so far.
    """

    rows: Rows
    ridge: Floats
    total: float
    share: float = 1.0
    passes: float = field(default=0.0, init=False)

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of theta."""
        return self.rows.objective.shape

    def value_and_gradient(self, theta: Floats) -> tuple[float, Floats]:
        """Return the value and its gradient in theta; a value that overflows is infinite."""
        self.passes += self.share
        with np.errstate(over="ignore", invalid="ignore"):
            value, gradient = self.rows.value_and_gradient(theta)
        penalised = self.ridge * theta
        value += 0.5 * float((penalised * theta).sum())
        return (value if np.isfinite(value) else np.inf), gradient + penalised

    def gradient_norm(self, gradient: Floats) -> float:
        """Return the largest entry of the gradient in the plain coefficients over the sum of weights."""
        at = self.rows.coordinates
        plain = gradient.copy()
        inner = plain[:, : len(at.size)]
        inner *= at.size
        if at.fit_intercept:
            inner += plain[:, -1:] * at.mean
        return float(np.abs(plain).max(initial=0.0) / self.total)

    def in_single_precision(self) -> Problem:
        """Return the same problem with products in single precision, where columns vary enough for that."""
        rows, at = self.rows, self.rows.coordinates
        tame = np.all((np.abs(at.mean) <= _MOST_OFFSET * at.size) & (at.size > 1e-15) & (at.size < 1e15))
        if is_sparse(rows.objective.X) or not tame:
            return self
        return Problem(Rows(rows.objective, at, np.float32), self.ridge, self.total)

    def sample(self, chosen: Codes, factor: float) -> Problem:
        """Return the problem on some rows, their weights multiplied; dense rows in single precision."""
        whole = self.rows
        base, at = whole.objective, whole.coordinates
        adjustment = base.adjustment.on_rows(chosen, factor)
        X: Any
        dtype: Any = np.float64
        if is_sparse(base.X):
            X = base.X[chosen]
        else:
            dtype = np.float32
            X = np.empty((len(chosen), whole.n_features), dtype)
            step = max(1, _ENTRIES // max(1, whole.n_features))
            for first in range(0, len(chosen), step):
                part = chosen[first : first + step]
                X[first : first + len(part)] = (base.X[part] - at.mean) / at.size
            at = same_coordinates(whole.n_features, fit_intercept=base.fit_intercept)
        objective = base.on_data(X, base.y[chosen], adjustment)
        return Problem(Rows(objective, at, dtype), self.ridge, self.total, self.share * len(chosen) / whole.n_samples)


def problem_of(objective: LinearObjective) -> Problem:
    """Return the problem of an objective, without the rows of weight zero.

    Raises
    ------
    DataError
        If no row is left.
    """
    adjustment, X, y = objective.adjustment, objective.X, objective.y
    if adjustment.sample_weights is not None and not np.all(adjustment.sample_weights > 0.0):
        kept = np.flatnonzero(adjustment.sample_weights > 0.0)
        if not len(kept):
            raise DataError(f"a row of positive weight is needed, but got {len(y)} of weight 0; leave the weights out")
        X, y = X[kept], y[kept]
        adjustment = adjustment.on_rows(kept)
    loss = objective.on_data(X, y, adjustment)
    total = loss.total_weight
    at = balanced_coordinates(X, fit_intercept=objective.fit_intercept, ridge_per_row=objective.ridge / total)
    ridge = np.zeros(objective.shape[1])
    ridge[: X.shape[1]] = objective.ridge / at.size**2
    return Problem(Rows(loss, at), ridge, total)
