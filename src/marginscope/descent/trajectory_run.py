"""One run of a trajectory: its recorded steps, W at each, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.descent.step_size import StepSize

__all__ = ["MEANINGS", "Run"]

Floats = NDArray[np.float64]

MEANINGS = {
    "completed": "all steps were taken",
    "stationary": "the gradient is zero to rounding: a minimum, or rows at zero loss",
    "stalled": "steps are below the rounding of W: nothing moves any more",
    "stopped": "a condition that was asked for is met",
    "diverged": "W is not finite, or the loss rose without bound",
    "inaccurate": "the integrator could not keep its tolerance",
}


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """One run.

    Attributes
    ----------
    log_steps : (n_records,) array
        Natural logarithms of the recorded steps, which may be beyond the range of floats;
        minus infinity for step 0.
    W : (n_records, n_classes, n_columns) array
        The intercept as last column, if there is one.
    status : str
        A key of ``MEANINGS``.
    step_size : StepSize
    error : (n_records,) array or None
        Estimated relative error of W where steps were not taken one by one.
    """

    log_steps: Floats
    W: Floats
    status: str
    step_size: StepSize
    error: Floats | None = None
