"""Which parameter of which class sets how long it trains, and with what steps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import numpy as np

from marginscope.adapters.components import (
    components,
    is_named,
    own_params,
    parent_and_name,
    value_in_use,
)
from marginscope.adapters.knobs import TrainingKnob
from marginscope.adapters.searched_values import listed_values

__all__ = ["TRAINING", "Training", "training_knobs"]


@dataclass(frozen=True)
class Training:
    """One kind of training parameter.

    ``owners`` are class names (a subclass counts) and ``never`` are those that only
    borrow the name. ``none_means`` is the value that ``None`` stands for, if it stands
    for a number. ``only`` holds values of other parameters under which this one acts.
    ``switched_off`` are settings that must go with a longer training, since they end it;
    ``tightened`` are tolerances, which are only ever made smaller, and ``loosened`` are limits
    and patiences, only ever made larger.
    """

    parameter: str
    kind: str
    owners: tuple[str, ...]
    highest: float
    never: tuple[str, ...] = ()
    none_means: float | None = None
    only: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    switched_off: Mapping[str, Any] = field(default_factory=dict)
    tightened: Mapping[str, float] = field(default_factory=dict)
    loosened: Mapping[str, float] = field(default_factory=dict)

    def fits(self, owner: Any, name: str) -> bool:
        """Whether this parameter of this class is meant, and acts with the others as they are."""
        if name != self.parameter or not is_named(owner, *self.owners) or is_named(owner, *self.never):
            return False
        params = own_params(owner)
        return all(params.get(other) in values for other, values in self.only.items())

    def companions(self, owner: Any) -> dict[str, Any]:
        """Return what must be set with it on this owner, by own parameter name."""
        params = own_params(owner)
        found = {name: value for name, value in self.switched_off.items() if params.get(name, value) != value}
        # None is no tolerance at all: nothing stops before the end.
        present = {name: value for name, value in params.items() if _is_number(value)}
        found |= {name: value for name, value in self.tightened.items() if present.get(name, value) > value}
        return found | {name: value for name, value in self.loosened.items() if present.get(name, value) < value}


STEPS, STEP_SIZE = "steps", "step_size"

# Forests behind the interface of a booster: their trees do not follow one another.
_FORESTS = ("XGBRFClassifier",)
_BY_SAMPLES = ("sgd", "adam")
_GIVEN_STEPS = ("constant", "invscaling", "adaptive")
_IN_TURN = ("gbdt", "dart", "goss")
_MOST_ROUNDS = 5000

# The first row that fits decides.
TRAINING = (
    # Solvers that end by a tolerance: more iterations alone would change nothing.
    Training("max_iter", STEPS, ("LogisticRegression",), 1e5, tightened={"tol": 1e-6}),
    Training("max_iter", STEPS, ("LinearSVC",), 1e6, tightened={"tol": 1e-6}),
    Training("max_iter", STEPS, ("SVC", "NuSVC"), 1e7),
    Training("max_iter", STEPS, ("MarginClassifier",), 1e5, tightened={"tol": 1e-8}),
    Training("max_iter", STEPS, ("_RidgeClassifierMixin",), 1e5, tightened={"tol": 1e-6}),
    Training(
        "max_iter", STEPS, ("BaseSGDClassifier",), 1e5,
        switched_off={"early_stopping": False}, tightened={"tol": 1e-6}, loosened={"n_iter_no_change": 20},
    ),
    Training(
        "max_iter", STEPS, ("BaseMultilayerPerceptron",), 1e4,
        switched_off={"early_stopping": False}, tightened={"tol": 1e-7},
        loosened={"n_iter_no_change": 50, "max_fun": 10**7},
    ),
    Training(
        "n_steps", STEPS, ("GradientDescentClassifier",), 1e7,
        switched_off={"early_stopping": False}, tightened={"tol": 0.0},
    ),
    # Networks behind the interface of scikit-learn.
    Training("n_epochs", STEPS, ("NetworkClassifier", "KerasNetwork"), 1e4, switched_off={"early_stopping": False}),
    Training("max_epochs", STEPS, ("NeuralNet",), 1e4),
    Training("epochs", STEPS, ("BaseWrapper",), 1e4),
    # Rounds of boosting; trees of a forest are no steps.
    Training(
        "max_iter", STEPS, ("BaseHistGradientBoosting",), _MOST_ROUNDS, switched_off={"early_stopping": False},
    ),
    Training("n_estimators", STEPS, ("BaseGradientBoosting",), _MOST_ROUNDS, switched_off={"n_iter_no_change": None}),
    Training("n_estimators", STEPS, ("BaseWeightBoosting",), _MOST_ROUNDS),
    Training(
        "n_estimators", STEPS, ("XGBModel",), _MOST_ROUNDS, _FORESTS, 100,
        switched_off={"early_stopping_rounds": None},
    ),
    Training("n_estimators", STEPS, ("LGBMModel",), _MOST_ROUNDS, only={"boosting_type": _IN_TURN}),
    Training("iterations", STEPS, ("CatBoost",), _MOST_ROUNDS),
    # Step sizes.
    Training("eta0", STEP_SIZE, ("Perceptron",), 1e3, only={"penalty": ("l2", "l1", "elasticnet")}),
    Training("eta0", STEP_SIZE, ("SGDClassifier",), 1e3, only={"learning_rate": _GIVEN_STEPS}),
    Training("learning_rate_init", STEP_SIZE, ("BaseMultilayerPerceptron",), 1.0, only={"solver": _BY_SAMPLES}),
    Training("step_size", STEP_SIZE, ("GradientDescentClassifier",), math.inf),
    Training("learning_rate", STEP_SIZE, ("NetworkClassifier", "KerasNetwork"), 10.0),
    Training("lr", STEP_SIZE, ("NeuralNet",), 10.0),
    Training("learning_rate", STEP_SIZE, ("XGBModel",), 1.0, _FORESTS, 0.3),
    Training("learning_rate", STEP_SIZE, ("LGBMModel",), 1.0, only={"boosting_type": _IN_TURN}),
    Training("learning_rate", STEP_SIZE, ("BaseHistGradientBoosting", "BaseGradientBoosting", "CatBoost"), 1.0),
    Training("learning_rate", STEP_SIZE, ("BaseWeightBoosting",), 10.0),
)  # fmt: skip


def training_knobs(estimator: Any) -> tuple[TrainingKnob, ...]:
    """Return the training parameters of the predicting components.

    The value of one that a search varies is the largest of its grid. One that it draws from a
    distribution or raises as a resource, or whose value is no positive number
    (``step_size="theory"``, a solver's own limit), has no knob. Companions are left out where
    the model has no such parameter, or has it set so already.
    """
    known = components(estimator)
    inside = {path for path, part in known.items() if hasattr(part, "predict") or not path}
    knobs = []
    params = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
    for path in params:
        owner_path, name = parent_and_name(path, known)
        owner = known[owner_path]
        rule = next((rule for rule in TRAINING if rule.fits(owner, name)), None)
        if rule is None or owner_path not in inside:
            continue
        given = [value_in_use(owner, name, one) for one in listed_values(estimator, path) or ()]
        values = [rule.none_means if one is None else one for one in given]
        if not values or not all(_is_number(one) and 0 < one < math.inf for one in values):
            continue
        value: Any = max(values)  # type: ignore[type-var]
        prefix = f"{owner_path}__" if owner_path else ""
        companions = tuple((prefix + other, wanted) for other, wanted in rule.companions(owner).items())
        value = int(value) if isinstance(value, int | np.integer) else float(value)
        knobs.append(TrainingKnob(path, value, rule.kind, rule.highest, companions))
    return tuple(knobs)


def _is_number(value: Any) -> TypeGuard[float]:
    is_real = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return is_real and not math.isnan(float(value))
