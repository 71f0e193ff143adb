"""A model of which only the answers are known."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from marginscope._validation import check_consistent_length
from marginscope.adapters.answers import SUM_TOLERANCE, check_probabilities, codes_of_answers
from marginscope.adapters.knobs import TrainingKnob
from marginscope.adapters.model_view import LinearPart, PenaltyKnob
from marginscope.adapters.rounded_probabilities import without_rounding
from marginscope.exceptions import DataError, ModelError, UsageError

__all__ = ["Predictions"]


class Predictions:
    """Out-of-sample answers for the rows that are diagnosed, in their order.

    Parameters
    ----------
    y_pred : array-like of shape (n_samples,), optional
        Predicted labels; default the label of the largest probability, the first of equals.
    proba : array-like of shape (n_samples, n_classes), optional
        Probabilities; every row sums to 1 within 1e-6. Rows that miss it by no more than the
        rounding that is seen in the numbers (half a unit of the last decimal a class, or the
        epsilon of single precision) are divided by their sums, with a note.
    labels : sequence of shape (n_classes,), optional
        Labels of the columns of ``proba``; default the sorted labels of y.

    Raises
    ------
    UsageError
        If neither ``y_pred`` nor ``proba`` is given, or labels repeat.
    ModelError
        If ``proba`` is no matrix of probabilities.

    Attributes
    ----------
    notes : tuple of str
        What was done to the numbers, for the notes of a diagnosis.

    Examples
    --------
    >>> Predictions(proba=[[0.9, 0.1], [0.2, 0.8]], labels=["cat", "dog"]).y_pred.tolist()
    ['cat', 'dog']
    """

    kind = "Predictions"
    can_refit = False
    estimator: Any = None

    def __init__(self, y_pred: Any = None, proba: Any = None, labels: Any = None) -> None:
        if y_pred is None and proba is None:
            raise UsageError("predictions need y_pred or proba, but got neither; pass at least one of them")
        self.labels: NDArray[Any] | None = None if labels is None else _distinct(labels)
        self.proba: NDArray[np.float64] | None = None
        self.notes: tuple[str, ...] = ()
        if proba is not None:
            matrix, note = without_rounding(_matrix(proba), SUM_TOLERANCE)
            self.notes = (note,) if note else ()
            K = matrix.shape[1] if self.labels is None else len(self.labels)
            self.proba = check_probabilities(matrix, (matrix.shape[0], K), "proba")
        self._y_pred = None if y_pred is None else _column(y_pred)
        check_consistent_length(self._y_pred, self.proba)

    @property
    def params(self) -> dict[str, Any]:
        """Nothing is known of the model's parameters."""
        return {}

    @property
    def fitted(self) -> Predictions:
        """The answers themselves."""
        return self

    @property
    def has_proba(self) -> bool:
        """Whether probabilities were given."""
        return self.proba is not None

    @property
    def n_samples(self) -> int:
        """Number of rows with answers."""
        return len(self._y_pred) if self._y_pred is not None else len(self.proba)  # type: ignore[arg-type]

    @property
    def y_pred(self) -> NDArray[Any]:
        """Predicted labels, shape (n_samples,)."""
        if self._y_pred is not None:
            return self._y_pred
        if self.labels is None:
            raise ModelError(
                "labels of the columns of proba are needed, but none are known; pass labels=sorted(set(y))"
            )
        assert self.proba is not None
        return np.asarray(self.labels[self.proba.argmax(axis=1)])

    def for_labels(self, labels: NDArray[Any]) -> Predictions:
        """Return the same answers with columns named, ``labels`` being the sorted labels of y.

        Raises
        ------
        ModelError
            If there is another number of columns than labels, or no label in common.
        """
        if self.labels is not None or self.proba is None:
            return self
        if self.proba.shape[1] != len(labels):
            raise ModelError(
                f"one column of proba per label is needed, but it has {self.proba.shape[1]} columns and y has "
                f"{len(labels)} labels; pass labels= to name the columns"
            )
        named = Predictions(self._y_pred, self.proba, labels)
        named.notes = self.notes
        return named

    def predict(self, fitted: Any, X: Any) -> NDArray[Any]:
        """Return the given labels; X only has to have as many rows."""
        self._check_rows(X)
        return self.y_pred

    def probabilities(self, fitted: Any, X: Any, labels: NDArray[Any]) -> NDArray[np.float64] | None:
        """Return the given probabilities in the order of ``labels``, 0 for a label without a column."""
        self._check_rows(X)
        named = self.for_labels(labels)
        if named.proba is None:
            return None
        assert named.labels is not None
        codes = codes_of_answers(named.labels, labels, "the columns of proba name")
        placed = np.zeros((len(named.proba), len(labels)))
        placed[:, codes] = named.proba
        return placed

    def scores(self, fitted: Any, X: Any, labels: NDArray[Any]) -> None:
        """No decision values are known."""

    def answer(
        self, fitted: Any, X: Any, labels: NDArray[Any], *, with_proba: bool = True
    ) -> tuple[NDArray[np.int64], NDArray[np.float64] | None]:
        """See ``ModelView``."""
        named = self.for_labels(labels)
        codes = codes_of_answers(named.predict(named, X), labels, "the given predictions name")
        return codes, named.probabilities(named, X, labels) if with_proba else None

    def fit(self, X: Any, y: Any, *, sample_weight: Any = None) -> NoReturn:
        """Raise ModelError: there is no model."""
        self._refuse()

    def with_params(self, **deep: Any) -> NoReturn:
        """Raise ModelError: there is no model."""
        self._refuse()

    def with_step_in_front(self, transformer: Any) -> NoReturn:
        """Raise ModelError: there is no model."""
        self._refuse()

    def class_weight_params(self) -> dict[str, Any]:
        """See ``ModelView``."""
        return {}

    def weight_route(self) -> tuple[str, str] | None:
        """See ``ModelView``."""
        return None

    def penalty_knobs(self) -> tuple[PenaltyKnob, ...]:
        """See ``ModelView``."""
        return ()

    def penalty_is_absent(self, fitted: Any, X: Any = None) -> bool:
        """See ``ModelView``."""
        return False

    def linear_part(self, fitted: Any, X: Any) -> LinearPart | None:
        """See ``ModelView``."""
        return None

    def has_scaler(self) -> bool:
        """See ``ModelView``."""
        return False

    def is_scale_free(self) -> bool:
        """See ``ModelView``."""
        return False

    def is_flexible(self) -> bool:
        """See ``ModelView``."""
        return False

    def training_knobs(self) -> tuple[TrainingKnob, ...]:
        """See ``ModelView``."""
        return ()

    def network_knobs(self) -> None:
        """See ``ModelView``."""
        return None

    def network_part(self, fitted: Any, X: Any, y: Any) -> None:
        """See ``ModelView``."""
        return None

    def joint_fit(self) -> None:
        """See ``ModelView``."""
        return None

    def _check_rows(self, X: Any) -> None:
        if X is None:
            return
        rows = X.shape[0] if hasattr(X, "shape") else len(X)
        if rows != self.n_samples:
            raise ModelError(
                f"one prediction per row is needed, but there are {self.n_samples} predictions for {rows} rows; "
                "predict exactly the rows that are diagnosed"
            )

    def _refuse(self) -> NoReturn:
        raise ModelError("a model is needed for that, but only its predictions are known; pass the model itself")


def _distinct(labels: Any) -> NDArray[Any]:
    values = np.asarray(labels)
    if values.ndim != 1 or len(set(values.tolist())) != len(values):
        raise UsageError(f"labels name each column of proba once, but got {list(labels)!r:.200}; remove the repeats")
    return values


def _matrix(proba: Any) -> NDArray[Any]:
    try:
        matrix = np.asarray(proba)
        matrix = matrix if matrix.dtype.kind == "f" else matrix.astype(float)
    except (TypeError, ValueError) as error:
        raise ModelError(f"proba has to hold numbers, but does not ({error}); pass an array of floats") from error
    if matrix.ndim != 2:
        raise ModelError(
            f"proba has to have shape (n_samples, n_classes), but has {matrix.shape}; for two classes pass both columns"
        )
    return matrix


def _column(y_pred: Any) -> NDArray[Any]:
    values = np.asarray(y_pred)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values.ravel()
    if values.ndim != 1:
        raise ModelError(
            f"y_pred has to hold one label per row, but has shape {values.shape}; pass probabilities as proba="
        )
    gaps = sum(value is None or (isinstance(value, float) and value != value) for value in values.tolist())
    if gaps:
        raise DataError(
            f"a predicted label in every row is needed, but {gaps} of {len(values)} rows have none; fill them"
        )
    return values
