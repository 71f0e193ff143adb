"""The joint form of a model put back into the wrapper it came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marginscope.adapters.components import is_named

__all__ = ["with_joint_inside"]

_GRIDS = ("param_grid", "param_distributions", "search_spaces")
# Words that mean something else, or nothing, in the joint form.
_OWN_WORDS = ("solver", "penalty", "dual", "loss", "multi_class", "intercept_scaling", "l1_ratio", "n_jobs")


def with_joint_inside(wrapper: Any, name: str, joint: Any) -> Any:
    """Return a copy of a pipeline, search or other wrapper with ``joint`` for its part ``name``.

    A search goes on over those parameters that the joint form has too; a search that
    is left with none goes, and the joint form stays with its present values.
    """
    from sklearn.base import clone

    # A search over parameters that the joint form lacks cannot be cloned with them: grids first.
    if not is_named(wrapper, "BaseSearchCV"):
        return clone(wrapper).set_params(**{name: joint})
    known = joint.get_params(deep=True)
    params = wrapper.get_params(deep=False)
    grid_name = next((one for one in _GRIDS if one in params), None)
    if grid_name is None:
        return joint
    kept = _kept(params[grid_name], known)
    if not kept:
        return joint
    return clone(wrapper).set_params(**{name: joint, grid_name: kept})


def _kept(grids: Any, known: Mapping[str, Any]) -> Any:
    if isinstance(grids, Mapping):
        renamed = {_renamed(path, known): values for path, values in grids.items()}
        return {path: values for path, values in renamed.items() if path is not None}
    return [found for found in (_kept(grid, known) for grid in grids) if found]


def _renamed(path: str, known: Mapping[str, Any]) -> str | None:
    """Return the path in the joint form, without the step ``estimator`` of one-vs-rest; ``None`` if it is gone."""
    parts = path.split("__")
    if parts[-1] in _OWN_WORDS:
        return None
    shorter = ["__".join(parts[:i] + parts[i + 1 :]) for i in range(len(parts) - 1) if parts[i] == "estimator"]
    return next((one for one in (path, *shorter) if one in known), None)
