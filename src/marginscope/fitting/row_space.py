"""More columns than rows: the optimum lies in the span of the rows.

With X = L Q', Q orthonormal, coefficients outside the span of Q change no score and cost ridge, so
coef = theta Q' and the penalty of theta is that of coef.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.geometry.margins import is_sparse
from marginscope.objectives import LinearObjective

__all__ = ["RowSpace"]

Floats = NDArray[np.float64]


class RowSpace:
    """An objective in as many columns as there are rows.

    Parameters
    ----------
    objective : LinearObjective
        With more columns than rows.
    """

    def __init__(self, objective: LinearObjective) -> None:
        X: Any = objective.X
        dense = np.asarray(X.toarray() if is_sparse(X) else X, dtype=float)
        # of R only what is needed: (n_features, n_samples) = Q R
        self._Q, R = np.linalg.qr(dense.T)
        self._fit_intercept = objective.fit_intercept
        rows = np.ascontiguousarray(R.T)
        self.objective = objective.on_data(rows, objective.y, objective.adjustment, ridge=objective.ridge)

    def inside(self, W: Floats) -> Floats:
        """Return theta of the part of W in the span of the rows."""
        coef, intercept = self._split(W)
        return np.hstack([coef @ self._Q, intercept])

    def outside(self, theta: Floats) -> Floats:
        """Return W."""
        coef, intercept = self._split(theta)
        return np.hstack([coef @ self._Q.T, intercept])

    def _split(self, W: Floats) -> tuple[Floats, Floats]:
        end = W.shape[1] - self._fit_intercept
        return W[:, :end], W[:, end:]
