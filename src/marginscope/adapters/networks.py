"""Networks among the models: their knobs and their inside.

An estimator that holds a network says so by a method ``network_part(X, y)``; its
parameters have fixed names, those of ``NETWORK_PARAMETERS``.
"""

from __future__ import annotations

from typing import Any

from marginscope.adapters.answers import ask, guarded, must_not_change
from marginscope.adapters.components import describe, own_params, predictors, searched_paths, unwrap
from marginscope.adapters.knobs import NetworkKnobs
from marginscope.adapters.network_part import NetworkPart

__all__ = ["NETWORK_PARAMETERS", "network_knobs", "network_part"]

# field of NetworkKnobs: name of the parameter
NETWORK_PARAMETERS = {"width": "copies", "branches": "branches", "loss": "loss"}


def network_knobs(estimator: Any) -> NetworkKnobs | None:
    """Return where a network's own parameters stand; ``None`` without a network."""
    searched = searched_paths(estimator)
    for path, part in predictors(estimator):
        found: dict[str, Any] = {}
        params = own_params(part) if hasattr(part, "network_part") else {}
        for field, name in NETWORK_PARAMETERS.items():
            whole = f"{path}__{name}" if path else name
            if name in params and whole not in searched:
                found |= {field: whole, f"{field}_value": params[name]}
        if found:
            return NetworkKnobs(**found)
    return None


def network_part(fitted: Any, X: Any, y: Any) -> NetworkPart | None:
    """Return the inside of a fitted network on rows with labels y; ``None`` without a network."""
    transformers, model = unwrap(fitted)
    if not hasattr(model, "network_part"):
        return None
    for step in transformers:
        X = ask(step, "transform", X)
    what = f"{describe(model)}.network_part"
    with guarded(what, len(y)), must_not_change(X, what):
        part: NetworkPart | None = model.network_part(X, y)
    return part
