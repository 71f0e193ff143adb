"""What a fit found, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Fit", "Status"]

Status: TypeAlias = Literal["converged", "iteration_limit", "stalled"]


@dataclass(frozen=True, eq=False)
class Fit:
    """A point where the gradient is small.

    Attributes
    ----------
    coef : (n_classes, n_columns) array
        Of the shape of W: with an intercept its last column is the intercept.
    value : float
        The objective there, a sum over the rows and the penalty.
    n_iter : int
        Steps of the solver that ended the fit.
    gradient_norm : float
        The largest entry of the gradient divided by the sum of the sample weights.
    status : str
        ``"converged"``: the gradient is within the tolerance; ``"iteration_limit"``;
        ``"stalled"``: rounding leaves no step that falls.
    solver : str
        The solver that ran.
    reason : str
        One sentence that says why ``"auto"`` chose it; empty where the caller did.
    passes : int
        Products with all rows of the data, one there and one back each; those on
        part of the rows count in proportion, rounded up in the end.
    """

    coef: NDArray[np.float64]
    value: float
    n_iter: int
    gradient_norm: float
    status: Status
    solver: str
    reason: str
    passes: int

    def __repr__(self) -> str:
        return (
            f"Fit({self.status} by {self.solver} after {self.n_iter} iterations and {self.passes} passes, "
            f"value {self.value:.8g}, gradient norm {self.gradient_norm:.1e})"
        )
