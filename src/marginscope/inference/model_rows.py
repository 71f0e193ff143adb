"""Reading one row of coefficients per class off a fitted model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.adapters.column_scaling import has_scaling, undo_scaling
from marginscope.adapters.components import describe, is_named, own_params, unwrap
from marginscope.adapters.linear_part import coefficients_of, is_joint, names_out
from marginscope.exceptions import ModelError
from marginscope.geometry.gauge import two_rows

__all__ = ["ModelRows", "rows_of_model"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ModelRows:
    """Rows as the model keeps them, in the order of ``classes``.

    ``is_joint``: the classes share one loss. ``is_logistic``: differences of joint
    scores, or the scores of each class against the rest, are log odds. ``is_scaled``:
    a step in front of the model scales columns.
    """

    coef: Floats
    intercept: Floats
    classes: NDArray[Any]
    names: tuple[str, ...]
    is_joint: bool
    is_logistic: bool
    is_scaled: bool
    kind: str


def rows_of_model(model: Any, *, undo_scale: bool) -> ModelRows:
    """Return the rows of a fitted linear classifier, or of a pipeline's last step.

    Raises
    ------
    ModelError
        If it is not fitted, has no row per class, or its scaling cannot be undone.
    """
    steps, inner = unwrap(model)
    if not hasattr(inner, "classes_"):
        raise ModelError(
            f"a fitted classifier is needed, but {describe(inner)} has no classes_; call fit first, or pass the model"
        )
    classes = np.asarray(inner.classes_)
    if getattr(inner, "multilabel_", False):
        raise ModelError(
            f"one label per row is needed, but {describe(inner)} was fitted on several; take its estimators_ one by one"
        )
    coef, intercept = _rows(inner)
    if len(coef) == 1 and len(classes) == 2:
        coef, intercept = two_rows(coef), two_rows(intercept).ravel()
    if len(coef) != len(classes):
        raise ModelError(_no_rows(inner, f"has {len(coef)} rows for {len(classes)} classes"))
    names = _names(model, steps, inner, coef.shape[1])
    is_scaled = any(has_scaling(step) for step in steps)
    if undo_scale:
        coef, intercept = undo_scaling(steps, coef, intercept)
    return ModelRows(coef, intercept, classes, names, is_joint(inner), _is_logistic(inner), is_scaled, describe(model))


def _rows(model: Any) -> tuple[Floats, Floats]:
    found = coefficients_of(model)
    if found is not None:
        return found
    parts = getattr(model, "estimators_", []) if is_named(model, "OneVsRestClassifier") else []
    rows = []
    for place, part in enumerate(parts):
        steps, inner = unwrap(part)
        one = coefficients_of(inner)
        if one is None or len(one[0]) != 1:
            raise ModelError(_no_rows(model, f"its part {place} is {describe(part)}"))
        # each part may scale by itself: common units are those in front of all of them
        rows.append(undo_scaling(steps, *one))
    if not rows:
        raise ModelError(_no_rows(model, "has none"))
    return np.vstack([coef for coef, _ in rows]), np.concatenate([intercept for _, intercept in rows])


def _no_rows(model: Any, reason: str) -> str:
    inside = "pass its estimator_" if hasattr(model, "estimator_") else "fit LogisticRegression, LinearSVC or another"
    return (
        f"a linear classifier with a row of coefficients for each class is needed, but {describe(model)} {reason}; "
        f"{inside}"
    )


def _names(model: Any, steps: list[Any], inner: Any, n_features: int) -> tuple[str, ...]:
    """Follow the names of the columns through the steps; without any they are x0, x1, ..."""
    names = getattr(model if steps else inner, "feature_names_in_", None)
    names = None if names is None else tuple(map(str, names))
    for step in steps:
        names = names_out(step, names)
    if names is None or len(names) != n_features:
        return tuple(f"x{j}" for j in range(n_features))
    return tuple(names)


def _is_logistic(model: Any) -> bool:
    """Whether scores are log odds: softmax of joint scores, or sigmoid of each class against the rest."""
    if is_named(model, "OneVsRestClassifier"):
        return all(_is_logistic(unwrap(part)[1]) for part in model.estimators_)
    loss = own_params(model).get("loss")
    loss = getattr(loss, "name", loss)
    if is_named(model, "MarginClassifier", "GradientDescentClassifier"):
        return loss == "cross_entropy"
    if is_named(model, "SGDClassifier"):
        return loss == "log_loss"
    return is_named(model, "LogisticRegression", "LogisticRegressionCV", "LinearDiscriminantAnalysis")
