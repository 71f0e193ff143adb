"""The coefficients of a fitted linear model, and the features that they act on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope._validation import feature_names
from marginscope.adapters.answers import guarded
from marginscope.adapters.components import describe, is_named, own_params, unwrap
from marginscope.adapters.model_view import LinearPart
from marginscope.geometry.gauge import two_rows

__all__ = ["coefficients_of", "is_joint", "linear_part", "names_out"]

# Losses of this package whose template has an exponential tail.
_EXPONENTIAL = frozenset({"cross_entropy", "exponential", "pair_logistic", "gamma_phi"})

# Classes and ancestors of classes whose rows are fitted one by one, each class against all others.
_ONE_AGAINST_THE_REST = ("OneVsRestClassifier", "BaseSGDClassifier", "LinearSVC", "_RidgeClassifierMixin")


def linear_part(fitted: Any, X: Any) -> LinearPart | None:
    """Return the linear part of a fitted model, ``None`` if its scores are not linear per class.

    Parameters
    ----------
    fitted : object
        A linear classifier, one-vs-rest of linear ones, or a pipeline or search
        that ends in one.
    X : array-like of shape (n_samples, n_features)
        Rows as the whole model takes them.
    """
    transformers, model = unwrap(fitted)
    found = coefficients_of(model)
    if found is None:
        return None
    coef, intercept = found
    classes = np.asarray(model.classes_)
    if coef.shape[0] == 1 and len(classes) == 2:
        coef, intercept = two_rows(coef), two_rows(intercept).ravel()
    if coef.shape[0] != len(classes):
        return None
    features, names = _through(transformers, fitted, X)
    if features.shape[1] != coef.shape[1]:
        return None
    if names is None or len(names) != coef.shape[1]:
        names = tuple(f"x{j}" for j in range(coef.shape[1]))
    return LinearPart(
        coef,
        intercept,
        features,
        tuple(names),
        classes,
        _is_exponential(model),
        is_joint(model),
        _has_intercept(model),
    )


def is_joint(model: Any) -> bool:
    """Whether all classes share one loss; one against the rest is joint for two classes only."""
    if len(model.classes_) == 2:
        return True
    params = own_params(model)
    if params.get("solver") == "liblinear" or params.get("multi_class") == "ovr":
        return False
    return params.get("multi_class") == "crammer_singer" or not is_named(model, *_ONE_AGAINST_THE_REST)


def _has_intercept(model: Any) -> bool:
    inner = own_params(model).get("estimator", model) if is_named(model, "OneVsRestClassifier") else model
    return bool(own_params(inner).get("fit_intercept", True))


def coefficients_of(model: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return copies of coefficients and intercepts as scikit-learn keeps them, ``None`` without a row per class."""
    if not hasattr(model, "classes_"):
        return None
    # libsvm keeps one row per pair of classes, which with three classes looks like one per class.
    if is_named(model, "SVC", "NuSVC") and (own_params(model).get("kernel") != "linear" or len(model.classes_) > 2):
        return None
    if is_named(model, "OneVsRestClassifier"):
        parts = [coefficients_of(part) for part in getattr(model, "estimators_", [])]
        found = [part for part in parts if part is not None and part[0].shape[0] == 1]
        if not found or len(found) != len(parts):
            return None
        return np.vstack([part[0] for part in found]), np.concatenate([part[1] for part in found])
    coef = getattr(model, "coef_", None)
    if coef is None:
        return None
    coef = np.atleast_2d(coef.toarray() if hasattr(coef, "toarray") else np.asarray(coef, dtype=np.float64))
    if coef.ndim != 2 or coef.dtype.kind != "f":
        return None
    intercept = np.asarray(getattr(model, "intercept_", 0.0), dtype=np.float64).ravel()
    return coef.astype(np.float64), np.broadcast_to(intercept, (coef.shape[0],)).copy()


def _through(transformers: Sequence[Any], fitted: Any, X: Any) -> tuple[Any, Sequence[str] | None]:
    """Return X after the transformers, with the names of its columns where they are known."""
    names: Sequence[str] | None = feature_names(X)
    with guarded(f"the steps in front of {describe(fitted)}", X.shape[0] if hasattr(X, "shape") else len(X)):
        for step in transformers:
            X = step.transform(X)
            names = names_out(step, names)
    if hasattr(X, "tocsr"):
        return X.tocsr(), names
    return np.asarray(X, dtype=np.float64), names


def names_out(step: Any, names: Sequence[str] | None) -> Sequence[str] | None:
    """Return the names of a step's columns, ``None`` where it does not know them."""
    try:
        return tuple(map(str, step.get_feature_names_out(names)))
    except Exception:
        # Names are a courtesy: a step of another package may not know them.
        return None


def _is_exponential(model: Any) -> bool:
    if is_named(model, "OneVsRestClassifier"):
        return all(_is_exponential(part) for part in model.estimators_)
    if is_named(model, "MarginClassifier", "GradientDescentClassifier"):
        loss = own_params(model).get("loss")
        return getattr(loss, "name", loss) in _EXPONENTIAL
    if is_named(model, "SGDClassifier"):
        return own_params(model).get("loss") == "log_loss"
    return is_named(model, "LogisticRegression", "LogisticRegressionCV")
