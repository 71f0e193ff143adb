"""The hard-margin problem as the solvers see it, and what they hand back.

    minimise ||W||   subject to   u_ik(W) >= 1 on the wanted pairs,
                                  u_ik(W) = 0 on the tied pairs,
    u_ik(W) = <D_y w_y - D_k w_k, x_i>

Rows are already divided by their class margin, a column of ones is appended for an
intercept, and everything is scaled so that the largest row norm is near one. The
class scales D are one unless given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.geometry.margins import pair_sum, relative_margins

__all__ = ["MarginProblem", "Solved"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class MarginProblem:
    """Rows, labels and the pairs that must have a margin.

    Attributes
    ----------
    X : (n_rows, n_columns) C-contiguous array or CSR matrix
        Distinct rows; the largest Euclidean row norm is in [0.5, 1).
    y : (n_rows,) class codes
    n_classes : int
    pairs : (n_rows, n_classes) mask
        Pairs that must have a margin of 1; false at the own class.
    class_scales : (n_classes,) array or None
        Positive factors D of the class scores.
    tied : (n_rows, n_classes) mask or None
        Pairs whose margin must be 0.
    start : (n_classes, n_columns) array or None
        A direction that has positive margins on the pairs.
    tol : float
        Largest relative gap, (upper - lower) / upper of the margin, of a solution called optimal.
    time_limit : float
        Seconds, after which the status is "iteration_limit".
    """

    X: Any
    y: Codes
    n_classes: int
    pairs: Mask
    class_scales: Floats | None = None
    tied: Mask | None = None
    start: Floats | None = None
    tol: float = 1e-8
    time_limit: float = 600.0

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of W."""
        return self.n_classes, int(self.X.shape[1])

    def margins(self, W: Floats) -> Floats:
        """Return u_ik, plus infinity at the own class."""
        scaled = W if self.class_scales is None else self.class_scales[:, None] * W
        return relative_margins(self.X, self.y, scaled)

    def adjoint(self, weights: Floats) -> Floats:
        """Return sum_ik alpha_ik x~_ik of shape (n_classes, n_columns)."""
        G = pair_sum(self.X, self.y, weights)
        return G if self.class_scales is None else self.class_scales[:, None] * G


@dataclass(frozen=True, eq=False)
class Solved:
    """A direction and dual weights, before anything is measured.

    ``coef`` is (n_classes, n_columns), scaled so that the worst margin on the pairs is
    near 1. ``weights`` are alpha >= 0 of shape (n_rows, n_classes): with the dual norm,
    ||adjoint(alpha)||_dual / sum alpha bounds every margin of a unit-norm W from above.
    ``status`` is "optimal", "inaccurate", "infeasible", "iteration_limit" or
    "numerical_error"; infeasible means that alpha combine to (nearly) nothing.
    """

    coef: Floats
    weights: Floats
    status: str
    n_iterations: int
    method: str
