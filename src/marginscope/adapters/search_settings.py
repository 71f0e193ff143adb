"""Set parameters of a model also where a search varies them: by moving its grids."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from marginscope.adapters.capacity import limits
from marginscope.adapters.penalties import penalty_knobs
from marginscope.adapters.searched_values import Search, listed_values, searches
from marginscope.adapters.training_knobs import training_knobs

__all__ = ["Setting", "settings"]

# What a value of a grid becomes.
_Move = Callable[[Any], Any]


@dataclass(frozen=True)
class Setting:
    """One argument of ``set_params``: its deep name, its value, and code that makes the value from ``model``."""

    name: str
    value: Any
    code: str


def settings(estimator: Any, changed: Mapping[str, Any]) -> tuple[Setting, ...]:
    """Return what to set so that parameters change, whether or not a search varies them.

    Parameters
    ----------
    estimator : object
        Not changed.
    changed : mapping
        New values by deep parameter name. Where a search varies a parameter that is a knob,
        the new value is that of the end of its grid which the knob names: all values of the
        grid move by the same factor, within the range of the knob. Of other parameters the
        grid is left with the new value alone.
    """
    rest = dict(changed)
    found = []
    for one in searches(estimator):
        keys = {f"{one.inner}__{key}": key for grid in one.grids for key in grid}
        moves = {path: _move(estimator, path, value) for path, value in changed.items() if path in keys}
        if not moves:
            continue
        found.append(_grids(one, {keys[path]: move for path, move in moves.items()}))
        for path, move in moves.items():
            # A grid that leaves the parameter out uses the model's own value.
            if all(keys[path] in grid for grid in one.grids):
                rest.pop(path)
            else:
                rest[path] = move(estimator.get_params(deep=True).get(path))
    return (*found, *(Setting(path, value, repr(value)) for path, value in rest.items()))


def _grids(search: Search, moves: Mapping[str, _Move]) -> Setting:
    at = search.grids_at
    present = f"model.{at}" if "__" not in at else f"model.get_params()[{at!r}]"
    grids, code = [], []
    for number, grid in enumerate(search.grids):
        here = present if search.is_one else f"{present}[{number}]"
        moves_here = {key: move for key, move in moves.items() if key in grid}
        # A distribution gives way to the new value alone.
        moved = {
            key: _without_repeats(map(move, search.listed(grid[key]) or (None,))) for key, move in moves_here.items()
        }
        grids.append({**grid, **moved})
        new = ", ".join(f"{key!r}: {values!r}" for key, values in moved.items())
        code.append(f"{{**{here}, {new}}}" if moved else here)
    if search.is_one:
        return Setting(at, grids[0], code[0])
    return Setting(at, grids, f"[{', '.join(code)}]")


def _move(estimator: Any, path: str, new: Any) -> _Move:
    """Return what becomes of each value of a grid when the end that the knob names becomes ``new``."""
    limit = limits(estimator).get(path)
    if limit is not None and limit.cut(limit.largest(listed_values(estimator, path) or (new,)), new) == new:
        return lambda value: limit.cut(value, new)
    for penalty in penalty_knobs(estimator):
        if penalty.path == path:
            return _by_factor(penalty.value, new, penalty.lowest, penalty.highest)
    for knob in training_knobs(estimator):
        if knob.path == path:
            return _by_factor(knob.value, new, 1.0 if isinstance(knob.value, int) else 0.0, knob.highest)
    return lambda _: new


def _by_factor(end: float, new: Any, lowest: float, highest: float) -> _Move:
    if isinstance(new, bool) or not isinstance(new, numbers.Real) or end == 0.0 or math.isinf(end):
        # No factor leads from a penalty that is absent, or to a rule, such as "theory".
        return lambda value: value if new == end else new
    if new == end:
        return lambda value: value
    factor = float(new) / end
    is_whole = isinstance(end, int) and isinstance(new, int)

    def move(value: Any) -> Any:
        if value is None or math.isinf(value):
            return new
        moved = min(max(value * factor, min(lowest, value)), max(highest, value))
        return round(moved) if is_whole else float(f"{moved:.12g}")

    return move


def _without_repeats(values: Iterable[Any]) -> list[Any]:
    kept: list[Any] = []
    for value in values:
        if not any(value is other or (type(value) is type(other) and value == other) for other in kept):
            kept.append(value)
    return kept
