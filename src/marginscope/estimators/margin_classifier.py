"""Any loss of the laboratory with a ridge, at its optimum."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from marginscope import losses
from marginscope._validation import check_class_numbers, check_rng
from marginscope.estimators.linear_classifier import LinearClassifier, has_unit_numbers, is_proper
from marginscope.estimators.training_rows import TrainingRows, training_rows
from marginscope.exceptions import UsageError
from marginscope.fitting.dense_hessian import without_common_part
from marginscope.fitting.fit import Fit, fit
from marginscope.limits.question import class_weights
from marginscope.losses.adjust import Adjustment
from marginscope.objectives import LinearObjective

__all__ = ["MarginClassifier"]

Floats = NDArray[np.float64]


class MarginClassifier(LinearClassifier):
    """Linear classifier with any smooth multiclass loss and a ridge.

        minimise  C sum_i omega_i psi(u_i) + 1/2 ||coef||_F^2

    with the relative margins u_ik = v_y - v_k, v = coef x + intercept, and a free intercept.
    For cross-entropy this is the objective of ``LogisticRegression``. For two classes
    ``coef_`` is one row w, u = w x + b for the second class and minus that for the first, and
    the penalty is 1/2 ||w||^2 for every loss: the two rows -w/2 and w/2 with the penalty
    ||W||_F^2, not half of it.

    Parameters
    ----------
    loss : str or Template
        A name of ``marginscope.losses.names()`` with a gradient, or a template.
    C : float
        Weight of the loss, positive; infinity is no penalty.
    fit_intercept : bool
        The intercept is not penalised.
    class_weight : "balanced", mapping {label: weight} or (n_classes,) array, optional
        Moves the optimum, not the limit C to infinity on separable data.
    class_margins : mapping {label: m} or (n_classes,) array, optional
        The loss of a row of class y is psi(u / m_y).
    class_scales : mapping {label: D} or (n_classes,) array, optional
        In training the scores are D_k v_k, in prediction v_k (Kini et al. 2021).
    logit_adjustment : float
        tau: in training the scores are v_k + tau log(share of class k) (Menon et al. 2021).
    solver : str
        "auto", "lbfgs", "newton-cg", "newton-gram" or "subsampled".
    tol : float
        Bound of the largest entry of the gradient of the objective, divided by C sum omega.
    max_iter : int, optional
        Most iterations of the solver; by default a number that is enough.
    random_state : int, Generator, RandomState or None
        Of the solver that takes subsamples.
    probability : "auto" or "calibrate"
        "auto": ``predict_proba`` is the softmax of the scores, and is there only for strictly
        proper losses without unequal class margins or scales. "calibrate": for any loss, from
        scores of five folds that were left out.

    Attributes
    ----------
    classes_ : (n_classes,) array
    coef_ : (n_classes, n_features) array, (1, n_features) for two classes
    intercept_ : (n_classes,) or (1,) array
    n_iter_ : int
    solver_, solver_reason_ : str
        The solver that ran, and why "auto" took it.
    gradient_norm_ : float
        What ``tol`` bounds, at the end.
    certificate_ : SeparabilityCertificate
        Whether linear scores separate the classes; computed when first asked for.
    n_features_in_ : int
    feature_names_in_ : array, only for data frames with names

    Notes
    -----
    A row of weight k counts as k copies, one of weight 0 as none. With ``logit_adjustment`` the
    probabilities are those of a population of equal shares if tau is 1.

    References
    ----------
    Ravi, Scott, Soudry & Wang, NeurIPS 2024.

    Examples
    --------
    >>> from marginscope.estimators.margin_classifier import MarginClassifier
    >>> X, y = [[0.0], [1.0], [3.0], [4.0]], ["a", "a", "b", "b"]
    >>> model = MarginClassifier(loss="pair_logistic").fit(X, y)
    >>> model.predict([[0.5], [3.5]]).tolist(), model.certificate_.status
    (['a', 'b'], 'complete')
    """

    def __init__(
        self,
        loss: Any = "cross_entropy",
        C: float = 1.0,
        *,
        fit_intercept: bool = True,
        class_weight: Any = None,
        class_margins: Any = None,
        class_scales: Any = None,
        logit_adjustment: float = 0.0,
        solver: str = "auto",
        tol: float = 1e-6,
        max_iter: int | None = None,
        random_state: Any = None,
        probability: str = "auto",
    ) -> None:
        self.loss = loss
        self.C = C
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.class_margins = class_margins
        self.class_scales = class_scales
        self.logit_adjustment = logit_adjustment
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state
        self.probability = probability

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MarginClassifier:
        """Fit to labels of any kind.

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
        rows = training_rows(self, X, y, sample_weight)
        objective = self._objective(rows)
        found = fit(
            objective,
            solver=self.solver,
            tol=self.tol,
            max_iter=self.max_iter,
            random_state=check_rng(self.random_state)[0],
        )
        self._keep(_with_least_intercept(found.coef, objective), rows)
        self.n_iter_, self.gradient_norm_ = found.n_iter, found.gradient_norm
        self.solver_, self.solver_reason_ = found.solver, found.reason
        if found.status != "converged":
            _warn(found, self.tol)
        self._calibrate(rows)
        return self

    def _objective(self, rows: TrainingRows) -> LinearObjective:
        """Return the objective divided by C, on one row of W per class."""
        if isinstance(self.C, bool) or not isinstance(self.C, int | float | np.number) or not self.C > 0.0:
            raise UsageError(f"a positive C is needed, but got {self.C!r:.40}; give for example C=1.0")
        tau = self.logit_adjustment
        if isinstance(tau, bool) or not isinstance(tau, int | float | np.number) or not np.isfinite(tau):
            raise UsageError(f"a finite logit_adjustment is needed, but got {tau!r:.40}; 0 adjusts nothing, 1 fully")
        counts = rows.counts
        adjustment = Adjustment(
            margins=check_class_numbers("class_margins", self.class_margins, rows.classes),
            scales=check_class_numbers("class_scales", self.class_scales, rows.classes),
            shifts=None if tau == 0.0 else float(tau) * np.log(counts / counts.sum()),
            class_weights=class_weights(self.class_weight, rows.classes, rows.counts),
            sample_weights=rows.weights,
        )
        # two rows -w/2 and w/2 have half the squared norm of w
        factor = 2.0 if rows.n_classes == 2 else 1.0
        return LinearObjective(
            losses.get(self.loss),
            rows.X,
            rows.codes,
            rows.n_classes,
            adjustment=adjustment,
            ridge=factor / float(self.C),
            fit_intercept=bool(self.fit_intercept),
        )

    def _scores_are_log_probabilities(self) -> bool:
        return is_proper(self.loss) and has_unit_numbers(self.class_margins) and has_unit_numbers(self.class_scales)

    def _own_facts(self) -> dict[str, str]:
        return {
            "loss": str(getattr(self.loss, "name", self.loss)),
            "solver": f"{self.solver_}: {self.solver_reason_}" if self.solver_reason_ else self.solver_,
            "iterations": f"{self.n_iter_:,}",
            "largest gradient": f"{self.gradient_norm_:.1e} (wanted {self.tol:.0e})",
        }


def _with_least_intercept(W: Floats, objective: LinearObjective) -> Floats:
    """Take off what training cannot see of the intercepts: b_k + t / D_k are all the same to it."""
    if not objective.fit_intercept:
        return W
    scales = objective.adjustment.scales
    W = W.copy()
    W[:, -1:] = without_common_part(W[:, -1:], np.ones(len(W)) if scales is None else scales)
    return W


def _warn(found: Fit, tol: float) -> None:
    advice = (
        "raise max_iter, scale the features, or lower C"
        if found.status == "iteration_limit"
        else "scale the features, or lower C"
    )
    warnings.warn(
        f"a largest gradient of {tol:.1e} was wanted, but {found.solver} ended at {found.gradient_norm:.1e} after "
        f"{found.n_iter:,} iterations ({found.status.replace('_', ' ')}); {advice}",
        ConvergenceWarning,
        stacklevel=3,
    )
