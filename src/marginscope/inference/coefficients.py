"""One row of coefficients per class of a fitted model, and what a row means."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope._display import Displayed, display_order, make_frame
from marginscope._validation import check_features
from marginscope.exceptions import UsageError
from marginscope.geometry.gauge import change_gauge
from marginscope.inference.gauge_choice import INTERCEPT, SUM_TO_ZERO, class_code, gauge_code, row_meaning
from marginscope.inference.model_rows import rows_of_model

__all__ = ["ClassCoefficients", "class_coefficients"]

Floats = NDArray[np.float64]

_UNITS = ("model", "table")


@dataclass(frozen=True, eq=False, repr=False)
class ClassCoefficients(Displayed):
    """Coefficients with one row per class, in the order of ``classes_``.

    Attributes
    ----------
    coef : (n_classes, n_features) array
    intercept : (n_classes,) array
    classes : ndarray
        Labels, as the model's ``classes_``.
    names : tuple of str
        Names of the features.
    gauge : object
        "sum_to_zero", the label of the reference class, or ``None`` for one-vs-rest,
        whose rows have none.
    is_joint : bool
        Whether the classes share one loss; with two they always do.
    is_logistic : bool
        Whether rows are log odds; otherwise they are scores.
    units : str
        "model": features as the linear model sees them; "table": before scaling.
    is_scaled : bool
        Whether a step in front of the model scales features.
    kind : str
        What the model is.
    """

    _report = "class_coefficients_page"

    coef: Floats
    intercept: Floats
    classes: NDArray[Any]
    names: tuple[str, ...]
    gauge: Any
    is_joint: bool
    is_logistic: bool
    units: str
    is_scaled: bool
    kind: str

    @property
    def meaning(self) -> str:
        """What one row says, in a sentence."""
        return row_meaning(self.gauge, is_joint=self.is_joint, is_logistic=self.is_logistic)

    def in_gauge(self, gauge: Any) -> ClassCoefficients:
        """Return the same scores up to a common vector: another gauge.

        Parameters
        ----------
        gauge : "sum_to_zero" or a label
            The label is that of the reference class.

        Raises
        ------
        UsageError
            If the model is one-vs-rest, or the label is none of its classes.
        """
        if not self.is_joint:
            raise UsageError(
                f"a model whose classes share one loss is needed to choose a gauge, but {self.kind} fits each class "
                f"against all others: its rows are {len(self.classes)} separate models, and a vector added to all of "
                "them changes the odds of each; leave the gauge out, or fit a multinomial model"
            )
        reference = gauge_code(gauge, self.classes)
        return replace(
            self,
            coef=change_gauge(self.coef, reference),
            intercept=change_gauge(self.intercept, reference),
            gauge=SUM_TO_ZERO if reference is None else self.classes.tolist()[reference],
        )

    def against_rest(self, features: Any = None) -> Floats:
        """Return the log odds of each class against all others, per unit of each feature.

        One-vs-rest models and two classes have them everywhere the same. In a
        multinomial model of more classes they change from place to place:

            d/dx log p_c / (1 - p_c) = w_c - sum over k != c of p_k / (1 - p_c) w_k

        Parameters
        ----------
        features : (n_samples, n_features) array-like, optional
            Rows over which to average, in the units of ``coef``.

        Returns
        -------
        (n_classes, n_features) array

        Raises
        ------
        UsageError
            If the model has no probabilities, or features are needed and missing.
        """
        if not self.is_logistic:
            raise UsageError(
                f"a logistic model is needed for log odds, but the rows of {self.kind} are scores; read coef instead"
            )
        if not self.is_joint:
            return self.coef.copy()
        if len(self.classes) == 2:
            return np.asarray(self.coef - self.coef[::-1])
        if features is None:
            raise UsageError(
                f"features are needed, but got None: with {len(self.classes)} classes the log odds of one against "
                "all others change from place to place; pass the rows over which to average"
            )
        X = check_features(features)
        if X.shape[1] != len(self.names):
            raise UsageError(
                f"{len(self.names)} features in the units of the coefficients are needed, but got {X.shape[1]}; "
                "pass the rows as the linear model sees them, or take units='table'"
            )
        scores = np.asarray(X @ self.coef.T + self.intercept)
        slopes = np.empty_like(self.coef)
        for c in range(len(self.classes)):
            others = scores.copy()
            others[:, c] = -np.inf
            share = np.exp(others - others.max(axis=1, keepdims=True))
            slopes[c] = self.coef[c] - (share / share.sum(axis=1, keepdims=True)).mean(axis=0) @ self.coef
        return slopes

    def row(self, label: Any) -> dict[str, float]:
        """Return the row of one class by name of the feature, largest first.

        Raises
        ------
        UsageError
            If there is no such class.
        """
        place = class_code(label, self.classes)
        order = np.argsort(-np.abs(self.coef[place]), kind="stable")
        return {self.names[j]: float(self.coef[place, j]) for j in order}

    def frame(self) -> Any:
        """Return one line per class and feature, "(intercept)" among them."""
        names = (*self.names, INTERCEPT)
        values = np.column_stack([self.coef, self.intercept])
        labels = self.classes.tolist()
        return make_frame(
            {
                "class": [label for label in labels for _ in names],
                "feature": list(names) * len(labels),
                "coef": values.ravel().tolist(),
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "schema": "marginscope.class_coefficients/1",
            "model": self.kind,
            "kind": "multinomial" if self.is_joint else "one-vs-rest",
            "gauge": None if self.gauge is None else str(self.gauge),
            "meaning": self.meaning,
            "units": self.units,
            "classes": [str(label) for label in self.classes],
            "features": list(self.names),
            "coef": self.coef.tolist(),
            "intercept": self.intercept.tolist(),
        }

    def __str__(self) -> str:
        K, d = self.coef.shape
        lines = [f"{self.kind}: {K} rows of {d} coefficient{'s' if d > 1 else ''}, one per class.", self.meaning]
        if self.is_scaled and self.units == "model":
            lines.append("A step in front scales the features; units='table' gives coefficients per unit of the table.")
        elif self.is_scaled:
            lines.append("Coefficients are per unit of the table: the scaling in front is undone.")
        for k in display_order(self.classes.tolist()):
            order = np.argsort(-np.abs(self.coef[k]), kind="stable")[:3]
            largest = ", ".join(f"{self.names[j]} {self.coef[k, j]:+.3g}" for j in order)
            lines.append(f"{self.classes[k]}: largest {largest}; intercept {self.intercept[k]:+.3g}.")
        return "\n".join(lines)


def class_coefficients(model: Any, *, gauge: Any = None, units: str = "model") -> ClassCoefficients:
    """Return the coefficients of a fitted linear classifier, one row per class.

    Parameters
    ----------
    model : object
        Fitted: any linear classifier with ``coef_``, ``intercept_`` and ``classes_``,
        OneVsRestClassifier of such, or a pipeline or search that ends in one.
    gauge : "sum_to_zero" or a label, optional
        How to choose among the rows that give the same probabilities: contrasts with
        the average class, or with the class of that label. By default the first for a
        model whose classes share one loss, and none for one-vs-rest.
    units : str
        "model" for features as the linear model sees them, "table" for coefficients
        per unit of the table's columns: steps that only shift, scale or choose columns
        are undone, and columns that a step makes (one-hot) keep their own units.

    Returns
    -------
    ClassCoefficients

    Raises
    ------
    ModelError
        If the model is not fitted, has no row per class, or its scaling cannot be undone.
    UsageError
        If a gauge is asked of one-vs-rest, or an argument is unknown.

    Examples
    --------
    >>> import marginscope as ms
    >>> from sklearn.linear_model import LogisticRegression
    >>> model = LogisticRegression().fit([[0.0], [1.0], [2.0], [3.0]], ["a", "a", "b", "b"])
    >>> rows = ms.class_coefficients(model, gauge="a")
    >>> rows.coef[0].tolist(), bool(rows.coef[1] == model.coef_)
    ([0.0], True)
    """
    if units not in _UNITS:
        raise UsageError(f"units of 'model' or 'table' are needed, but got {units!r}; name one of them")
    rows = rows_of_model(model, undo_scale=units == "table")
    found = ClassCoefficients(
        coef=rows.coef,
        intercept=rows.intercept,
        classes=rows.classes,
        names=rows.names,
        gauge=None,
        is_joint=rows.is_joint,
        is_logistic=rows.is_logistic,
        units=units,
        is_scaled=rows.is_scaled,
        kind=rows.kind,
    )
    if gauge is None and not rows.is_joint:
        return found
    return found.in_gauge(SUM_TO_ZERO if gauge is None else gauge)
