"""The classifier of largest margin, with its proof."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from marginscope._validation import look_up
from marginscope.certificates.margin import MarginSolution
from marginscope.estimators.linear_classifier import LinearClassifier
from marginscope.estimators.training_rows import TrainingRows, labels_were_checked, training_rows
from marginscope.exceptions import DataQualityWarning, NotSeparableError, NotSolvedError
from marginscope.solvers.hard_margin import solve_hard_margin
from marginscope.solvers.soft_margin import SoftMargin, solve_soft_margin

__all__ = ["HardMarginClassifier"]

Floats = NDArray[np.float64]


class HardMarginClassifier(LinearClassifier):
    """Linear classifier of largest margin in a norm, proved.

        minimise ||W||  subject to  <w_y - w_k, x_i> >= 1,  all i and k != y_i

    The intercept is the weight of a column of ones and counts in the norm, as in
    ``LinearSVC`` and ``marginscope.solve_hard_margin``.

    Where linear scores do not separate the classes, no W satisfies this. The soft margin is
    then the least total violation

        V(W) = sum_i omega_i max_k (1 - u_ik)_+

    and among all W that attain it the one of least norm: what the Crammer-Singer machine
    C V(W) + 1/2 ||W||^2 gives for every C that is large enough. (The least *largest* violation
    would say nothing: on data that are not separable it is 1, and W = 0 attains it.)

    Parameters
    ----------
    norm : str
        "frobenius", "max" or "sum" of the entries, "spectral" or "nuclear".
    fit_intercept : bool
    on_inseparable : "soft" or "raise"
        "soft" gives one warning and the soft margin.
    probability : "auto" or "calibrate"
        "auto": no ``predict_proba``, as margins are no probabilities. "calibrate": from
        scores of five folds that were left out.

    Attributes
    ----------
    classes_ : (n_classes,) array
    coef_ : (n_classes, n_features) array, (1, n_features) for two classes
        For two classes the difference of the two rows of W.
    intercept_ : (n_classes,) or (1,) array
    certificate_ : MarginSolution or SeparabilityCertificate
        The largest margin with its proof, or the proof that there is none.
    soft_margin_ : SoftMargin or None
        The certified bracket of the least total violation, where there is no hard margin.
    n_iter_ : int
    n_features_in_ : int
    feature_names_in_ : array, only for data frames with names

    Notes
    -----
    Weights of the rows change a hard margin only where they are 0, which drops the row. In a
    soft margin they scale the violations, so that weight k is k copies.

    References
    ----------
    Crammer & Singer, JMLR 2 (2001).

    Examples
    --------
    >>> from marginscope.estimators.hard_margin_classifier import HardMarginClassifier
    >>> X, y = [[0.0], [1.0], [3.0], [4.0]], ["a", "a", "b", "b"]
    >>> model = HardMarginClassifier().fit(X, y)
    >>> model.coef_.round(6).tolist(), model.certificate_.status
    ([[1.0]], 'optimal')
    """

    def __init__(
        self,
        norm: str = "frobenius",
        *,
        fit_intercept: bool = True,
        on_inseparable: str = "soft",
        probability: str = "auto",
    ) -> None:
        self.norm = norm
        self.fit_intercept = fit_intercept
        self.on_inseparable = on_inseparable
        self.probability = probability

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> HardMarginClassifier:
        """Fit to labels of any kind.

        Parameters
        ----------
        X : (n_samples, n_features) array, data frame or sparse matrix
        y : (n_samples,) labels
        sample_weight : (n_samples,) array, optional

        Raises
        ------
        NotSeparableError
            With ``on_inseparable="raise"``; ``certificate`` proves it.
        NotSolvedError
            If a solver ends without an answer.
        DataError, UsageError
            If data or parameters cannot be meant.
        """
        self._check_probability()
        look_up("on_inseparable", self.on_inseparable, {name: name for name in ("soft", "raise")})
        rows = training_rows(self, X, y, sample_weight)
        with labels_were_checked():
            solution = solve_hard_margin(
                rows.X,
                rows.labels,
                norm=self.norm,
                fit_intercept=bool(self.fit_intercept),
                raise_on_failure=False,
            )
        soft = None
        if solution.status == "infeasible":
            self._refuse_or_warn(solution)
            soft = self._soft(rows)
        else:
            _check_solved(solution)
        self._keep(solution.full_coef if soft is None else soft.full_coef, rows)
        self._rows = None
        self.soft_margin_ = soft
        self._certificate = solution if soft is None else solution.refutation
        self.n_iter_ = max(1, solution.n_iterations if soft is None else soft.n_rounds)
        self._calibrate(rows)
        return self

    def _refuse_or_warn(self, solution: MarginSolution) -> None:
        certificate = solution.refutation
        tied = certificate.n_pairs - int(certificate.separable_counts.sum())
        fact = (
            f"{tied:,} of {certificate.n_pairs:,} pairs of a row and another class cannot be separated "
            f"({certificate.status.replace('_', '-')})"
        )
        if self.on_inseparable == "raise":
            raise NotSeparableError(
                f"a hard margin needs classes that linear scores separate completely, but {fact}; add features, or "
                'take on_inseparable="soft"',
                certificate,
            )
        warnings.warn(
            f"a hard margin needs classes that linear scores separate completely, but {fact}; the coefficients are "
            "those of least total violation, see soft_margin_ and certificate_",
            DataQualityWarning,
            stacklevel=3,
        )

    def _soft(self, rows: TrainingRows) -> SoftMargin:
        soft = solve_soft_margin(
            rows.X,
            rows.codes,
            rows.n_classes,
            norm=self.norm,
            fit_intercept=bool(self.fit_intercept),
            sample_weight=rows.weights,
        )
        if soft.status != "optimal":
            warnings.warn(
                f"the least total violation is only known to lie between {soft.violation.lower:.9g} and "
                f"{soft.violation.upper:.9g} ({soft.reason}); scale the features",
                ConvergenceWarning,
                stacklevel=3,
            )
        return soft

    def _own_facts(self) -> dict[str, str]:
        certificate = self._certificate
        if self.soft_margin_ is not None:
            lower, upper = self.soft_margin_.violation
            return {
                "separability": certificate.status.replace("_", "-"),
                "least total violation": f"between {lower:.9g} and {upper:.9g}",
                f"{self.norm} norm": f"{self.soft_margin_.norm_value:.6g}",
            }
        lower, upper = certificate.bracket
        return {
            "separability": "complete",
            f"largest {self.norm} margin": f"between {lower:.9g} and {upper:.9g}",
            "support": f"{len(certificate.support_pairs):,} pairs of a row and another class",
            "solver": f"{certificate.method}, {certificate.n_iterations:,} iterations",
        }


def _check_solved(solution: MarginSolution) -> None:
    """Warn of a margin that is not exact, and refuse none."""
    lower, upper = solution.bracket
    if lower <= 0.0:
        raise NotSolvedError(
            f"a largest margin was wanted, but {solution.method or 'the solver'} ended with "
            f"{solution.status.replace('_', ' ')} between {lower:.6g} and {upper:.6g}; scale the features",
            solution,
        )
    if solution.status != "optimal":
        warnings.warn(
            f"the largest margin is only known to lie between {lower:.9g} and {upper:.9g} "
            f"({solution.status.replace('_', ' ')}); scale the features",
            ConvergenceWarning,
            stacklevel=4,
        )
