"""At which steps a training loop is looked at: rarely enough to cost next to nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from marginscope.exceptions import UsageError

__all__ = ["WatchSchedule", "schedule_of"]


@dataclass
class WatchSchedule:
    """Steps at which to look, from a rule and from the time that looking took.

    Parameters
    ----------
    every : int, optional
        Look after every so many steps, whatever it costs.
    steps : frozenset of int, optional
        Look after these steps, whatever it costs.
    growth : float
        Without ``every`` and ``steps``: the next look is due at ``growth`` times the step of
        the last one, so that looks are evenly spaced on a logarithmic axis.
    share : float
        Without them: most seconds of looking a second of training. A look that is due waits
        until it and the one at the end are paid for.
    credit : float
        Seconds of looking that are free, for the first steps.
    """

    every: int | None = None
    steps: frozenset[int] | None = None
    growth: float = 1.5
    share: float = 0.03
    credit: float = 0.04
    seconds: float = 0.0
    next_step: int = 1
    last_cost: float = 0.0

    def is_due(self, step: int, elapsed: float) -> bool:
        """Say whether to look after this step; ``elapsed`` are all seconds since the start."""
        if self.steps is not None:
            return step in self.steps
        if step < self.next_step:
            return False
        if self.every is not None:
            return True
        trained = elapsed - self.seconds
        return self.seconds + 2.0 * self.last_cost <= self.credit + self.share * trained

    def looked(self, step: int, cost: float) -> None:
        """Note a look after ``step`` that took ``cost`` seconds."""
        self.seconds += cost
        self.last_cost = cost
        self.next_step = step + self.every if self.every is not None else max(step + 1, int(self.growth * step))


def schedule_of(every: Any) -> WatchSchedule:
    """Read the argument ``every``: ``"default"``, a number of steps, or the steps themselves.

    Raises
    ------
    UsageError
        If it is none of them.
    """
    if isinstance(every, str) and every == "default":
        return WatchSchedule()
    if isinstance(every, int) and not isinstance(every, bool) and every >= 1:
        return WatchSchedule(every=every, next_step=every)
    if isinstance(every, Iterable) and not isinstance(every, str | bytes):
        steps = list(every)
        if steps and all(isinstance(one, int) and not isinstance(one, bool) and one >= 0 for one in steps):
            return WatchSchedule(steps=frozenset(steps))
    raise UsageError(
        f"every must be 'default', a number of steps or the steps to look at, but got {every!r:.60}; "
        "pass every=100 to look after every hundredth step"
    )
