"""Which parameter of which class is the strength of a penalty, and which way it turns."""

from __future__ import annotations

import inspect
import math
import numbers
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from marginscope.adapters.components import (
    components,
    default_of,
    is_named,
    own_params,
    parent_and_name,
    unwrap,
    value_in_use,
)
from marginscope.adapters.model_view import PenaltyKnob
from marginscope.adapters.searched_values import listed_values

__all__ = ["PENALTIES", "Penalty", "penalty_is_absent", "penalty_knobs"]


@dataclass(frozen=True)
class Penalty:
    """One kind of penalty parameter.

    ``owners`` are class names (a subclass counts); empty means every class, because the
    name has one meaning wherever it is used. ``none_means`` is the value that ``None``
    stands for, if it stands for a number.
    """

    parameter: str
    direction: int
    owners: tuple[str, ...] = ()
    none_means: float | None = None
    lowest: float = 0.0
    highest: float = math.inf
    is_count: bool = False

    def fits(self, owner: Any) -> bool:
        """Whether the parameter of this class is meant."""
        return not self.owners or is_named(owner, *self.owners)


WEAKER, STRONGER = +1, -1  # what a larger value makes of the penalty

# The first row that fits decides.
PENALTIES = (
    # Inverse strength. libsvm need not end on overlapping data as C grows, so its range is cut.
    Penalty("C", WEAKER, ("SVC",), highest=1e4),
    Penalty("C", WEAKER, ("LinearSVC",), highest=1e6),
    Penalty("C", WEAKER),
    # alpha is a penalty here; in naive Bayes it smooths counts, in LabelSpreading it clamps labels.
    Penalty("alpha", STRONGER, ("RidgeClassifier", "SGDClassifier", "Perceptron", "MLPClassifier")),
    Penalty("alpha", STRONGER, ("SparseLogisticRegression", "GeneralizedLinearEstimator")),
    # Shrinkage of a covariance matrix towards a sphere, and of class means towards the grand mean.
    Penalty("shrinkage", STRONGER, ("LinearDiscriminantAnalysis", "QuadraticDiscriminantAnalysis"), 0.0, highest=1.0),
    Penalty("reg_param", STRONGER, ("QuadraticDiscriminantAnalysis",), highest=1.0),
    Penalty("shrink_threshold", STRONGER, ("NearestCentroid",), 0.0),
    # Trees and boosting.
    Penalty("ccp_alpha", STRONGER),
    Penalty("min_samples_leaf", STRONGER, lowest=1e-9, is_count=True),
    Penalty("l2_regularization", STRONGER),
    Penalty("reg_lambda", STRONGER, ("XGBModel",), 1.0),
    Penalty("reg_alpha", STRONGER, ("XGBModel",), 0.0),
    Penalty("min_child_weight", STRONGER, ("XGBModel",), 1.0),
    Penalty("reg_lambda", STRONGER),
    Penalty("reg_alpha", STRONGER),
    Penalty("lambda_l1", STRONGER),
    Penalty("lambda_l2", STRONGER),
    Penalty("l2_leaf_reg", STRONGER, (), 3.0),
    Penalty("min_child_samples", STRONGER, is_count=True),
    Penalty("min_data_in_leaf", STRONGER, is_count=True),
    # Networks behind the scikit-learn interface (optimizer__weight_decay).
    Penalty("weight_decay", STRONGER),
)


def _rule(owner: Any, name: str) -> Penalty | None:
    # Parameters that a wrapper passes on carry its own prefix: optimizer__weight_decay.
    last = name.rpartition("__")[2]
    return next((rule for rule in PENALTIES if rule.parameter == last and rule.fits(owner)), None)


def _is_switched_off(owner: Any, rule: Penalty) -> bool:
    """Return whether another parameter makes this one meaningless."""
    params = own_params(owner)
    if rule.parameter in ("C", "alpha") and "penalty" in params:
        return params["penalty"] in (None, "none")
    if rule.parameter == "shrinkage" and is_named(owner, "LinearDiscriminantAnalysis"):
        return params.get("solver") == "svd"
    return False


def penalty_knobs(estimator: Any) -> tuple[PenaltyKnob, ...]:
    """Return the penalty parameters of the predicting components.

    The value of one that a search varies is the weakest of its grid. A penalty that is
    chosen from the data (``shrinkage="auto"``, ``Cs`` of a cross-validated class) or drawn
    from a distribution has no knob.
    """
    known = components(estimator)
    inside = {path for path, part in known.items() if hasattr(part, "predict") or not path}
    knobs = []
    params = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
    for path in params:
        owner_path, name = parent_and_name(path, known)
        owner = known[owner_path]
        rule = _rule(owner, name)
        if rule is None or owner_path not in inside or _is_switched_off(owner, rule):
            continue
        value = _weakest(listed_values(estimator, path) or (), owner, name, rule)
        if value is None:
            continue
        default = default_of(owner, name)
        default = rule.none_means if default is None else default
        default = None if isinstance(default, str) or default is inspect.Parameter.empty else default
        low, high = rule.lowest, rule.highest
        if rule.is_count:
            # A number of rows, or a fraction of them: beyond one half nothing can be split.
            low, high = (1.0, high) if isinstance(value, int) else (low, 0.5)
        knobs.append(PenaltyKnob(path, value, rule.direction, default, low, high, rule.is_count))
    return tuple(knobs)


def _weakest(values: Iterable[Any], owner: Any, name: str, rule: Penalty) -> int | float | None:
    """Return the value of the weakest penalty, ``None`` where some are no numbers, or rows and shares of rows."""
    found: list[int | float] = []
    for value in values:
        value = value_in_use(owner, name, value)
        value = rule.none_means if value is None else value
        if isinstance(value, bool) or not isinstance(value, numbers.Real) or math.isnan(value):
            return None
        found.append(int(value) if isinstance(value, numbers.Integral) else float(value))
    if not found or (rule.is_count and len({type(value) for value in found}) > 1):
        return None
    return max(found) if rule.direction > 0 else min(found)


def penalty_is_absent(fitted: Any, features: Any = None, *, largest_C: float = 1e6) -> bool:
    """Return whether a linear model's penalty is absent or too weak to determine the norm.

    The condition is C >= ``largest_C`` on standardised features. C multiplies the
    sum of losses; a penalty alpha on the mean loss is C = 1 / (alpha * n_samples).

    Parameters
    ----------
    fitted : object
        A fitted linear model, or a pipeline or search that ends in one.
    features : array-like of shape (n_samples, n_features), optional
        What the linear model saw; its scale and number of rows are then allowed
        for. Without it the features count as standardised.
    """
    model = unwrap(fitted)[1]
    if is_named(model, "OneVsRestClassifier") and hasattr(model, "estimators_"):
        model = model.estimators_[0]
    if is_named(model, "HardMarginClassifier"):
        return False
    params = own_params(model)
    if is_named(model, "GradientDescentClassifier") or params.get("penalty", "l2") in (None, "none"):
        return True
    # Coefficients of features with variance v are penalised as those of standardised ones with C * v.
    scale = 1.0 if features is None else _typical_variance(features)
    chosen = getattr(model, "C_", params.get("C"))
    if chosen is not None:
        return bool(np.max(chosen) * scale >= largest_C)
    rule = _rule(model, "alpha") if "alpha" in params else None
    if rule is None:
        return False
    n_samples = 1 if features is None else features.shape[0]
    return bool(params["alpha"] <= max(1e-12, scale / (largest_C * n_samples) if features is not None else 0.0))


def _typical_variance(features: Any) -> float:
    """Return the median variance of the features that vary, 1 if none does."""
    if hasattr(features, "tocsc"):
        mean = np.asarray(features.mean(axis=0)).ravel()
        variance = np.asarray(features.multiply(features).mean(axis=0)).ravel() - mean**2
    else:
        variance = np.var(np.asarray(features, dtype=float), axis=0)
    variance = variance[variance > 0]
    return float(np.median(variance)) if variance.size else 1.0
