"""Networks among the models: their knobs and their inside.

An estimator that holds a network says so by a method ``network_part(X, y)``; its
parameters have fixed names, those of ``NETWORK_PARAMETERS``. scikit-learn's perceptron is
looked at from outside.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marginscope.adapters.answers import ask, guarded, must_not_change
from marginscope.adapters.components import describe, own_params, predictors, unwrap, value_in_use
from marginscope.adapters.knobs import NetworkKnobs
from marginscope.adapters.network_part import NetworkPart
from marginscope.adapters.perceptron_part import is_perceptron, perceptron_part
from marginscope.adapters.searched_values import listed_values, searched_paths

__all__ = ["NETWORK_PARAMETERS", "PERCEPTRON_PARAMETERS", "network_knobs", "network_part"]

# field of NetworkKnobs: name of the parameter
NETWORK_PARAMETERS = {"width": "copies", "branches": "branches", "loss": "loss", "usual_start": "usual_start"}
# its hidden layers are all there is of its trunk, and its loss is cross-entropy
PERCEPTRON_PARAMETERS = {"width": "hidden_layer_sizes", "activation": "activation"}


def network_knobs(estimator: Any) -> NetworkKnobs | None:
    """Return where a network's own parameters stand; ``None`` without a network.

    Of a width that a search varies the largest counts; what else it varies is left to it.
    """
    searched = searched_paths(estimator)
    for path, part in predictors(estimator):
        found: dict[str, Any] = {}
        names = _parameter_names(part)
        params = own_params(part) if names else {}
        for field, name in names.items():
            whole = f"{path}__{name}" if path else name
            values = listed_values(estimator, whole) if name in params else None
            if values and (whole not in searched or field == "width"):
                in_use = [value_in_use(part, name, one) for one in values]
                in_use = [_sizes(one) if name == "hidden_layer_sizes" else one for one in in_use]
                value = max(in_use, key=np.prod) if len(in_use) > 1 else in_use[0]
                found |= {field: whole, f"{field}_value": value}
        if found:
            return NetworkKnobs(**found)
    return None


def _parameter_names(part: Any) -> dict[str, str]:
    if hasattr(part, "network_part"):
        return NETWORK_PARAMETERS
    return PERCEPTRON_PARAMETERS if is_perceptron(part) else {}


def _sizes(value: Any) -> tuple[int, ...]:
    """Return hidden layer sizes as a tuple; scikit-learn takes one number for one layer."""
    return tuple(int(one) for one in value) if hasattr(value, "__iter__") else (int(value),)


def network_part(fitted: Any, X: Any, y: Any) -> NetworkPart | None:
    """Return the inside of a fitted network on rows with labels y; ``None`` without a network."""
    transformers, model = unwrap(fitted)
    if not (hasattr(model, "network_part") or is_perceptron(model)):
        return None
    for step in transformers:
        X = ask(step, "transform", X)
    what = f"{describe(model)}.network_part"
    with guarded(what, len(y)), must_not_change(X, what):
        part: NetworkPart | None = perceptron_part(model, X, y) if is_perceptron(model) else model.network_part(X, y)
    return part
