"""From the arguments of the laboratory to an objective: data, loss, and what is put in front of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope import losses
from marginscope._validation import (
    check_class_numbers,
    check_consistent_length,
    check_features,
    check_labels,
    check_sample_weight,
)
from marginscope.exceptions import UsageError
from marginscope.geometry.margins import is_sparse
from marginscope.losses.adjust import Adjustment, balanced_weights
from marginscope.objectives import LinearObjective

__all__ = ["Question", "ask", "class_weights"]


@dataclass(frozen=True, eq=False)
class Question:
    """The objective, the labels of its classes, and the name of its loss."""

    objective: LinearObjective
    classes: NDArray[Any]
    loss_name: str


def ask(
    X: Any,
    y: Any,
    loss: Any,
    *,
    fit_intercept: bool = False,
    adjustment: Adjustment | None = None,
    class_weight: Any = None,
    class_margins: Any = None,
    class_scales: Any = None,
    sample_weight: Any = None,
) -> Question:
    """Check data and arguments and return the summed risk.

    Parameters
    ----------
    X : (n_samples, n_features) array, data frame or sparse matrix
    y : (n_samples,) labels of any kind
    loss : str or Template
    adjustment : Adjustment, optional
        In sorted order of the labels; not together with the ones below.
    class_weight : "balanced" or mapping or array, optional
    class_margins, class_scales : mapping {label: value} or (n_classes,) array, optional
    sample_weight : (n_samples,) array, optional

    Raises
    ------
    DataError, UsageError
        If data or arguments cannot be meant.
    """
    template = losses.get(loss)
    X = check_features(X)
    labels = check_labels(y, min_classes=2)
    check_consistent_length(X, labels.codes)
    codes = labels.codes.astype(np.intp)
    named = {"class_margins": class_margins, "class_scales": class_scales}
    numbers = {name: check_class_numbers(name, given, labels.labels) for name, given in named.items()}
    counts = np.bincount(codes, minlength=labels.n_classes)
    weights = class_weights(class_weight, labels.labels, counts)
    rows = None if sample_weight is None else check_sample_weight(sample_weight, X.shape[0])
    given = [*numbers.values(), weights, rows]
    if adjustment is not None and any(one is not None for one in given):
        raise UsageError(
            "either an adjustment or single numbers per class are needed, but got both; put all into the adjustment"
        )
    if adjustment is None:
        adjustment = Adjustment(
            margins=numbers["class_margins"],
            scales=numbers["class_scales"],
            class_weights=weights,
            sample_weights=rows,
        )
    objective = LinearObjective(
        template,
        X.tocsr() if is_sparse(X) else np.ascontiguousarray(X, dtype=float),
        codes,
        labels.n_classes,
        adjustment=adjustment,
        fit_intercept=bool(fit_intercept),
    )
    return Question(objective, labels.labels, template.name)


def class_weights(given: Any, classes: NDArray[Any], counts: NDArray[Any]) -> NDArray[np.float64] | None:
    """Return one weight per class; "balanced" makes the total weights of the classes equal.

    Raises
    ------
    UsageError
        If it is another word, or no positive number for each class.
    """
    if not isinstance(given, str):
        return check_class_numbers("class_weight", given, classes)
    if given != "balanced":
        raise UsageError(
            f'class_weight needs "balanced", a number for each class or None, but got {given!r}; use "balanced"'
        )
    return np.asarray(balanced_weights(counts).class_weights)
