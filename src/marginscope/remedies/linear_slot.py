"""Where a model has its joint linear fit, and the same fit with any loss in its place."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Any

from marginscope.adapters.components import is_named, own_params, steps_of, values_in_use
from marginscope.remedies.recipe import CannotAct, Recipe, Situation
from marginscope.remedies.shares import need_refit

__all__ = ["LinearSlot", "linear_recipe", "linear_slot", "linear_snippet"]

_OURS = ("MarginClassifier", "GradientDescentClassifier")
# Fitted one against the rest by scikit-learn: class-dependent losses have no place there.
_REFUSED = {
    "LogisticRegressionCV": "it chooses its penalty by cross-validation of its own",
    "SGDClassifier": "it fits each class against the rest",
    "RidgeClassifier": "it fits each class against the rest",
    "OneVsRestClassifier": "it fits each class against the rest",
}


@dataclass(frozen=True)
class LinearSlot:
    """A linear fit inside a model.

    Attributes
    ----------
    path : str
        Deep parameter name of the step that holds it, empty where it is the whole model.
    loss : str or Template
        Its own loss, or the nearest joint one.
    kept : dict
        Parameters that a fit in its place keeps.
    own : object or None
        The estimator itself where its loss can be changed in place.
    """

    path: str
    loss: Any
    kept: dict[str, Any]
    own: Any = None


def linear_slot(situation: Situation) -> LinearSlot:
    """Find the linear fit of a model, behind any steps of pipelines.

    Raises
    ------
    CannotAct
        If its loss cannot be exchanged.
    """
    need_refit(situation)
    path, model = "", situation.view.estimator
    while steps := steps_of(model):
        name, model = steps[-1]
        path = f"{path}__{name}" if path else name
    if is_named(model, *_OURS):
        return LinearSlot(path, own_params(model)["loss"], {}, model)
    kind = type(model).__name__
    for name, reason in _REFUSED.items():
        if is_named(model, name):
            raise CannotAct(f"the loss of {kind} cannot be exchanged: {reason}")
    if is_named(model, "LogisticRegression"):
        return _logistic(path, model, situation)
    if is_named(model, "LinearSVC"):
        return _support_vectors(path, model)
    raise CannotAct(f"the training loss of {kind} cannot be exchanged; those of linear models and networks can")


def _logistic(path: str, model: Any, situation: Situation) -> LinearSlot:
    params = values_in_use(model)
    if params.get("penalty") in ("l1", "elasticnet") or params.get("l1_ratio"):
        raise CannotAct("the loss cannot be exchanged beside an L1 penalty")
    is_split = params.get("multi_class") == "ovr" or params.get("solver") == "liblinear"
    if is_split and int((situation.counts > 0).sum()) > 2:
        raise CannotAct("the loss cannot be exchanged: this model fits each class against the rest")
    C = math.inf if params.get("penalty", "l2") in (None, "none") else params["C"]
    kept = {"C": C, "fit_intercept": params["fit_intercept"], "class_weight": params["class_weight"]}
    return LinearSlot(path, "cross_entropy", kept)


def _support_vectors(path: str, model: Any) -> LinearSlot:
    params = values_in_use(model)
    if params["penalty"] != "l2":
        raise CannotAct("the loss cannot be exchanged beside an L1 penalty")
    kept = {name: params[name] for name in ("C", "fit_intercept", "class_weight")}
    return LinearSlot(path, "squared_weston_watkins", kept)


def linear_recipe(name: str, situation: Situation, *, loss: Any = None, **options: Any) -> Recipe:
    """Return the model with ``MarginClassifier`` in place of its linear fit.

    Parameters
    ----------
    name : str
        Of the recipe.
    loss : str or Template, optional
        Default the model's own.
    **options
        Of ``MarginClassifier``; ``own_shifts`` is that of ``OwnMarginClassifier``.

    Raises
    ------
    CannotAct
        If the model has no linear fit whose loss can be exchanged.
    """
    slot = linear_slot(situation)
    loss = slot.loss if loss is None else loss
    if slot.own is not None:
        fit = _changed_in_place(slot.own, loss, options)
    else:
        fit = _new_fit(loss, {**slot.kept, **options})
    expression = _expression(fit)
    if slot.path:
        return Recipe(name, situation.view.with_params(**{slot.path: fit}), expression=f"{slot.path}={expression}")
    return Recipe(name, fit, expression=expression)


def _new_fit(loss: Any, options: dict[str, Any]) -> Any:
    from marginscope.estimators.margin_classifier import MarginClassifier
    from marginscope.remedies.own_margins import OwnMarginClassifier

    options = {key: value for key, value in options.items() if value is not None}
    if "own_shifts" in options:
        return OwnMarginClassifier(loss=loss, **options)
    return MarginClassifier(loss=loss, **options)


def _changed_in_place(own: Any, loss: Any, options: dict[str, Any]) -> Any:
    from sklearn.base import clone

    params = own_params(own)
    unknown = [key for key in options if key not in params]
    if unknown == ["own_shifts"] and is_named(own, "MarginClassifier"):
        kept = {key: value for key, value in params.items() if key not in ("loss", "class_margins", "class_scales")}
        for key in ("logit_adjustment", "solver"):
            kept.pop(key, None)
        return _new_fit(loss, {**kept, **options})
    if unknown:
        what = unknown[0].replace("_", " ")
        raise CannotAct(f"the loss of {type(own).__name__} has no {what}; that of MarginClassifier has")
    return clone(own).set_params(loss=loss, **options)


def linear_snippet(recipe: Recipe) -> str:
    """Return code that puts the fit of the recipe into the model."""
    inside, _, rest = recipe.expression.partition("=")
    is_step = inside.isidentifier()
    kind = (rest if is_step else recipe.expression).partition("(")[0]
    module = "marginscope" if kind != "OwnMarginClassifier" else "marginscope.remedies.own_margins"
    line = f"model.set_params({recipe.expression})" if is_step else f"model = {recipe.expression}"
    return f"from {module} import {kind}\n\n{line}\nmodel.fit(X, y)"


def _expression(fit: Any) -> str:
    """Return the constructor call; numbers without quotes, infinity as a call."""
    import inspect

    defaults = {name: one.default for name, one in inspect.signature(type(fit).__init__).parameters.items()}
    parts = []
    for name, value in fit.get_params(deep=False).items():
        if value is defaults.get(name) or (type(value) is type(defaults.get(name)) and value == defaults.get(name)):
            continue
        is_infinite = isinstance(value, numbers.Real) and math.isinf(value)
        parts.append(f"{name}=float('inf')" if is_infinite else f"{name}={value!r}")
    return f"{type(fit).__name__}({', '.join(parts)})"
