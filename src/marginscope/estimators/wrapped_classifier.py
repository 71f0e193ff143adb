"""What the classifiers around another classifier share: fitting it, its probabilities and its routing."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.model_selection import check_cv
from sklearn.utils import get_tags, indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_method_params, check_is_fitted

from marginscope._validation import check_consistent_length, check_labels, label_codes, look_up
from marginscope.estimators.fitted_facts import ShowsFacts
from marginscope.estimators.margin_classifier import MarginClassifier
from marginscope.estimators.score_calibration import ScoreCalibration, class_scores, fit_calibration
from marginscope.estimators.training_rows import row_weights
from marginscope.exceptions import DataError, ModelError, UsageError

__all__ = ["LabelledRows", "WrappedClassifier"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_TINY = 1e-300


class LabelledRows:
    """Features as they came, class codes and weights, for fits on some of the rows."""

    def __init__(self, X: Any, y: Any, sample_weight: Any) -> None:
        labels = check_labels(y, min_classes=1)
        # rows have to be taken out of it for the folds
        X = indexable(X)[0]
        n_rows = check_consistent_length(X, labels.codes)
        self.X, self.codes, self.classes = X, labels.codes.astype(np.intp), labels.labels
        self.weights = row_weights(sample_weight, n_rows)
        counted = self.codes if self.weights is None else self.codes[self.weights > 0.0]
        if len(np.unique(counted)) < 2:
            raise DataError(
                f"rows of at least 2 classes are needed, but every row is of the one class "
                f"{self.classes[counted[0]]!r}; add rows of another class"
            )

    @property
    def labels(self) -> NDArray[Any]:
        """(n_rows,) labels."""
        return np.asarray(self.classes[self.codes])

    def mass(self, rows: Codes) -> Floats:
        """Return the weights of some rows."""
        return np.ones(len(rows)) if self.weights is None else self.weights[rows]


def _can_tell_probabilities(wrapper: Any) -> bool:
    inner = wrapper._inner() if not hasattr(wrapper, "estimator_") else wrapper.estimator_
    return hasattr(inner, "predict_proba") or hasattr(inner, "decision_function")


class WrappedClassifier(ClassifierMixin, ShowsFacts, MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """Base of classifiers that read the probabilities of ``estimator``, ``cv`` and ``probability`` being parameters."""

    estimator: Any
    cv: Any
    probability: str
    estimator_: Any
    classes_: NDArray[Any]
    calibration_: ScoreCalibration

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self._inner())
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.input_tags.string = inner.input_tags.string
        return tags

    def get_metadata_routing(self) -> Any:
        """Return what goes where: from ``fit`` to the ``fit`` of the estimator and to the splitter."""
        router = MetadataRouter(owner=self).add_self_request(self)
        router.add(estimator=self._inner(), method_mapping=MethodMapping().add(caller="fit", callee="fit"))
        router.add(splitter=self.cv, method_mapping=MethodMapping().add(caller="fit", callee="split"))
        return router

    @available_if(_can_tell_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Floats:
        """Return (n_samples, n_classes) probabilities: those of the estimator, calibrated where that was asked for."""
        check_is_fitted(self)
        return self._probabilities(self.estimator_, X, getattr(self, "calibration_", None))

    @available_if(_can_tell_probabilities)  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Any) -> Floats:
        """Return the logarithms of the probabilities."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the label with the largest score for every row."""
        scores = self.decision_function(X)
        codes = (scores > 0.0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)
        return np.asarray(self.classes_[codes])

    def decision_function(self, X: Any) -> Floats:
        """Return the scores: (n_samples, n_classes), or (n_samples,) for two classes.

        Parameters
        ----------
        X : what the estimator takes
        """
        scores = self._scores(self.predict_proba(X))
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def _scores(self, proba: Floats) -> Floats:
        raise NotImplementedError

    def _inner(self) -> Any:
        """Return the estimator, by default cross-entropy with a ridge."""
        if self.estimator is not None:
            return self.estimator
        from sklearn import get_config

        default = MarginClassifier()
        if get_config()["enable_metadata_routing"]:
            default.set_fit_request(sample_weight=True)
        return default

    def _check(self) -> None:
        look_up("probability", self.probability, {name: name for name in ("auto", "calibrate")})
        inner = self._inner()
        if not hasattr(inner, "fit") or not (hasattr(inner, "predict_proba") or hasattr(inner, "decision_function")):
            raise UsageError(
                f"an estimator with predict_proba or decision_function is needed, but got {inner!r:.60}; "
                "leave it out for MarginClassifier"
            )

    @property
    def _is_calibrated(self) -> bool:
        return self.probability == "calibrate" or not hasattr(self._inner(), "predict_proba")

    def _routed(self, rows: LabelledRows, fit_params: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what the estimator's fit and the splitter get."""
        from sklearn import get_config

        if get_config()["enable_metadata_routing"]:
            routed = process_routing(self, "fit", sample_weight=rows.weights, **fit_params)
            return dict(routed.estimator.fit), dict(routed.splitter.split)
        given = dict(fit_params)
        if rows.weights is not None:
            if "sample_weight" in inspect.signature(self._inner().fit).parameters:
                given["sample_weight"] = rows.weights
            else:
                warnings.warn(
                    f"{type(self._inner()).__name__} takes no sample_weight: it is fitted without, and the weights "
                    "count in the decisions only",
                    UserWarning,
                    stacklevel=3,
                )
        return given, {}

    def _fit_inner(self, rows: LabelledRows, params: dict[str, Any]) -> None:
        """Fit the estimator to all rows and take over what it knows of them."""
        self.estimator_ = clone(self._inner()).fit(rows.X, rows.labels, **params)
        self.classes_ = np.asarray(self.estimator_.classes_)
        for name in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))

    def _out_of_fold(
        self, rows: LabelledRows, params: dict[str, Any], split_params: dict[str, Any], *, raw: bool
    ) -> tuple[Floats, Codes]:
        """Return scores or probabilities (n_rows, n_classes) of rows that were left out, and their folds.

        The fold is -1 for rows that no split leaves out. A class that a fold lacks has the
        lowest score of the row, or the probability 0.
        """
        from sklearn.utils import _safe_indexing

        splitter = check_cv(self.cv, rows.labels, classifier=True)
        with warnings.catch_warnings():
            # a fold without one of the classes is dealt with below
            warnings.filterwarnings("ignore", "The least populated class", UserWarning)
            splits = list(splitter.split(rows.X, rows.labels, **split_params))
        found, fold = np.zeros((len(rows.codes), len(self.classes_))), np.full(len(rows.codes), -1, np.intp)
        for number, (train, test) in enumerate(splits):
            some = _check_method_params(rows.X, params, indices=train)
            model = clone(self._inner()).fit(_safe_indexing(rows.X, train), rows.labels[train], **some)
            X_test = _safe_indexing(rows.X, test)
            answers = _raw_scores(model, X_test) if raw else np.asarray(model.predict_proba(X_test), dtype=float)
            place = label_codes(model.classes_, self.classes_)
            block = np.repeat(answers.min(axis=1)[:, None] if raw else np.zeros((len(test), 1)), found.shape[1], axis=1)
            block[:, place[place >= 0]] = answers[:, place >= 0]
            found[test], fold[test] = block, number
        return found, fold

    def _codes(self, rows: LabelledRows) -> Codes:
        """Return codes in ``classes_``; -1 for a class whose rows have no weight."""
        return label_codes(rows.labels, self.classes_).astype(np.intp)

    def _probabilities(self, model: Any, X: Any, calibration: ScoreCalibration | None) -> Floats:
        if calibration is not None:
            return calibration.probabilities(_raw_scores(model, X))
        proba = np.asarray(model.predict_proba(X), dtype=float)
        if proba.shape[1:] != (len(self.classes_),):
            raise ModelError(
                f"a probability for each of the {len(self.classes_)} classes is needed, but "
                f"{type(model).__name__} gives shape {proba.shape}; use a single-label classifier"
            )
        return proba

    def _fit_calibration(self, scores: Floats, fold: Codes, rows: LabelledRows) -> ScoreCalibration:
        codes = self._codes(rows)
        used = np.flatnonzero((fold >= 0) & (codes >= 0) & (rows.mass(np.arange(len(codes))) > 0.0))
        return fit_calibration(scores[used], codes[used], rows.mass(used))

    def _facts(self) -> dict[str, str]:
        if not hasattr(self, "estimator_"):
            return {}
        inner = {"estimator": type(self.estimator_).__name__, "classes": f"{len(self.classes_):,}"}
        own = self._own_facts()
        shown = self.estimator_._facts() if isinstance(self.estimator_, ShowsFacts) else {}
        return {**inner, **own, **{name: value for name, value in shown.items() if name not in inner}}

    def _own_facts(self) -> dict[str, str]:
        return {}


def _raw_scores(model: Any, X: Any) -> Floats:
    """Return one score for each class of a model: its decision function, else its log probabilities."""
    if hasattr(model, "decision_function"):
        return class_scores(np.asarray(model.decision_function(X), dtype=float))
    return np.asarray(np.log(np.maximum(np.asarray(model.predict_proba(X), dtype=float), _TINY)))
