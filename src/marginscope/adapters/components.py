"""The parts of a composed estimator: pipelines, searches, ensembles and what is inside them.

Everything is read from ``get_params`` and from names in the class's ancestry, so
that imbalanced-learn, other packages and later scikit-learn versions fit in.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

__all__ = [
    "PREPARING",
    "children",
    "components",
    "default_of",
    "describe",
    "is_named",
    "non_default_params",
    "own_params",
    "parent_and_name",
    "predictors",
    "steps_of",
    "unwrap",
    "value_in_use",
    "values_in_use",
]

# Steps that turn raw columns into numbers; they come before any scaling.
PREPARING = (
    "ColumnTransformer",
    "FeatureUnion",
    "FunctionTransformer",
    "MissingIndicator",
    "_BaseEncoder",
    "_BaseImputer",
    "CountVectorizer",
    "HashingVectorizer",
    "TfidfTransformer",
    "DictVectorizer",
    "FeatureHasher",
    "Preparation",
)


# Entries of a list, or letters of a text, beyond which a parameter is data rather than a setting.
_MOST_ENTRIES = 10_000


def is_named(thing: Any, *names: str) -> bool:
    """Return whether the class of ``thing``, or an ancestor, has one of the names."""
    return any(parent.__name__ in names for parent in type(thing).__mro__)


def _is_component(value: Any) -> bool:
    return hasattr(value, "get_params") and not isinstance(value, type)


def own_params(component: Any) -> dict[str, Any]:
    """Return the parameters of one component, those of its parts left out."""
    return dict(component.get_params(deep=False)) if _is_component(component) else {}


def values_in_use(component: Any) -> dict[str, Any]:
    """Return the parameters of one component, and those that a subclass passes on without taking them itself."""
    hidden = {name: value for name, value in getattr(component, "__dict__", {}).items() if not name.endswith("_")}
    return hidden | own_params(component)


def value_in_use(component: Any, name: str, value: Any) -> Any:
    """Return the value that a parameter of ``None`` stands for, where the component says so by ``in_use``."""
    return component.in_use(name) if value is None and hasattr(component, "in_use") else value


def components(estimator: Any) -> dict[str, Any]:
    """Return every component by its deep parameter path; the whole is under ``""``."""
    found = {"": estimator}
    if _is_component(estimator):
        found.update((path, value) for path, value in estimator.get_params(deep=True).items() if _is_component(value))
    return found


def parent_and_name(path: str, known: Mapping[str, Any]) -> tuple[str, str]:
    """Split a deep parameter path into the component that owns it and the parameter's name."""
    owner = path
    while owner:
        owner = owner.rpartition("__")[0]
        if owner in known:
            return owner, path[len(owner) :].removeprefix("__")
    return "", path


def steps_of(estimator: Any) -> list[tuple[str, Any]] | None:
    """Return the working steps of a pipeline, ``None`` for anything else."""
    if not is_named(estimator, "Pipeline") or not hasattr(estimator, "steps"):
        return None
    return [(name, step) for name, step in estimator.steps if step is not None and not isinstance(step, str)]


def children(estimator: Any) -> list[tuple[str, Any]]:
    """Return the parts that do the predicting, each with its parameter name."""
    steps = steps_of(estimator)
    if steps is not None:
        return steps[-1:]
    params = own_params(estimator)
    parts = [(name, params[name]) for name in ("estimator", "base_estimator", "final_estimator") if name in params]
    several = params.get("estimators")
    if isinstance(several, Sequence) and not isinstance(several, str):
        parts += [pair for pair in several if isinstance(pair, tuple) and len(pair) == 2]
    return [(name, part) for name, part in parts if _is_component(part)]


def predictors(estimator: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the innermost predicting components with their paths."""
    inside = children(estimator)
    if not inside:
        yield path, estimator
    for name, part in inside:
        yield from predictors(part, f"{path}__{name}" if path else name)


def describe(estimator: Any) -> str:
    """Return what it is made of, such as ``Pipeline(StandardScaler, LogisticRegression)``."""
    steps = steps_of(estimator)
    parts = children(estimator) if steps is None else steps
    name = type(estimator).__name__
    return f"{name}({', '.join(describe(part) for _, part in parts)})" if parts else name


def unwrap(fitted: Any) -> tuple[list[Any], Any]:
    """Return the fitted transformers in front of the innermost fitted model, and that model.

    Pipelines, searches and frozen estimators are opened; ensembles and
    calibrators are not, because they hold several models.
    """
    transformers: list[Any] = []
    while True:
        steps = steps_of(fitted)
        if steps:
            transformers += [step for _, step in steps[:-1] if hasattr(step, "transform")]
            fitted = steps[-1][1]
        elif hasattr(fitted, "best_estimator_"):
            fitted = fitted.best_estimator_
        elif is_named(fitted, "FrozenEstimator"):
            fitted = fitted.estimator
        elif is_named(fitted, "BalancedWeights") and hasattr(fitted, "estimator_"):
            fitted = fitted.estimator_
        else:
            return transformers, fitted


def default_of(component: Any, name: str) -> Any:
    """Return the default of a constructor's parameter, ``inspect.Parameter.empty`` without one."""
    parameter = inspect.signature(type(component).__init__).parameters.get(name)
    return inspect.Parameter.empty if parameter is None else parameter.default


def non_default_params(estimator: Any) -> dict[str, Any]:
    """Return parameters that differ from their defaults, by deep name, in types that JSON knows."""
    changed = {}
    for path, component in components(estimator).items():
        for name, value in own_params(component).items():
            if _holds_components(value) or _is_same(value, default_of(component, name)):
                continue
            changed[f"{path}__{name}" if path else name] = _plain(value)
    return changed


def _holds_components(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_holds_components(one) for one in value)
    return _is_component(value)


def _is_same(value: Any, default: Any) -> bool:
    if value is default:
        return True
    if isinstance(value, float) and isinstance(default, float) and math.isnan(value) and math.isnan(default):
        return True
    try:
        return type(value) is type(default) and bool(value == default)
    except (TypeError, ValueError):
        return False


def _plain(value: Any) -> Any:
    """Return ``value`` in types that JSON knows, strange ones as text; whole, whoever shows it may shorten it."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(one) for key, one in value.items()}
    if isinstance(value, np.ndarray) and value.size <= _MOST_ENTRIES:
        return _plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset) and len(value) <= _MOST_ENTRIES:
        return [_plain(one) for one in value]
    if callable(value) and hasattr(value, "__name__"):
        # ufuncs of older NumPy have no qualified name
        return str(getattr(value, "__qualname__", value.__name__))
    text = " ".join(repr(value).split())
    return text if len(text) <= _MOST_ENTRIES else f"{text[: _MOST_ENTRIES - 3]}..."
