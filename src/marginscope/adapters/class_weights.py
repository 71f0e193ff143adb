"""Where a model takes class weights or sample weights, however deep."""

from __future__ import annotations

import inspect
from typing import Any

from marginscope.adapters.components import (
    children,
    components,
    is_named,
    own_params,
    parent_and_name,
    steps_of,
)
from marginscope.adapters.searched_values import listed_values, searched_paths

__all__ = ["class_weight_params", "weight_route"]

_NAMES = ("class_weight", "class_weights", "auto_class_weights", "scale_pos_weight", "is_unbalance")


def class_weight_params(estimator: Any) -> dict[str, Any]:
    """Return the class weights in use, by deep parameter name.

    Of weights that a search varies the first of its values counts, if all of them are weights.
    """
    if not hasattr(estimator, "get_params"):
        return {}
    known = components(estimator)
    found = {}
    for path in estimator.get_params(deep=True):
        if parent_and_name(path, known)[1] in _NAMES:
            values = listed_values(estimator, path)
            if values and all(value is not None and value is not False for value in values):
                found[path] = values[0]
    return found


def weight_route(estimator: Any) -> tuple[str, str] | None:
    """Return how balanced weights can be brought in, ``None`` if they cannot.

    In order: the model's own ``class_weight``; ``sample_weight`` of its own ``fit``
    (so that a calibrator or a booster sees the weights too); the same in what it
    wraps. A parameter that a search sets anew is passed over. Inside one-vs-rest
    the inner problems have labels 0 and 1: there only ``"balanced"`` has a meaning,
    and it balances each class against its rest.
    """
    return _route(estimator, "", searched_paths(estimator))


def _route(estimator: Any, path: str, searched: frozenset[str]) -> tuple[str, str] | None:
    def below(name: str) -> str:
        return f"{path}__{name}" if path else name

    steps = steps_of(estimator)
    if steps is not None:
        if not steps:
            return None
        name, last = steps[-1]
        route = _route(last, below(name), searched)
        # Keywords of fit are prefixed by the step alone, parameters by the whole path.
        return (route[0], f"{name}__{route[1]}") if route and route[0] == "sample_weight" else route
    if "class_weight" in own_params(estimator) and below("class_weight") not in searched:
        return ("class_weight", below("class_weight"))
    inside = children(estimator)
    if is_named(estimator, "VotingClassifier", "StackingClassifier"):
        # They hand sample_weight to every member, or fail; older ones name it in their own fit too.
        takes = all(_takes_sample_weight(part) for _, part in inside)
        return ("sample_weight", "sample_weight") if takes else None
    if _takes_sample_weight(estimator):
        return ("sample_weight", "sample_weight")
    if len(inside) != 1:
        return None
    name, part = inside[0]
    route = _route(part, below(name), searched)
    # Only a search passes unknown keywords of fit on to what it wraps, without metadata routing.
    if route and route[0] == "sample_weight" and not is_named(estimator, "BaseSearchCV"):
        return None
    return route


def _takes_sample_weight(estimator: Any) -> bool:
    fit = getattr(estimator, "fit", None)
    return fit is not None and "sample_weight" in inspect.signature(fit).parameters
