"""A scikit-learn estimator, or anything that fits and predicts like one, as a ModelView."""

from __future__ import annotations

import copy
import warnings
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.adapters.answers import (
    ask,
    codes_of_answers,
    decision_values,
    guarded,
    must_not_change,
    predicted_labels,
    probability_columns,
)
from marginscope.adapters.class_weights import class_weight_params, weight_route
from marginscope.adapters.components import (
    PREPARING,
    components,
    describe,
    is_named,
    non_default_params,
    own_params,
    predictors,
    steps_of,
)
from marginscope.adapters.joint_fit import joint_fit
from marginscope.adapters.knobs import NetworkKnobs, TrainingKnob
from marginscope.adapters.linear_part import linear_part
from marginscope.adapters.model_view import LinearPart, PenaltyKnob
from marginscope.adapters.network_part import NetworkPart
from marginscope.adapters.networks import network_knobs, network_part
from marginscope.adapters.penalties import penalty_is_absent, penalty_knobs
from marginscope.adapters.search_settings import settings
from marginscope.adapters.searched_values import notes_on_searches
from marginscope.adapters.training_knobs import training_knobs
from marginscope.exceptions import DataQualityWarning, ModelError, UsageError

__all__ = ["SklearnModel"]

_SCALERS = ("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "QuantileTransformer", "PowerTransformer")
_FLEXIBLE = (
    "BaseForest",
    "BaseGradientBoosting",
    "BaseHistGradientBoosting",
    "BaggingClassifier",
    "XGBModel",
    "LGBMModel",
    "CatBoost",
)
_SCALE_FREE = (*_FLEXIBLE, "DecisionTreeClassifier", "AdaBoostClassifier", "DummyClassifier")


class SklearnModel:
    """View of one estimator; see ``ModelView`` for every method.

    Parameters
    ----------
    estimator : object
        Fitted or not; never changed.
    seed : int
        Takes the place of every ``random_state`` that is ``None``, so that refits are comparable.

    Raises
    ------
    ModelError
        If the model can neither predict nor be fitted.
    """

    def __init__(self, estimator: Any, *, seed: int) -> None:
        self._given = estimator
        self._seed = int(np.random.SeedSequence(seed).generate_state(1)[0]) if seed >= 2**32 else int(seed)
        self.fitted: Any = estimator if _is_fitted(estimator) else None
        if self.fitted is None and self.estimator is None:
            raise ModelError(
                f"a model that is fitted or can be fitted is needed, but {self.kind} is neither; call fit first"
            )

    @cached_property
    def estimator(self) -> Any:
        """Unfitted copy with every free random state fixed, ``None`` if it cannot be refitted."""
        return _fresh_copy(self._given, self._seed)

    @property
    def can_refit(self) -> bool:
        """See ``ModelView``."""
        return self.estimator is not None

    @cached_property
    def kind(self) -> str:
        """See ``ModelView``."""
        return describe(self._given)

    @cached_property
    def params(self) -> dict[str, Any]:
        """See ``ModelView``."""
        return non_default_params(self._given)

    @property
    def has_proba(self) -> bool:
        """See ``ModelView``."""
        return hasattr(self._given, "predict_proba")

    def fit(self, X: Any, y: Any, *, sample_weight: Any = None) -> Any:
        """Fit a fresh copy and return it."""
        model = _copied(self._refittable())
        keywords = {}
        if sample_weight is not None:
            route = weight_route(model)
            if route is None or not route[1].endswith("sample_weight"):
                raise ModelError(
                    f"a model that takes sample_weight is needed, but {self.kind}.fit does not; fit without"
                )
            keywords = {route[1]: sample_weight}
        what = f"{self.kind}.fit"
        with guarded(what, len(y)), must_not_change(X, what), must_not_change(y, what):
            answer = model.fit(X, y, **keywords)
        return model if answer is None else answer

    def predict(self, fitted: Any, X: Any) -> NDArray[Any]:
        """See ``ModelView``."""
        return predicted_labels(fitted, X)

    def probabilities(self, fitted: Any, X: Any, labels: NDArray[Any]) -> NDArray[np.float64] | None:
        """See ``ModelView``."""
        return probability_columns(fitted, X, labels)

    def scores(self, fitted: Any, X: Any, labels: NDArray[Any]) -> NDArray[np.float64] | None:
        """See ``ModelView``."""
        return decision_values(fitted, X, labels)

    def answer(
        self, fitted: Any, X: Any, labels: NDArray[Any], *, with_proba: bool = True
    ) -> tuple[NDArray[np.int64], NDArray[np.float64] | None]:
        """See ``ModelView``."""
        codes = codes_of_answers(self.predict(fitted, X), labels, f"{self.kind} predicts")
        return codes, self.probabilities(fitted, X, labels) if with_proba else None

    def is_repeatable(self, fitted: Any, X: Any) -> bool:
        """Return whether two calls agree on X; warn if they do not."""
        methods = ("predict_proba", "predict", "decision_function")
        method = next(one for one in methods if hasattr(fitted, one))
        same = np.array_equal(np.asarray(ask(fitted, method, X)), np.asarray(ask(fitted, method, X)))
        if not same:
            warnings.warn(
                f"two calls of {self.kind}.{method} on the same rows differ; its recall is one draw of several",
                DataQualityWarning,
                stacklevel=2,
            )
        return same

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the notes of a diagnosis: what a search draws from distributions."""
        return notes_on_searches(self._given)

    def class_weight_params(self) -> dict[str, Any]:
        """See ``ModelView``."""
        return class_weight_params(self._given)

    def weight_route(self) -> tuple[str, str] | None:
        """See ``ModelView``."""
        return weight_route(self._given)

    def penalty_knobs(self) -> tuple[PenaltyKnob, ...]:
        """See ``ModelView``."""
        return penalty_knobs(self._given)

    def penalty_is_absent(self, fitted: Any, X: Any = None) -> bool:
        """See ``ModelView``; with X the scale of the features is allowed for."""
        if X is None:
            return penalty_is_absent(fitted)
        part = self.linear_part(fitted, X)
        return part is not None and penalty_is_absent(fitted, part.features)

    def linear_part(self, fitted: Any, X: Any) -> LinearPart | None:
        """See ``ModelView``."""
        return linear_part(fitted, X)

    def has_scaler(self) -> bool:
        """See ``ModelView``; a scaler beside columns that are passed on as they are does not count."""
        known = components(self._given)
        mixed = [path for path, part in known.items() if _passes_on(part)]
        return any(
            _scales(part) and not any(path.startswith(f"{one}__" if one else "") for one in mixed)
            for path, part in known.items()
        )

    def is_scale_free(self) -> bool:
        """See ``ModelView``."""
        steps = [step for part in components(self._given).values() for _, step in (steps_of(part) or [])[:-1]]
        if not all(is_named(step, *PREPARING, *_SCALERS) for step in steps):
            return False
        return all(_ignores_scale(part) for _, part in predictors(self._given))

    def is_flexible(self) -> bool:
        """See ``ModelView``."""
        return any(is_named(part, *_FLEXIBLE) for _, part in predictors(self._given))

    def training_knobs(self) -> tuple[TrainingKnob, ...]:
        """See ``ModelView``."""
        return training_knobs(self._given)

    def network_knobs(self) -> NetworkKnobs | None:
        """See ``ModelView``."""
        return network_knobs(self._given)

    def network_part(self, fitted: Any, X: Any, y: Any) -> NetworkPart | None:
        """See ``ModelView``."""
        return network_part(fitted, X, y)

    def joint_fit(self) -> Any:
        """See ``ModelView``."""
        return None if self.estimator is None else joint_fit(_copied(self.estimator))

    def with_params(self, **deep: Any) -> Any:
        """Return an unfitted copy with parameters set by their deep names, in the grids of a search too."""
        model = _copied(self._refittable())
        try:
            model.set_params(**{one.name: one.value for one in settings(model, deep)})
        except (AttributeError, TypeError, ValueError) as error:
            raise UsageError(f"parameters of {self.kind} are needed, but got {', '.join(deep)}: {error}") from error
        return model

    def with_step_in_front(self, transformer: Any) -> Any:
        """Return an unfitted pipeline that transforms the numeric features first.

        In a pipeline the step comes after those that turn raw columns into numbers.
        """
        return _in_front(_copied(self._refittable()), transformer)

    def _refittable(self) -> Any:
        if self.estimator is None:
            raise ModelError(f"a model that can be fitted again is needed, but {self.kind} is frozen; pass it unfitted")
        return self.estimator


def _is_fitted(model: Any) -> bool:
    if not hasattr(model, "fit"):
        return True
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(model)
    except NotFittedError:
        return False
    except (TypeError, AttributeError):
        # Not one of scikit-learn's classes, but its convention: fit leaves names that end in an underscore.
        return any(name.endswith("_") and not name.startswith("__") for name in getattr(model, "__dict__", {}))
    return True


def _copied(estimator: Any) -> Any:
    """Return an unfitted copy, by ``clone`` where the estimator follows its rules."""
    from sklearn.base import clone

    if not hasattr(estimator, "get_params"):
        return copy.deepcopy(estimator)
    try:
        return clone(estimator)
    except (TypeError, RuntimeError):
        return copy.deepcopy(estimator)


def _fresh_copy(model: Any, seed: int) -> Any:
    """Return an unfitted copy whose free random states are ``seed``, ``None`` if refitting means nothing."""
    if not hasattr(model, "fit"):
        return None
    for part in components(model).values():
        params = own_params(part)
        if is_named(part, "FrozenEstimator") or params.get("cv") == "prefit" or params.get("prefit") is True:
            return None
    try:
        estimator = _copied(model)
    except Exception:
        # Whatever keeps a foreign object from being copied: its own answers can still be judged.
        return None
    if not hasattr(estimator, "get_params"):
        return estimator
    deep = estimator.get_params(deep=True)
    free = {path: seed for path, value in deep.items() if path.split("__")[-1] == "random_state" and value is None}
    estimator.set_params(**free)
    for value in deep.values():
        # Splitters are not part of the deep parameters; the copy owns its own.
        if hasattr(value, "split") and not isinstance(value, str) and getattr(value, "random_state", seed) is None:
            value.random_state = seed
    return estimator


def _passes_on(part: Any) -> bool:
    """Whether it is a ``ColumnTransformer`` that leaves some columns as they are."""
    if not is_named(part, "ColumnTransformer"):
        return False
    params = own_params(part)
    rest = [params.get("remainder"), *(one[1] for one in params.get("transformers") or ())]
    return any(isinstance(one, str) and one == "passthrough" for one in rest)


def _scales(part: Any) -> bool:
    if is_named(part, "StandardScaler"):
        return bool(own_params(part).get("with_std", True))
    if is_named(part, "Preparation"):
        return bool(own_params(part).get("scale", False))
    if is_named(part, "RobustScaler"):
        return bool(own_params(part).get("with_scaling", True))
    return is_named(part, *_SCALERS)


def _ignores_scale(part: Any) -> bool:
    if is_named(part, "LinearDiscriminantAnalysis", "QuadraticDiscriminantAnalysis"):
        # Affine invariant, unless the covariance is pulled towards a sphere.
        return not any(own_params(part).get(name) for name in ("shrinkage", "reg_param", "covariance_estimator"))
    return is_named(part, *_SCALE_FREE)


def _in_front(estimator: Any, transformer: Any) -> Any:
    from sklearn.pipeline import Pipeline

    steps = steps_of(estimator)
    if steps is None:
        inner = own_params(estimator).get("estimator")
        if inner is not None and steps_of(inner) is not None:
            # Raw columns become numbers inside: outside there may be nothing to scale.
            return estimator.set_params(estimator=_in_front(inner, transformer))
        return Pipeline([(_free_name(transformer, ()), transformer), ("model", estimator)])
    place = 0
    while place < len(steps) - 1 and is_named(steps[place][1], *PREPARING):
        place += 1
    name = _free_name(transformer, [name for name, _ in steps])
    return estimator.set_params(steps=[*steps[:place], (name, transformer), *steps[place:]])


def _free_name(transformer: Any, taken: Any) -> str:
    name = type(transformer).__name__.lower()
    while name in taken:
        name += "_"
    return name
