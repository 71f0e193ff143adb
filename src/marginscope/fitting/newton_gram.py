"""Newton's method with the whole Hessian: for few columns times classes, and any number of rows."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from marginscope.fitting.dense_hessian import newton_direction, without_common_part
from marginscope.fitting.newton import Point, Stopping, minimise
from marginscope.fitting.problem import Problem

__all__ = ["newton_gram"]


def newton_gram(problem: Problem, theta: NDArray[np.float64], stopping: Stopping, rng: np.random.Generator) -> Point:
    """Run Newton's method from theta."""
    start = without_common_part(theta, problem.rows.scales)
    return minimise(problem, start, partial(newton_direction, problem), stopping)
