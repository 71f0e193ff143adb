"""What a diagnosis may ask of a model, in words and shapes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from marginscope.adapters.knobs import NetworkKnobs, TrainingKnob
from marginscope.adapters.network_part import NetworkPart
from marginscope.exceptions import UsageError

__all__ = ["LinearPart", "ModelView", "PenaltyKnob"]


@dataclass(frozen=True)
class PenaltyKnob:
    """One parameter that sets the strength of a penalty.

    Attributes
    ----------
    path : str
        Deep parameter name, as ``set_params`` takes it.
    value : float
        Present value; ``inf`` or 0 is how a penalty that is absent is written.
    direction : int
        +1 if a larger value is a weaker penalty (C), -1 if a stronger one (alpha).
    default : object
        The class's own default.
    lowest, highest : float
        Ends of the range that weakening and strengthening keep to.
    is_count : bool
        Whether whole numbers stay whole (rows per leaf).
    """

    path: str
    value: float
    direction: int
    default: Any
    lowest: float = 0.0
    highest: float = math.inf
    is_count: bool = False

    @property
    def is_absent(self) -> bool:
        """Whether the penalty is switched off at this value."""
        return self.value == (math.inf if self.direction > 0 else 0.0)

    def weaker(self, factor: float) -> float:
        """Return the value whose penalty is ``factor`` times weaker, within the range."""
        return self._moved(factor, self.direction)

    def stronger(self, factor: float) -> float:
        """Return the value whose penalty is ``factor`` times stronger, within the range.

        A penalty that is absent starts at the class's default, and stays absent
        where that is absent too.
        """
        if self.is_absent:
            return self.value if self.default is None else self.default
        return self._moved(factor, -self.direction)

    def _moved(self, factor: float, direction: int) -> float:
        if not factor >= 1.0:
            raise UsageError(f"a factor of 1 or more is needed, but got {factor!r}; weaker and stronger name the way")
        moved = self.value * factor if direction > 0 else self.value / factor
        # A value that lies outside the range already is left there rather than moved the wrong way.
        low, high = min(self.lowest, self.value), max(self.highest, self.value)
        moved = min(max(moved, low), high)
        if self.is_count and isinstance(self.value, int):
            return round(moved)
        # Twelve digits: 1e-05 / 10 shall read 1e-06 in a snippet.
        return float(f"{moved:.12g}")


@dataclass(frozen=True)
class LinearPart:
    """The linear scores of a fitted model, one row of coefficients per class.

    Attributes
    ----------
    coef : ndarray of shape (n_classes, n_features)
        A binary model's single row w becomes the rows -w/2 and +w/2.
    intercept : ndarray of shape (n_classes,)
    features : ndarray or sparse matrix of shape (n_samples, n_features)
        What the linear model saw: X after the steps in front of it.
    names : tuple of str
        Names of these features.
    classes : ndarray of shape (n_classes,)
        Labels in the order of the rows.
    is_softmax_or_ovr_logistic : bool
        Whether the loss has an exponential tail, so that separable data have no
        finite optimum without a penalty.
    is_joint : bool
        Whether the classes were fitted together; two classes always are.
    has_intercept : bool
        Whether the intercept was fitted.
    """

    coef: NDArray[np.float64]
    intercept: NDArray[np.float64]
    features: Any
    names: tuple[str, ...]
    classes: NDArray[Any]
    is_softmax_or_ovr_logistic: bool
    is_joint: bool = True
    has_intercept: bool = True

    def scores(self) -> NDArray[np.float64]:
        """Return the scores (n_samples, n_classes) of the features."""
        return np.asarray(self.features @ self.coef.T + self.intercept)


class ModelView(Protocol):
    """One shape for every kind of model.

    ``fitted`` arguments are what ``fit`` returned, or the attribute ``fitted``.
    ``labels`` (K,) are the sorted labels of the problem; answers come in their order.
    No method changes the model, ``X`` or ``y``. A model that fails, or answers in
    another shape or scale, raises ``ModelError``.

    Attributes
    ----------
    kind : str
        What it is, such as ``Pipeline(StandardScaler, LogisticRegression)``.
    params : mapping
        Parameters that differ from their defaults, as JSON knows them.
    can_refit : bool
        Whether ``fit`` works; given predictions and frozen models cannot.
    fitted : object or None
        The user's own fitted model, never changed; ``None`` if it is not fitted.
    estimator : object or None
        An unfitted copy with every free random state fixed; ``None`` if it cannot be refitted.
    has_proba : bool
        Whether ``probabilities`` gives numbers.
    """

    @property
    def kind(self) -> str:
        """See the class."""
        ...

    @property
    def params(self) -> Mapping[str, Any]:
        """See the class."""
        ...

    @property
    def can_refit(self) -> bool:
        """See the class."""
        ...

    @property
    def fitted(self) -> Any:
        """See the class."""
        ...

    @property
    def estimator(self) -> Any:
        """See the class."""
        ...

    @property
    def has_proba(self) -> bool:
        """See the class."""
        ...

    def fit(self, X: Any, y: Any, *, sample_weight: Any = None) -> Any:
        """Fit a fresh copy and return it."""
        ...

    def predict(self, fitted: Any, X: Any) -> NDArray[Any]:
        """Return predicted labels, shape (n_samples,)."""
        ...

    def probabilities(self, fitted: Any, X: Any, labels: NDArray[Any]) -> NDArray[np.float64] | None:
        """Return probabilities (n_samples, K), 0 for a class the fit did not see; ``None`` without any."""
        ...

    def scores(self, fitted: Any, X: Any, labels: NDArray[Any]) -> NDArray[np.float64] | None:
        """Return decision values (n_samples, K), -inf for a class the fit did not see; ``None`` without any."""
        ...

    def answer(
        self, fitted: Any, X: Any, labels: NDArray[Any], *, with_proba: bool = True
    ) -> tuple[NDArray[np.int64], NDArray[np.float64] | None]:
        """Return predicted codes (n_samples,) in ``labels``, and probabilities where wanted and known."""
        ...

    def class_weight_params(self) -> dict[str, Any]:
        """Return class weights in use, by deep parameter name."""
        ...

    def weight_route(self) -> tuple[str, str] | None:
        """Return how balanced weights can be brought in.

        ``("class_weight", path)``: set that parameter to ``"balanced"``.
        ``("sample_weight", keyword)``: hand weights to ``fit`` under that keyword.
        """
        ...

    def penalty_knobs(self) -> tuple[PenaltyKnob, ...]:
        """Return every parameter that sets the strength of a penalty."""
        ...

    def penalty_is_absent(self, fitted: Any, X: Any = None) -> bool:
        """Return whether the penalty is absent or too weak to determine the norm of the coefficients."""
        ...

    def linear_part(self, fitted: Any, X: Any) -> LinearPart | None:
        """Return the coefficients of a linear model and the features it saw."""
        ...

    def has_scaler(self) -> bool:
        """Return whether some step scales features."""
        ...

    def is_scale_free(self) -> bool:
        """Return whether scaling single features cannot change the answers."""
        ...

    def is_flexible(self) -> bool:
        """Return whether it contains an ensemble of trees already."""
        ...

    def with_params(self, **deep: Any) -> Any:
        """Return an unfitted copy with parameters set by their deep names."""
        ...

    def with_step_in_front(self, transformer: Any) -> Any:
        """Return an unfitted pipeline that transforms the numeric features first."""
        ...

    def training_knobs(self) -> tuple[TrainingKnob, ...]:
        """Return the parameters that set how long and with what steps it trains."""
        ...

    def network_knobs(self) -> NetworkKnobs | None:
        """Return where a network's own parameters stand; ``None`` if it is no network that can be refitted."""
        ...

    def network_part(self, fitted: Any, X: Any, y: Any) -> NetworkPart | None:
        """Return the inside of a network on rows with labels y; ``None`` if it is no network."""
        ...

    def joint_fit(self) -> Any:
        """Return an unfitted copy that fits all classes together; ``None`` unless it is one-vs-rest."""
        ...
