"""The decision of least expected cost on the probabilities of another classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.estimators.cost_table import cost_table
from marginscope.estimators.wrapped_classifier import LabelledRows, WrappedClassifier

__all__ = ["CostMatrixClassifier"]

Floats = NDArray[np.float64]


class CostMatrixClassifier(WrappedClassifier):
    """Predict the class of least expected cost.

        predict argmin_k sum_j p_j(x) cost[j, k]

    The optimal decision if the probabilities are right (Elkan 2001). Nothing is tuned: with
    the costs known, the training of the estimator need not know them.

    Parameters
    ----------
    estimator : classifier, optional
        By default ``MarginClassifier()``, which is multinomial logistic regression.
    cost_matrix : (n_classes, n_classes) array, mapping or None
        Entry [j, k] is the cost of predicting class k where class j is true, in sorted order
        of the labels. Also ``{true: {predicted: cost}}`` or ``{(true, predicted): cost}``, where
        what is left out costs 1 and a right prediction 0. None is that without exceptions:
        the most probable class.
    probability : "auto" or "calibrate"
        "auto" takes the ``predict_proba`` of the estimator; an estimator without is calibrated.
        "calibrate": softmax(slope score + bias of the class), fitted on scores of rows left out.
    cv : int, splitter or iterable
        The rows left out, where probabilities are calibrated.

    Attributes
    ----------
    estimator_ : classifier
        Fitted to all rows.
    classes_ : (n_classes,) array
    costs_ : (n_classes, n_classes) array
    calibration_ : ScoreCalibration, only where probabilities are calibrated
    n_features_in_, feature_names_in_
        Those of the estimator, if it has them.

    Notes
    -----
    Balanced class weights or resampling in the estimator change its probabilities: they are
    then those of another population, and costs would count twice.

    References
    ----------
    Elkan, IJCAI 2001.

    Examples
    --------
    >>> from marginscope.estimators.cost_matrix_classifier import CostMatrixClassifier
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], ["ok", "ok", "ill", "ill"]
    >>> careful = CostMatrixClassifier(cost_matrix={"ill": {"ok": 10.0}}).fit(X, y)
    >>> careful.estimator_.predict([[1.0]]).tolist(), careful.predict([[1.0]]).tolist()
    (['ok'], ['ill'])
    """

    def __init__(
        self, estimator: Any = None, cost_matrix: Any = None, *, probability: str = "auto", cv: Any = 5
    ) -> None:
        self.estimator = estimator
        self.cost_matrix = cost_matrix
        self.probability = probability
        self.cv = cv

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **fit_params: Any) -> CostMatrixClassifier:
        """Fit the estimator, and calibrate it where that is needed.

        Parameters
        ----------
        X : what the estimator takes
        y : (n_samples,) labels
        sample_weight : (n_samples,) array, optional
        **fit_params
            For the ``fit`` of the estimator.

        Raises
        ------
        DataError, UsageError
            If labels, weights or parameters cannot be meant.
        """
        self._check()
        rows = LabelledRows(X, y, sample_weight)
        params, split_params = self._routed(rows, fit_params)
        self._fit_inner(rows, params)
        self.costs_ = cost_table(self.cost_matrix, self.classes_)
        self.__dict__.pop("calibration_", None)
        if self._is_calibrated:
            self.calibration_ = self._fit_calibration(*self._out_of_fold(rows, params, split_params, raw=True), rows)
        return self

    def expected_costs(self, X: Any) -> Floats:
        """Return the expected cost of every prediction, (n_samples, n_classes)."""
        return np.asarray(self.predict_proba(X) @ self.costs_)

    def _scores(self, proba: Floats) -> Floats:
        return np.asarray(-(proba @ self.costs_))

    def _own_facts(self) -> dict[str, str]:
        wrong = self.costs_[~np.eye(len(self.classes_), dtype=bool)]
        return {
            "costs of a wrong prediction": f"{wrong.min():g} to {wrong.max():g}",
            "probabilities": "calibrated on rows left out" if hasattr(self, "calibration_") else "of the estimator",
        }
