"""Any model a user may have, as a ModelView."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from marginscope.adapters.keras_building import is_keras_model
from marginscope.adapters.model_view import ModelView
from marginscope.adapters.predictions import Predictions
from marginscope.exceptions import ModelError

__all__ = ["as_model_view", "register_view"]

_OTHERS: dict[str, Callable[..., ModelView]] = {}

_WRONG_KIND = {
    "regressor": "it is a regressor; a classifier predicts labels",
    "clusterer": "it is a clusterer, whose numbers are no classes",
    "outlier_detector": "it detects outliers",
    "density_estimator": "it estimates a density",
    "transformer": "it is a transformer",
}


def register_view(package: str, open_view: Callable[..., ModelView]) -> None:
    """Let models whose class descends from ``package`` be opened by ``open_view(model, seed=...)``."""
    _OTHERS[package] = open_view


def _opener(model: Any) -> Callable[..., ModelView] | None:
    """Return who opens models of another package than scikit-learn; it is loaded for such a model only."""
    ancestry = {parent.__module__.partition(".")[0] for parent in type(model).__mro__}
    if "keras" in ancestry and is_keras_model(model):
        # Before torch: on that backend a Keras model is a torch module too.
        from marginscope.adapters.keras_model import KerasView

        return KerasView
    if "torch" in ancestry:
        if hasattr(model, "fit") and hasattr(model, "predict"):
            return None
        importlib.import_module("marginscope.torch.model_view")
    return next((open_view for package, open_view in _OTHERS.items() if package in ancestry), None)


def as_model_view(model: Any, *, seed: int) -> ModelView:
    """Return the view of a model.

    Parameters
    ----------
    model : object
        A ``Predictions``, a classifier with scikit-learn's methods (fitted or not,
        also a pipeline, search or ensemble), an object with only ``predict``, or a
        network, ``torch.nn.Module``, as it is trained now.
    seed : int
        Takes the place of free random states in refits.

    Raises
    ------
    ModelError
        If it is no classifier; the sentence says what it is.
    """
    if isinstance(model, Predictions):
        return model
    if isinstance(model, type):
        raise ModelError(f"a model object is needed, but got the class {model.__name__}; make one: {model.__name__}()")
    open_view = _opener(model)
    if open_view is not None:
        return open_view(model, seed=seed)
    name = type(model).__name__
    if not any(hasattr(model, method) for method in ("predict", "decision_function", "predict_proba")):
        raise ModelError(
            f"a classifier with predict is needed, but got a {name}{_advice(model)}; "
            "pass a scikit-learn classifier, or marginscope.Predictions"
        )
    kind = _estimator_type(model)
    if kind in _WRONG_KIND:
        raise ModelError(f"a classifier is needed, but got {name}: {_WRONG_KIND[kind]}; pass a classifier")
    from marginscope.adapters.sklearn_model import SklearnModel

    return SklearnModel(model, seed=seed)


def _advice(model: Any) -> str:
    if hasattr(model, "transform"):
        return ", which is a transformer"
    if hasattr(model, "param_grid") or hasattr(model, "param_distributions"):
        return " that keeps no model (refit=False)"
    if isinstance(model, str):
        return f" ({model!r:.60})"
    return ""


def _estimator_type(model: Any) -> str | None:
    """Return scikit-learn's word for the kind of estimator, by tags or, before 1.6, by attribute."""
    from sklearn.utils import get_tags

    if hasattr(model, "__sklearn_tags__"):
        try:
            kind = get_tags(model).estimator_type
        except (AttributeError, TypeError, ValueError):
            kind = None
        if kind is not None:
            return str(kind)
    kind = getattr(model, "_estimator_type", None)
    return None if kind is None else str(kind)
