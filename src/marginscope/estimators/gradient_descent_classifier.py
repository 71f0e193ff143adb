"""A first-order method as a classifier: where its path is after so many steps."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedShuffleSplit

from marginscope._validation import check_class_numbers, check_rng
from marginscope.batches import on_rows
from marginscope.descent.trajectory import Trajectory
from marginscope.estimators.linear_classifier import LinearClassifier, has_unit_numbers, is_proper
from marginscope.estimators.stopping import Callback, Stopping
from marginscope.estimators.training_rows import TrainingRows, labels_were_checked, training_rows
from marginscope.exceptions import DataError, UsageError
from marginscope.limits.descend import descend
from marginscope.limits.question import ask, class_weights

__all__ = ["GradientDescentClassifier"]

Floats = NDArray[np.float64]


class GradientDescentClassifier(LinearClassifier):
    """Linear classifier at the end of a run of descent, with its whole path.

        R(W) = sum_i omega_i psi(u_i(W)),    W_{t+1} = W_t - eta_t Delta_t

    There is no penalty: on separable data the norm grows without bound and the direction
    tends to a largest margin (``path_`` shows how far it is). Step sizes are for the sum of
    the losses. The intercept is the weight of a column of ones.

    Parameters
    ----------
    loss : str or Template
        A name of ``marginscope.losses.names()``, or a template.
    optimizer : str or Optimizer
        "gd", "momentum", "nesterov", "sgd", "adam", "sign", "normalized", "spectral",
        "muon", "nuclear", "coordinate" or "dual_accelerated".
    step_size : "theory", float, (scale, decay) or StepSize
        "theory" is half the largest constant step that is proved not to raise the risk.
    n_steps : int
    fit_intercept : bool
    momentum : float, optional
        Of the methods that have it.
    batch_size : int, optional
        Rows of a step; 32 for "sgd", all for the others.
    class_weight : "balanced", mapping {label: weight} or (n_classes,) array, optional
    class_margins, class_scales : mapping {label: value} or (n_classes,) array, optional
    record : "log", int or sequence of int
        Twelve records a decade, every so many steps, or these steps. Rules to stop are looked
        at where the path is recorded.
    tol : float
        Stop where the largest entry of the gradient, divided by the sum of the weights, is at
        most this; 0 takes all steps.
    early_stopping : bool
        Leave a share of the rows of each class out, stop when the loss on them has no new least
        value for ``patience`` records, and keep the coefficients of the least one.
    validation_fraction : float
    patience : int
    callbacks : sequence of callables, optional
        Called with the step and W (n_classes, n_features [+ 1]) at every record; a true
        answer stops.
    warm_start : bool
        Go on from the coefficients of the fit before, if it had the same classes and features.
        Step sizes and the state of the optimizer begin anew.
    random_state : int, Generator, RandomState or None
        Of batches and of the rows that are left out.
    probability : "auto" or "calibrate"
        "auto": ``predict_proba`` is the softmax of the scores, and is there only for strictly
        proper losses without unequal class margins or scales. "calibrate": for any loss, from
        scores of five folds that were left out.

    Attributes
    ----------
    classes_ : (n_classes,) array
    coef_ : (n_classes, n_features) array, (1, n_features) for two classes
        For two classes the difference of the two rows of W.
    intercept_ : (n_classes,) or (1,) array
    path_ : Trajectory
        The run, with a certified bracket of the largest margin at every record.
    record_ : int
        The record of ``path_`` whose coefficients are kept.
    n_iter_ : int
        Steps taken.
    stop_reason_ : str
        "gradient", "validation", "callback", or empty.
    validation_loss_ : (n_records,) array
        Empty without early stopping.
    certificate_ : SeparabilityCertificate
        Whether linear scores separate the classes; computed when first asked for.
    n_features_in_ : int
    feature_names_in_ : array, only for data frames with names

    Notes
    -----
    With all rows in a step a row of weight k counts as k copies, in "theory" too, and one of
    weight 0 as none. Batches are drawn by rows.

    References
    ----------
    Ravi, Scott, Soudry & Wang, NeurIPS 2024.

    Examples
    --------
    >>> from marginscope.estimators.gradient_descent_classifier import GradientDescentClassifier
    >>> X, y = [[0.0], [1.0], [3.0], [4.0]], ["a", "a", "b", "b"]
    >>> model = GradientDescentClassifier(n_steps=1000).fit(X, y)
    >>> model.predict([[0.5], [3.5]]).tolist(), model.path_.status
    (['a', 'b'], 'completed')
    """

    def __init__(
        self,
        loss: Any = "cross_entropy",
        optimizer: Any = "gd",
        step_size: Any = "theory",
        n_steps: int = 10_000,
        *,
        fit_intercept: bool = True,
        momentum: float | None = None,
        batch_size: int | None = None,
        class_weight: Any = None,
        class_margins: Any = None,
        class_scales: Any = None,
        record: Any = "log",
        tol: float = 0.0,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 10,
        callbacks: Sequence[Callback] | None = None,
        warm_start: bool = False,
        random_state: Any = None,
        probability: str = "auto",
    ) -> None:
        self.loss = loss
        self.optimizer = optimizer
        self.step_size = step_size
        self.n_steps = n_steps
        self.fit_intercept = fit_intercept
        self.momentum = momentum
        self.batch_size = batch_size
        self.class_weight = class_weight
        self.class_margins = class_margins
        self.class_scales = class_scales
        self.record = record
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.random_state = random_state
        self.probability = probability

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> GradientDescentClassifier:
        """Run descent from zero, or from where the fit before ended.

        Parameters
        ----------
        X : (n_samples, n_features) array, data frame or sparse matrix
        y : (n_samples,) labels
        sample_weight : (n_samples,) array, optional

        Raises
        ------
        DataError, UsageError
            If data or parameters cannot be meant.
        """
        self._check_probability()
        self._check_rules()
        rows = training_rows(self, X, y, sample_weight)
        seed = check_rng(self.random_state)[0]
        put_in_front: dict[str, Any] = {
            "fit_intercept": bool(self.fit_intercept),
            "class_weight": class_weights(self.class_weight, rows.classes, rows.counts),
            "class_margins": check_class_numbers("class_margins", self.class_margins, rows.classes),
            "class_scales": check_class_numbers("class_scales", self.class_scales, rows.classes),
        }
        fitted, left_out = self._split(rows, seed)
        with labels_were_checked():
            whole = ask(rows.X, rows.labels, self.loss, sample_weight=rows.weights, **put_in_front).objective
        stopping = Stopping(
            whole if left_out is None else on_rows(whole, fitted),
            None if left_out is None else on_rows(whole, left_out),
            tol=float(self.tol),
            patience=int(self.patience),
            callbacks=tuple(self.callbacks or ()),
        )
        some = rows if left_out is None else rows.at(fitted)
        with labels_were_checked():
            path = descend(
                some.X,
                some.labels,
                loss=self.loss,
                optimizer=self.optimizer,
                step_size=self.step_size,
                n_steps=self.n_steps,
                record=self.record,
                momentum=self.momentum,
                batch_size=self.batch_size,
                init=self._start(rows),
                rng=seed,
                sample_weight=some.weights,
                on_record=stopping,
                **put_in_front,
            )
        self._take(path, stopping, rows)
        self._calibrate(rows)
        return self

    def _take(self, path: Trajectory, stopping: Stopping, rows: TrainingRows) -> None:
        """Keep the path, and the coefficients of its best record."""
        run = path.runs[0]
        last = len(run.W) - 1
        self.record_ = last if stopping.best_record < 0 else min(stopping.best_record, last)
        self.path_, self.n_iter_ = path, int(path.steps[last])
        self.stop_reason_ = stopping.reason if run.status == "stopped" else ""
        self.validation_loss_ = np.array(stopping.validation_losses)
        self._keep(run.W[self.record_], rows)
        if run.status == "diverged":
            warnings.warn(
                f"a run that stays bounded was wanted, but {path.optimizer_name} diverged after step {self.n_iter_:,}; "
                'take a smaller step_size, or leave it at "theory"',
                ConvergenceWarning,
                stacklevel=3,
            )

    def _split(self, rows: TrainingRows, seed: int) -> tuple[Any, Any]:
        """Return the rows to fit and those left out; None where there is no early stopping."""
        if not self.early_stopping:
            return None, None
        split = StratifiedShuffleSplit(n_splits=1, test_size=self.validation_fraction, random_state=seed % 2**32)
        try:
            fitted, left_out = next(split.split(np.zeros(len(rows.codes)), rows.codes))
        except ValueError as error:
            raise DataError(
                f"early stopping needs rows of every class in both parts, but {error}; change validation_fraction or "
                "leave early_stopping off"
            ) from error
        return fitted, left_out

    def _start(self, rows: TrainingRows) -> Floats | None:
        """Return the last coefficients for a warm start, None for zero."""
        if not self.warm_start or not hasattr(self, "path_"):
            return None
        before = self.path_.runs[0].W[self.record_]
        shape = (rows.n_classes, rows.X.shape[1] + bool(self.fit_intercept))
        if before.shape != shape or not np.array_equal(self.classes_, rows.classes):
            raise DataError(
                f"a warm start needs the classes and features of the fit before, {before.shape}, but got {shape} or "
                "other labels; set warm_start=False"
            )
        return np.asarray(before)

    def _check_rules(self) -> None:
        for name, value, least in (("tol", self.tol, 0.0), ("patience", self.patience, 1)):
            if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not least <= value < np.inf:
                raise UsageError(f"{name} needs a finite number of at least {least}, but got {value!r:.40}; correct it")
        if self.callbacks is not None and not all(map(callable, self.callbacks)):
            raise UsageError(
                f"callbacks need to be callables of step and W, but got {self.callbacks!r:.60}; pass a list"
            )

    def _scores_are_log_probabilities(self) -> bool:
        return is_proper(self.loss) and has_unit_numbers(self.class_margins) and has_unit_numbers(self.class_scales)

    def _own_facts(self) -> dict[str, str]:
        ended = f", stopped by {self.stop_reason_}" if self.stop_reason_ else f", {self.path_.status}"
        return {
            "loss": self.path_.loss_name,
            "optimizer": f"{self.path_.optimizer_name}, step size {self.path_.step_size}",
            "steps": f"{self.n_iter_:,}{ended}",
        }
