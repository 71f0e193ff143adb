"""The only loop: steps of an optimizer from one recorded step to the next.

Bits do not depend on where the loop is cut: a state holds the iterate, the optimizer's
state and that of the batches, so a run that is stopped and resumed is the run that was not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.batches import MinibatchObjective
from marginscope.descent.optimizer import Optimizer, State
from marginscope.descent.slope import Slope
from marginscope.descent.step_size import StepSize
from marginscope.descent.trajectory_run import Run
from marginscope.objectives import LinearObjective

__all__ = ["Descent", "Position", "StepsForward", "Watcher"]

Floats = NDArray[np.float64]
StepsForward = Callable[[Floats, float, int], Floats]
Watcher = Callable[[int, Floats], Any]

# the loss of a diverged run exceeds the first by this factor, in logarithms
_LARGEST_RISE = 50.0
# of a compiled loop before it is asked whether to stop or save: a fraction of a second of products
_STEPS_AT_ONCE = 1_000_000
_PRODUCTS_AT_ONCE = 400_000_000
_STEPS_BETWEEN_LOOKS = 1_000
_ROUNDING = 1e-12


@dataclass
class Position:
    """Where a run is, and the coefficients it was recorded with.

    ``status`` is "running", "completed", "stationary" (the gradient is zero), "stalled" (steps
    no longer change a bit of W), "stopped" (a watcher asked for it) or "diverged".
    """

    W: Floats
    state: State
    step: int = 0
    status: str = "running"
    steps: list[int] = field(default_factory=list)
    coefs: list[Floats] = field(default_factory=list)


@dataclass(frozen=True, eq=False, repr=False)
class Descent:
    """One run: objective, method, step sizes and the steps to record.

    ``steps_forward(W, step_size, n)`` is a compiled loop for plain gradient descent with
    constant steps, if there is one. ``watch(step, W)`` is called after each record and ends
    the run where its answer is true.
    """

    objective: LinearObjective
    optimizer: Optimizer
    step_size: StepSize
    schedule: Sequence[int]
    batches: MinibatchObjective | None = None
    dtype: Any = np.float64
    steps_forward: StepsForward | None = None
    watch: Watcher | None = None

    def start(self, W: Floats) -> Position:
        """Return the position before the first step."""
        W = np.array(W, dtype=self.dtype)
        return Position(W, self.optimizer.init(W))

    def run(self, position: Position, *, until: Callable[[], bool] | None = None) -> Position:
        """Go on to the last step of the schedule, or until told to stop; change and return the position."""
        from threadpoolctl import threadpool_limits

        # one thread of BLAS: the bits of a run depend on no setting
        with threadpool_limits(limits=1, user_api="blas"):
            return self._run(position, until)

    def recorded(self, position: Position) -> Run:
        """Return what a position has recorded."""
        with np.errstate(divide="ignore"):
            log_steps = np.asarray(np.log(np.array(position.steps, dtype=float)))
        coefs = np.array(position.coefs).reshape(-1, *self.objective.shape)
        return Run(log_steps, coefs, position.status, self.step_size)

    def _run(self, position: Position, until: Callable[[], bool] | None) -> Position:
        first = self.objective.log_value(position.coefs[0] if position.coefs else position.W.astype(float))
        for target in self.schedule:
            if target < position.step or (position.steps and target <= position.steps[-1]):
                continue
            while position.step < target and position.status == "running":
                if until is not None and until():
                    return position
                self._advance(position, min(target - position.step, self._most_steps))
                if position.step % _STEPS_BETWEEN_LOOKS == 0 and not np.all(np.isfinite(position.W)):
                    position.status = "diverged"
            if position.status in ("stationary", "stalled"):
                position.step = target
            self._record(position, target, first)
            if position.status == "running" and self.watch is not None:
                # a copy: what is recorded belongs to nobody else
                position.status = "stopped" if self.watch(target, position.coefs[-1].copy()) else "running"
            if position.status in ("diverged", "stopped"):
                return position
        if position.status == "running":
            position.status = "completed"
        return position

    @property
    def _most_steps(self) -> int:
        if self.steps_forward is None:
            return 1
        products = len(self.objective.y) * self.objective.shape[0] * self.objective.shape[1]
        return max(1, min(_STEPS_AT_ONCE, _PRODUCTS_AT_ONCE // products))

    def _advance(self, position: Position, n_steps: int) -> None:
        """Take some steps."""
        if self.steps_forward is not None:
            position.W = self.steps_forward(position.W, self.step_size.scale, n_steps)
            position.step += n_steps
            return
        objective = self.objective if self.batches is None else self.batches.draw()
        with np.errstate(over="ignore", invalid="ignore"):
            slope = Slope(objective, position.W)
            step_size = self.step_size.at(position.step)
            update, position.state = self.optimizer.step(slope, position.state, step_size)
            position.W = (position.W - update).astype(self.dtype, copy=False)
        position.step += 1

    def _record(self, position: Position, target: int, first: float) -> None:
        """Keep the coefficients and look whether the run still goes anywhere."""
        W = position.W.astype(float)
        if not np.all(np.isfinite(W)):
            position.status = "diverged"
            return
        position.steps.append(int(target))
        position.coefs.append(W)
        with np.errstate(over="ignore", invalid="ignore"):
            log_loss = self.objective.log_value(W)
        if not log_loss < max(first, 0.0) + _LARGEST_RISE:
            position.status = "diverged"
        elif position.status == "running" and self._stands_still(position):
            position.status = "stationary" if self._is_flat(W) else "stalled"

    def _is_flat(self, W: Floats) -> bool:
        """Say whether the gradient is zero, or the rounding of what cancels in it."""
        size = float(np.linalg.norm(self.objective.gradient(W)))
        weights = np.exp(self.objective.log_weights(W))
        return size <= _ROUNDING * float(weights.sum()) * float(abs(self.objective.X).max())

    def _stands_still(self, position: Position) -> bool:
        """Say whether no later step can change W: it did not change, and no state or schedule will make it."""
        if len(position.coefs) < 2 or position.state or self.batches is not None or self.step_size.decay:
            return False
        return position.steps[-1] > position.steps[-2] and bool(np.array_equal(position.coefs[-1], position.coefs[-2]))
