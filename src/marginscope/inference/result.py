"""Multinomial estimates with standard errors, and tests of the classes' rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from marginscope._display import Displayed, make_frame
from marginscope.certificates.separability import SeparabilityCertificate
from marginscope.exceptions import SeparatedError
from marginscope.inference.contrasts import Contrast, class_vector, feature_vector, make_contrast
from marginscope.inference.estimate import Estimate
from marginscope.inference.families import class_row_family, feature_family, overall_test, pair_family
from marginscope.inference.gauge_choice import INTERCEPT, SUM_TO_ZERO, gauge_code, row_meaning
from marginscope.inference.hypotheses import HypothesisTest, TestFamily
from marginscope.inference.result_text import summary_lines
from marginscope.inference.separation import infinite_signs

__all__ = ["ClassTests"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class ClassTests(Displayed):
    """Unpenalised multinomial estimates, and how surely they are known.

    Rows are classes in sorted order, in the chosen gauge. A parameter that the table
    does not determine (collinear or constant columns) is NaN and listed in
    ``not_determined``. On separable data ``coef`` holds plus or minus infinity where a
    parameter has no finite value; those that stay finite in this gauge have estimates
    and standard errors, which are those of the rows and classes that overlap.

    Attributes
    ----------
    classes : ndarray
    names : tuple of str
        Names of the features.
    gauge : object
        "sum_to_zero", or the label of the reference class.
    level : float
        Of the intervals.
    status : str
        "overlap", or on separable data "complete" or "quasi_complete".
    log_likelihood, null_log_likelihood : float
        The largest value, or its supremum, and that with intercepts alone.
    n_rows : float
        Sum of the weights.
    certificate : SeparabilityCertificate
        Proves the status.
    """

    _report = "class_tests_page"

    classes: NDArray[Any]
    names: tuple[str, ...]
    gauge: Any
    level: float
    status: str
    log_likelihood: float
    null_log_likelihood: float
    n_rows: float
    certificate: SeparabilityCertificate
    _estimate: Estimate

    @property
    def fit_intercept(self) -> bool:
        """Whether the scores have intercepts."""
        return self._estimate.likelihood.design.fit_intercept

    @property
    def meaning(self) -> str:
        """What one row says, in a sentence."""
        return row_meaning(self.gauge, is_joint=True, is_logistic=True)

    @property
    def coef(self) -> Floats:
        """(n_classes, n_features) estimates."""
        return self._table[:, :-1]

    @property
    def intercept(self) -> Floats:
        """(n_classes,) estimates; zero without intercepts."""
        return self._table[:, -1]

    @property
    def std_err(self) -> Floats:
        """(n_classes, n_features) standard errors; zero in the row of a reference class."""
        return self._errors[:, :-1]

    @property
    def intercept_std_err(self) -> Floats:
        """(n_classes,) standard errors of the intercepts."""
        return self._errors[:, -1]

    @property
    def z(self) -> Floats:
        """(n_classes, n_features) estimates divided by their standard errors."""
        return self._z[:, :-1]

    @property
    def p_values(self) -> Floats:
        """(n_classes, n_features) two-sided Wald p values of a zero coefficient."""
        return np.asarray(2.0 * ndtr(-np.abs(self.z)))

    @property
    def intervals(self) -> Floats:
        """(n_classes, n_features, 2) ends of the Wald intervals."""
        return self._intervals[:, :-1]

    @property
    def feature_std(self) -> Floats:
        """(n_features,) standard deviations; without intercepts, root mean squares."""
        return self._estimate.likelihood.design.size

    @property
    def not_determined(self) -> tuple[str, ...]:
        """Features, or "(intercept)", that the table does not determine."""
        known = self._estimate.likelihood.design.determines(np.eye(len(self.names) + 1))
        names = (*self.names, INTERCEPT) if self.fit_intercept else self.names
        return tuple(name for name, one in zip(names, known, strict=False) if not one)

    @property
    def infinite(self) -> tuple[tuple[Any, str, int], ...]:
        """Parameters without a finite value in this gauge, as (label, feature, sign)."""
        labels, names = self.classes.tolist(), (*self.names, INTERCEPT)
        return tuple(
            (labels[k], names[j], int(np.sign(self._table[k, j]))) for k, j in np.argwhere(np.isinf(self._table))
        )

    @property
    def covariance(self) -> Floats:
        """Covariance, n_classes * (n_features + 1) square: a class's intercept is last.

        Rows and columns of parameters that are infinite or not determined are NaN.
        """
        found = self._estimate.table_covariance(self._reference)
        unknown = ~self._known.ravel()
        found[unknown, :], found[:, unknown] = np.nan, np.nan
        return found

    @cached_property
    def class_rows(self) -> TestFamily:
        """Tests that the row of a class is zero in this gauge, intercepts free.

        Sum to zero: the features act on the class as on the average class. Reference
        gauge: the class and the reference class differ by their intercepts only.
        """
        return class_row_family(self._estimate, self.classes, self._reference, self._note)

    @cached_property
    def pairs(self) -> TestFamily:
        """Tests that two classes have the same slopes; they know no gauge."""
        return pair_family(self._estimate, self.classes, self._note)

    @cached_property
    def features(self) -> TestFamily:
        """Tests that a feature acts alike on every class; they know no gauge."""
        return feature_family(self._estimate, self.names, self._note)

    @cached_property
    def overall(self) -> HypothesisTest:
        """Test that no feature matters in any class."""
        return overall_test(self._estimate)

    def in_gauge(self, gauge: Any) -> ClassTests:
        """Return the same fit in another gauge: "sum_to_zero" or a label.

        Raises
        ------
        UsageError
            If it is neither.
        """
        reference = gauge_code(gauge, self.classes)
        return replace(self, gauge=SUM_TO_ZERO if reference is None else self.classes.tolist()[reference])

    def contrast(self, classes: Mapping[Any, float], features: str | Mapping[str, float]) -> Contrast:
        """Return the estimate of a weighted sum of coefficients, with its standard error.

        Parameters
        ----------
        classes : mapping {label: number}
            Numbers that sum to zero, such as {"a": 1, "b": -1}: anything else depends on the gauge.
        features : str or mapping {name: number}
            One feature or a weighted sum of them; "(intercept)" is one too.

        Raises
        ------
        UsageError
            If a name is unknown, the numbers do not sum to zero, or the table does not determine it.
        SeparatedError
            If the data are separable and the sum has no finite value.
        """
        a = class_vector(classes, self.classes)
        f = feature_vector(features, self.names, fit_intercept=self.fit_intercept)
        found = make_contrast(self._estimate, a, f, self.level, classes, features)
        if not self._estimate.is_contrast_finite(a, f):
            raise SeparatedError(
                f"a sum of coefficients with a finite value is needed, but {found.name} has none, since the rows are "
                "separable; weigh classes that overlap, or read the likelihood ratios",
                self.certificate,
                self.infinite,
            )
        return found

    def frame(self) -> Any:
        """Return one line per class and feature, "(intercept)" among them."""
        n = len(self.names) + self.fit_intercept
        names = [*self.names, INTERCEPT][:n]
        labels = self.classes.tolist()
        p = 2.0 * ndtr(-np.abs(self._z[:, :n]))
        return make_frame(
            {
                "class": [label for label in labels for _ in names],
                "feature": names * len(labels),
                "coef": self._table[:, :n].ravel().tolist(),
                "std_err": self._errors[:, :n].ravel().tolist(),
                "z": self._z[:, :n].ravel().tolist(),
                "p_value": p.ravel().tolist(),
                "lower": self._intervals[:, :n, 0].ravel().tolist(),
                "upper": self._intervals[:, :n, 1].ravel().tolist(),
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; what does not exist is None."""
        return {
            "schema": "marginscope.class_tests/1",
            "rows": self.n_rows,
            "status": self.status,
            "gauge": str(self.gauge),
            "meaning": self.meaning,
            "level": self.level,
            "fit_intercept": self.fit_intercept,
            "classes": [str(label) for label in self.classes],
            "features": list(self.names),
            "log_likelihood": self.log_likelihood,
            "null_log_likelihood": self.null_log_likelihood,
            "coef": _plain(self.coef),
            "intercept": _plain(self.intercept),
            "std_err": _plain(self.std_err),
            "intercept_std_err": _plain(self.intercept_std_err),
            "not_determined": list(self.not_determined),
            "infinite": [[str(label), name, sign] for label, name, sign in self.infinite],
            "class_rows": self.class_rows.to_dict(),
        }

    def summary(self) -> list[str]:
        """Return the sentences of the text, without its tables."""
        return summary_lines(self, with_tables=False)

    def __repr__(self) -> str:
        # the whole text would make all the tests of rows
        return f"<{type(self).__name__}: {self.summary()[0].rstrip('.')}>"

    def __str__(self) -> str:
        return "\n".join(summary_lines(self))

    @property
    def _reference(self) -> int | None:
        return gauge_code(self.gauge, self.classes)

    @cached_property
    def _known(self) -> NDArray[np.bool_]:
        return self._estimate.determined(self._reference)

    @cached_property
    def _table(self) -> Floats:
        found = np.where(self._known, self._estimate.table(self._reference), np.nan)
        signs = None if self._estimate.is_finite else infinite_signs(self.certificate, self._reference)
        if signs is None:
            return found
        return np.where(~self._known & (signs != 0), np.copysign(np.inf, signs), found)

    @cached_property
    def _errors(self) -> Floats:
        return np.where(self._known, np.sqrt(self._estimate.variances(self._reference)), np.nan)

    @cached_property
    def _z(self) -> Floats:
        return np.divide(self._table, self._errors, out=np.full_like(self._table, np.nan), where=self._errors > 0.0)

    @cached_property
    def _intervals(self) -> Floats:
        reach = float(ndtri(0.5 + 0.5 * self.level)) * self._errors
        return np.stack([self._table - reach, self._table + reach], axis=-1)

    @property
    def _note(self) -> str:
        if self.status == "overlap":
            return ""
        kind = "completely" if self.status == "complete" else "quasi-completely"
        return (
            f"The rows are {kind} separable (certificate): the ratios are of suprema, and chi-square is a rough law "
            "for them."
        )


def _plain(values: Floats) -> Any:
    """Return nested lists in which what is not finite is None."""
    if values.ndim == 1:
        return [float(one) if np.isfinite(one) else None for one in values]
    return [_plain(row) for row in values]
