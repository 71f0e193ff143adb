"""What an optimizer is: hyperparameters, a state, and a step."""

from __future__ import annotations

from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from marginscope.descent.slope import Slope

__all__ = ["Optimizer", "State"]

Floats = NDArray[np.float64]
State: TypeAlias = dict[str, Floats]


class Optimizer(Protocol):
    """A first-order method, as a frozen dataclass of its hyperparameters.

    ``name`` is its public name and ``norm`` the norm whose largest margin it tends to on
    separable data with an exponential tail, or None if none is known. ``is_normalized``
    says that the length of a step does not depend on the length of the gradient.
    ``init(W)`` returns the state before the first step, arrays by name; a state holds
    all that the next step needs, so that a run can be stopped and resumed exactly.
    ``step(slope, state, step_size)`` returns what is subtracted from W and the next state.
    """

    @property
    def name(self) -> str: ...
    @property
    def norm(self) -> str | None: ...
    @property
    def is_normalized(self) -> bool: ...
    def init(self, W: Floats) -> State: ...
    def step(self, slope: Slope, state: State, step_size: float) -> tuple[Floats, State]: ...
