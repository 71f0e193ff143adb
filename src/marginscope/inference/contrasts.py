"""Weighted sums of coefficients that no gauge changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from marginscope._validation import look_up
from marginscope.exceptions import UsageError
from marginscope.inference.estimate import Estimate
from marginscope.inference.gauge_choice import INTERCEPT, class_code

__all__ = ["Contrast", "class_vector", "feature_vector", "make_contrast"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Contrast:
    """A contrast with its standard error, its Wald test of zero and its interval."""

    name: str
    estimate: float
    std_err: float
    z: float
    p_value: float
    interval: tuple[float, float]

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.name}: {self.estimate:.4g} ({low:.4g} to {high:.4g}), standard error {self.std_err:.4g}"


def class_vector(weights: Mapping[Any, float], classes: NDArray[Any]) -> Floats:
    """Return a number for each class; they sum to zero.

    Raises
    ------
    UsageError
        If they do not, are all zero, or a label is unknown.
    """
    a = np.zeros(len(classes))
    for label, number in weights.items():
        a[class_code(label, classes)] += float(number)
    if not np.all(np.isfinite(a)) or not a.any() or abs(a.sum()) > 1e-12 * np.abs(a).sum():
        raise UsageError(
            f"numbers of classes that sum to zero are needed, but got {dict(weights)!r:.80}, which depends on the "
            "gauge; weigh classes against each other, such as {'a': 1, 'b': -1}"
        )
    return a


def feature_vector(features: str | Mapping[str, float], names: tuple[str, ...], *, fit_intercept: bool) -> Floats:
    """Return a number for each feature and the intercept.

    Raises
    ------
    UsageError
        If a name is unknown, or all numbers are zero.
    """
    places = {name: j for j, name in enumerate((*names, INTERCEPT) if fit_intercept else names)}
    f = np.zeros(len(names) + 1)
    for name, number in ({features: 1.0} if isinstance(features, str) else dict(features)).items():
        f[look_up("feature", name, places)] += float(number)
    if not np.all(np.isfinite(f)) or not f.any():
        raise UsageError(f"a feature with a number other than zero is needed, but got {features!r:.80}; name one")
    return f


def make_contrast(
    estimate: Estimate, a: Floats, f: Floats, level: float, classes: Mapping[Any, float], features: Any
) -> Contrast:
    """Return the contrast sum_kj a_k f_j table_kj.

    Raises
    ------
    UsageError
        If the table does not determine it.
    """
    if not estimate.likelihood.design.determines(f[None, :])[0]:
        raise UsageError(
            f"a sum of coefficients that the table determines is needed, but {features!r:.80} is none, since columns "
            "are constant or depend on each other; drop one of them, or weigh them as they depend"
        )
    value, variance = estimate.of_functional(a, f)
    error = float(np.sqrt(max(variance, 0.0)))
    z = value / error
    reach = float(ndtri(0.5 + 0.5 * level)) * error
    name = f"{_words(classes)} on {features if isinstance(features, str) else _words(features)}"
    return Contrast(name, value, error, z, float(2.0 * ndtr(-abs(z))), (value - reach, value + reach))


def _words(weights: Mapping[Any, float]) -> str:
    """Write a weighted sum, such as "a - b" or "0.5 a + 0.5 b - c"."""
    text = ""
    for label, number in weights.items():
        size = "" if abs(number) == 1 else f"{abs(number):g} "
        sign = "- " if number < 0 else "+ "
        text += f"{' ' if text else ''}{sign}{size}{label}"
    return text.removeprefix("+ ")
