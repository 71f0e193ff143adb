"""What the linear classifiers share: coefficients, predictions, probabilities and the certificate."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from marginscope import losses
from marginscope._validation import look_up
from marginscope.estimators.fitted_facts import ShowsFacts
from marginscope.estimators.score_calibration import ScoreCalibration, class_scores, fit_calibration
from marginscope.estimators.training_rows import TrainingRows, labels_were_checked, new_features
from marginscope.exceptions import DataError, UsageError
from marginscope.geometry.gauge import one_row
from marginscope.solvers.separability import separability

__all__ = ["LinearClassifier", "has_unit_numbers", "is_proper"]

Floats = NDArray[np.float64]

_FOLDS = 5
_PROBABILITY = ("auto", "calibrate")


def _has_probabilities(estimator: Any) -> bool:
    if estimator.probability == "calibrate":
        return True
    return bool(estimator._scores_are_log_probabilities())


class LinearClassifier(ClassifierMixin, ShowsFacts, BaseEstimator):  # type: ignore[misc]
    """Base of the linear classifiers; a subclass has the parameters ``fit_intercept`` and ``probability``."""

    probability: str
    fit_intercept: bool
    classes_: NDArray[Any]
    coef_: Floats
    intercept_: Floats
    calibration_: ScoreCalibration
    _rows: TrainingRows | None
    _certificate: Any

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def decision_function(self, X: Any) -> Floats:
        """Return the scores: (n_samples, n_classes), or (n_samples,) for two classes.

        Parameters
        ----------
        X : (n_samples, n_features) array, data frame or sparse matrix
        """
        scores = np.asarray(new_features(self, X) @ self.coef_.T) + self.intercept_
        return scores.ravel() if scores.shape[1] == 1 else scores

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the label with the largest score for every row."""
        scores = self.decision_function(X)
        codes = (scores > 0.0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)
        return np.asarray(self.classes_[codes])

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Floats:
        """Return (n_samples, n_classes) probabilities.

        Only there if the loss is strictly proper, or with ``probability="calibrate"``.
        """
        scores = class_scores(self.decision_function(X))
        calibration: ScoreCalibration | None = getattr(self, "calibration_", None)
        return np.asarray(softmax(scores, axis=1)) if calibration is None else calibration.probabilities(scores)

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Any) -> Floats:
        """Return the logarithms of the probabilities."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))

    @property
    def certificate_(self) -> Any:
        """Proof of what linear scores separate on the rows of ``fit``; computed when first asked for."""
        check_is_fitted(self)
        if getattr(self, "_certificate", None) is None:
            rows: TrainingRows | None = getattr(self, "_rows", None)
            if "_is_looked_at" in vars(self):
                raise AttributeError("certificate_ is not computed yet")
            if rows is None:
                raise AttributeError(
                    "a certificate needs the training rows, but this model was loaded from a file, which has none; "
                    "call marginscope.separability(X, y)"
                )
            with labels_were_checked():
                self._certificate = separability(rows.X, rows.labels, fit_intercept=bool(self.fit_intercept))
        return self._certificate

    def __getstate__(self) -> dict[str, Any]:
        """Leave the training rows out of files."""
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("_rows", None)
        return state

    def _not_computed(self) -> tuple[str, ...]:
        has_rows = getattr(self, "_rows", None) is not None
        return ("certificate_",) if has_rows and getattr(self, "_certificate", None) is None else ()

    def _scores_are_log_probabilities(self) -> bool:
        """Say whether the softmax of the scores is the conditional distribution."""
        return False

    def _check_probability(self) -> None:
        look_up("probability", self.probability, {name: name for name in _PROBABILITY})

    def _keep(self, W: Floats, rows: TrainingRows) -> None:
        """Take over coefficients (n_classes, n_features [+ 1]); two classes become one row."""
        self.classes_ = rows.classes
        self._rows, self._certificate = rows, None
        if rows.n_classes == 2:
            W = one_row(W)
        d = rows.X.shape[1]
        self.coef_ = np.ascontiguousarray(W[:, :d])
        self.intercept_ = W[:, d].copy() if W.shape[1] > d else np.zeros(len(W))

    def _calibrate(self, rows: TrainingRows) -> None:
        """Fit probabilities to the scores of rows that were left out of the fit."""
        self.__dict__.pop("calibration_", None)
        if self.probability != "calibrate":
            return
        smallest = int(np.bincount(rows.codes).min())
        if smallest < 2:
            raise DataError(
                "two rows of every class are needed to calibrate probabilities, but a class has one; "
                'add rows or leave probability="auto"'
            )
        folds = StratifiedKFold(min(_FOLDS, smallest), shuffle=True, random_state=0)
        scores = np.zeros((len(rows.codes), rows.n_classes))
        for train, test in folds.split(np.zeros(len(rows.codes)), rows.codes):
            model = clone(self).set_params(probability="auto")
            some = rows.at(train)
            model.fit(some.X, some.labels, sample_weight=some.weights)
            scores[test] = class_scores(model.decision_function(rows.X[test]))
        self.calibration_ = fit_calibration(scores, rows.codes, rows.weights)

    def _facts(self) -> dict[str, str]:
        if not hasattr(self, "coef_"):
            return {}
        facts = {"classes": f"{len(self.classes_):,}", **self._own_facts()}
        certificate = getattr(self, "_certificate", None)
        if certificate is not None:
            facts.setdefault("separability", certificate.status.replace("_", "-"))
        return facts

    def _own_facts(self) -> dict[str, str]:
        return {}


def is_proper(loss: Any) -> bool:
    """Say whether a loss is strictly proper; an unknown name is not."""
    try:
        return losses.get(loss).facts.strictly_proper is True
    except UsageError:
        return False


def has_unit_numbers(values: Any) -> bool:
    """Say whether numbers for the classes are left out or all one."""
    given = list(values.values()) if hasattr(values, "values") else values
    return given is None or bool(np.all(np.asarray(given, dtype=float) == 1.0))
