"""What the searches inside a model vary, and between which values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from marginscope.adapters.components import components, own_params

__all__ = ["Search", "listed_values", "notes_on_searches", "searched_paths", "searches"]

_LISTS = ("param_grid", "param_distributions")
# Spaces of other packages: their pairs of numbers are ends of a range, no list.
_GRIDS = (*_LISTS, "search_spaces")


@dataclass(frozen=True)
class Search:
    """The grids of one search.

    Attributes
    ----------
    grids_at : str
        Deep name of the parameter that holds the grids.
    inner : str
        Deep name of the model that is searched over.
    grids : tuple of mapping
    is_one : bool
        Whether the parameter is one mapping, not a list of them.
    resource : str
        Deep name of a parameter that the search raises round by round, empty without one.
    """

    grids_at: str
    inner: str
    grids: tuple[Mapping[str, Any], ...]
    is_one: bool
    resource: str = ""

    def values(self, key: str) -> tuple[tuple[Any, ...] | None, ...]:
        """Return what every grid lists for a parameter: ``()`` where it is left out, ``None`` for a distribution."""
        return tuple(self.listed(grid[key]) if key in grid else () for grid in self.grids)

    def listed(self, values: Any) -> tuple[Any, ...] | None:
        """Return the entries of one parameter in a grid, ``None`` if it is a distribution."""
        if hasattr(values, "rvs") or self.grids_at.endswith("search_spaces") or isinstance(values, str):
            return None
        return tuple(one.item() if isinstance(one, np.generic) else one for one in values)


def searches(estimator: Any) -> Iterator[Search]:
    """Yield every search in a model: whatever has an ``estimator`` and grids of its parameters."""
    for path, component in components(estimator).items():
        params = own_params(component)
        for name in _GRIDS:
            given = params.get(name)
            grids = tuple(given) if isinstance(given, list | tuple) else (given,)
            if not all(isinstance(grid, Mapping) for grid in grids):
                continue
            prefix = f"{path}__" if path else ""
            raised = params.get("resource")
            resource = f"{prefix}estimator__{raised}" if raised not in (None, "n_samples") else ""
            yield Search(f"{prefix}{name}", f"{prefix}estimator", grids, isinstance(given, Mapping), resource)


def searched_paths(estimator: Any) -> frozenset[str]:
    """Return deep parameters that a search sets anew in every fit."""
    found = {f"{one.inner}__{key}" for one in searches(estimator) for grid in one.grids for key in grid}
    return frozenset(found | {one.resource for one in searches(estimator) if one.resource})


def listed_values(estimator: Any, path: str) -> tuple[Any, ...] | None:
    """Return the values that a parameter takes in the fits of a model.

    Parameters
    ----------
    path : str
        Deep parameter name.

    Returns
    -------
    tuple or None
        The present value alone where no search varies it; all values of the grids otherwise,
        and the present one with them where some grid leaves it out. ``None`` if it is drawn
        from a distribution, raised as a resource, or part of a component that is searched over.
    """
    present = (estimator.get_params(deep=True).get(path),)
    found: list[Any] = []
    for one in searches(estimator):
        if not path.startswith(f"{one.inner}__"):
            continue
        key = path[len(one.inner) + 2 :]
        lists = one.values(key)
        if path == one.resource or None in lists:
            return None
        if any(lists):
            found += [value for values in lists for value in (values or present)]
        elif any(key.startswith(f"{other}__") for grid in one.grids for other in grid):
            return None
    return tuple(found) or present


def notes_on_searches(estimator: Any) -> tuple[str, ...]:
    """Return a sentence for every search whose values are not listed."""
    notes = []
    for one in searches(estimator):
        names = dict.fromkeys(key for grid in one.grids for key in grid if None in one.values(key))
        if names:
            notes.append(
                f"The search draws {', '.join(names)} from a distribution, which is not changed: no weaker or "
                "stronger value is tried there. Give a list of values to have them tried."
            )
        if one.resource:
            name = one.resource[len(one.inner) + 2 :]
            notes.append(f"The search raises {name} as its resource, which is not changed: no other value is tried.")
    return tuple(notes)
