"""At which steps a run is recorded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import UsageError

__all__ = ["record_steps"]

_PER_DECADE = 12
_MOST_RECORDS = 100_000


def record_steps(record: Any, n_steps: int) -> NDArray[np.int64]:
    """Return the steps to record, rising, with 0 and n_steps among them.

    Parameters
    ----------
    record : "log", int or sequence of int
        Twelve a decade, every so many steps, or these steps.
    n_steps : int

    Raises
    ------
    UsageError
        If it is none of them, or they are more than 100,000.
    """
    if isinstance(record, str):
        if record != "log":
            raise UsageError(f'record needs "log", a number of steps or a list of steps, but got {record!r}')
        decades = np.log10(max(n_steps, 1))
        grid = 10.0 ** np.linspace(0.0, decades, int(np.ceil(decades * _PER_DECADE)) + 1)
        chosen = np.minimum(np.round(grid), n_steps).astype(np.int64)
    elif isinstance(record, int | np.integer) and not isinstance(record, bool):
        if record < 1 or n_steps // record > _MOST_RECORDS:
            raise UsageError(
                f"record needs a positive number of steps that gives at most {_MOST_RECORDS:,} records, but got "
                f'{record} for {n_steps:,} steps; record="log" gives about {_PER_DECADE} a decade'
            )
        chosen = np.arange(0, n_steps + 1, record, dtype=np.int64)
    else:
        chosen = _given_steps(record, n_steps)
    return np.unique(np.concatenate([[0], chosen, [n_steps]])).astype(np.int64)


def _given_steps(record: Any, n_steps: int) -> NDArray[np.int64]:
    try:
        steps = np.asarray(record)
        valid = steps.ndim == 1 and np.issubdtype(steps.dtype, np.number) and bool(np.all(steps == np.round(steps)))
    except (TypeError, ValueError):
        valid = False
    if not valid or len(steps) > _MOST_RECORDS or bool(np.any((steps < 0) | (steps > n_steps))):
        raise UsageError(
            f"record needs whole steps between 0 and n_steps = {n_steps:,}, at most {_MOST_RECORDS:,}, but got "
            f'{record!r:.60}; record="log" needs no list'
        )
    return steps.astype(np.int64)
