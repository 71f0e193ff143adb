"""The regularised optimum of an objective: one solver a file; being in ``SOLVERS`` is being tested."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.fitting.limited_memory import lbfgs
from marginscope.fitting.newton import Point, Stopping
from marginscope.fitting.newton_cg import newton_cg
from marginscope.fitting.newton_gram import newton_gram
from marginscope.fitting.problem import Problem
from marginscope.fitting.subsampled import subsampled

__all__ = ["SOLVERS", "Solver"]


@dataclass(frozen=True)
class Solver:
    """A way to the optimum.

    Attributes
    ----------
    name : str
    run : callable
        Goes from theta to a point that the stopping rule accepts.
    max_iter : int
        Steps that are enough for all but the strangest data.
    """

    name: str
    run: Callable[[Problem, NDArray[np.float64], Stopping, np.random.Generator], Point]
    max_iter: int


SOLVERS: tuple[Solver, ...] = (
    Solver("lbfgs", lbfgs, 15000),
    Solver("newton-cg", newton_cg, 500),
    Solver("newton-gram", newton_gram, 500),
    Solver("subsampled", subsampled, 500),
)
