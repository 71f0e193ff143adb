"""Class-dependent losses: one adjustment in front of any template.

    u_ik = (D_y v_y + i_y - c_y - D_k v_k - i_k) / m_y,    loss = omega_y omega_i psi(u_i)

    m  margins       what counts as margin 1 for the class
    D  scales        factors on the scores in training; prediction uses unscaled scores
    i  shifts        added to the scores, of the true class and of its rivals
    c  own_shifts    subtracted from the score of the true class only
    omega            weights of classes and of samples

Which of them move what is known and kept as data in ``Effects``: on separable data
weights and shifts multiply q_ik by constants, which shift the coefficients by a
bounded amount while their norm grows without bound. Margins and scales change the
constraints of the limit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marginscope.exceptions import UsageError
from marginscope.geometry.label_code import margins_of_scores

__all__ = [
    "MAKERS",
    "Adjustment",
    "Effects",
    "balanced_weights",
    "cdt",
    "class_balanced_weights",
    "class_margins",
    "ldam_margins",
    "logit_adjustment",
    "vs_loss",
]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


@dataclass(frozen=True)
class Effects:
    """What an adjustment changes.

    For linear scores and a template with the hard-margin limit.

    Attributes
    ----------
    path : bool
        The coefficients after finitely many steps.
    ridge_optimum : bool
        The optimum at a fixed ridge.
    max_margin_limit : bool
        The direction that descent on separable data tends to.
    """

    path: bool
    ridge_optimum: bool
    max_margin_limit: bool


@dataclass(frozen=True, eq=False)
class Adjustment:
    """Class-dependent margins, scales, shifts and weights.

    What is left out changes nothing.

    Parameters
    ----------
    margins, scales, class_weights : (n_classes,) array-like, optional
        Positive.
    shifts, own_shifts : (n_classes,) array-like, optional
    sample_weights : (n_samples,) array-like, optional
        Not negative; zero drops the row.

    Raises
    ------
    UsageError
        If one of them has another sign, is not finite, or they differ in length.
    """

    margins: Any = None
    scales: Any = None
    shifts: Any = None
    own_shifts: Any = None
    class_weights: Any = None
    sample_weights: Any = None

    def __post_init__(self) -> None:
        for name in ("margins", "scales", "shifts", "own_shifts", "class_weights", "sample_weights"):
            given = getattr(self, name)
            if given is not None:
                object.__setattr__(self, name, _checked(name, given))
        lengths = {name: len(one) for name, one in self._per_class().items()}
        if len(set(lengths.values())) > 1:
            raise UsageError(f"one number per class is needed, but got {lengths}; give all the same length")

    def adjusted_margins(self, scores: Floats, y: Codes) -> Floats:
        """Return u_ik of shape (n_samples, n_classes - 1), in label-code order."""
        moved = scores if self.scales is None else scores * self.scales
        moved = moved if self.shifts is None else moved + self.shifts
        margins = margins_of_scores(moved, y)
        if self.own_shifts is not None:
            margins -= self.own_shifts[y][:, None]
        if self.margins is not None:
            margins /= self.margins[y][:, None]
        return margins

    def log_sample_weights(self, y: Codes) -> Floats:
        """Return log(omega_y omega_i) of every row."""
        log_weights = np.zeros(len(y))
        if self.class_weights is not None:
            log_weights += np.log(self.class_weights)[y]
        if self.sample_weights is not None:
            with np.errstate(divide="ignore"):
                log_weights += np.log(self.sample_weights)
        return log_weights

    def on_rows(self, rows: Any, factor: float = 1.0) -> Adjustment:
        """Return the adjustment of some rows, given by numbers or a slice, with all their weights times a factor.

        A factor other than 1 needs numbers.
        """
        weights = self.sample_weights
        if weights is not None:
            return replace(self, sample_weights=factor * weights[rows])
        return self if factor == 1.0 else replace(self, sample_weights=np.full(len(rows), factor))

    @property
    def effects(self) -> Effects:
        """What this adjustment changes."""
        weights = [one for one in (self.class_weights, self.sample_weights) if one is not None]
        factors = [one for one in (self.margins, self.scales) if one is not None]
        moves = any(np.any(one != 1.0) for one in [*weights, *factors])
        moves |= self.own_shifts is not None and bool(np.any(self.own_shifts != 0.0))
        # a shift common to all classes cancels in every margin
        moves |= self.shifts is not None and bool(np.ptp(self.shifts) > 0.0)
        # a dropped row may have been a support vector
        limit = any(np.ptp(one) > 0.0 for one in factors) or any(np.any(one == 0.0) for one in weights)
        return Effects(path=moves, ridge_optimum=moves, max_margin_limit=limit)

    def check_shapes(self, n_samples: int, n_classes: int) -> None:
        """Raise ``UsageError`` where the lengths do not fit the data."""
        for name, one in self._per_class().items():
            if len(one) != n_classes:
                raise UsageError(
                    f"{name} needs one number for each of the {n_classes} classes, but got {len(one)}; "
                    "give them in the order of the classes"
                )
        if self.sample_weights is not None and len(self.sample_weights) != n_samples:
            raise UsageError(
                f"sample_weights needs one number for each of the {n_samples} rows, but got "
                f"{len(self.sample_weights)}; give one per row"
            )

    def _per_class(self) -> dict[str, Floats]:
        named = ("margins", "scales", "shifts", "own_shifts", "class_weights")
        return {name: getattr(self, name) for name in named if getattr(self, name) is not None}


def _checked(name: str, given: ArrayLike) -> Floats:
    values = np.array(given, dtype=float)
    need = "finite numbers"
    valid = values.ndim == 1 and values.size > 0 and bool(np.all(np.isfinite(values)))
    if name in ("margins", "scales", "class_weights"):
        need, valid = "positive finite numbers", valid and bool(np.all(values > 0.0))
    elif name == "sample_weights":
        need, valid = "finite numbers that are not negative", valid and bool(np.all(values >= 0.0))
    if not valid:
        raise UsageError(f"{name} needs a list of {need}, but got {given!r}; leave it out to change nothing")
    values.flags.writeable = False
    return values


def balanced_weights(counts: ArrayLike) -> Adjustment:
    """Weight every class by N / (K n_y).

    All classes then have the same total weight (King and Zeng 2001).
    """
    n = _counts(counts)
    return Adjustment(class_weights=n.sum() / (len(n) * n))


def class_balanced_weights(counts: ArrayLike, beta: float = 0.9999) -> Adjustment:
    """Weight every class by (1 - beta) / (1 - beta^n_y), divided by their mean.

    The effective number of samples (Cui, Jia, Lin, Song and Belongie 2019).
    """
    if not 0.0 <= beta < 1.0:
        raise UsageError(f"beta needs to be at least 0 and below 1, but got {beta!r}; use balanced_weights for 1")
    weights = (1.0 - beta) / -np.expm1(_counts(counts) * np.log(beta)) if beta > 0.0 else np.ones(len(_counts(counts)))
    return Adjustment(class_weights=weights / weights.mean())


def logit_adjustment(counts: ArrayLike, tau: float = 1.0) -> Adjustment:
    """Shift the scores in training by i_k = tau log(n_k / N).

    Consistent for the balanced error at tau = 1 (Menon et al. 2021); with tau = 1
    also the balanced softmax (Ren et al. 2020).
    """
    n = _counts(counts)
    return Adjustment(shifts=tau * np.log(n / n.sum()))


def ldam_margins(counts: ArrayLike, largest: float = 0.5) -> Adjustment:
    """Subtract c_y = largest (n_min / n_y)^(1/4) from the score of the true class.

    Label-distribution-aware margins (Cao, Wei, Gaidon, Arechiga and Ma 2019), on scores
    that are not normalised.
    """
    n = _counts(counts)
    return Adjustment(own_shifts=largest * (n.min() / n) ** 0.25)


def cdt(counts: ArrayLike, gamma: float = 0.3) -> Adjustment:
    """Scale the scores in training by D_k = (n_k / n_max)^gamma.

    Class-dependent temperatures (Ye, Chen, Zhan and Chao 2020); the limit is
    min ||W|| with <D_y w_y - D_k w_k, x_i> >= 1.
    """
    n = _counts(counts)
    return Adjustment(scales=(n / n.max()) ** gamma)


def vs_loss(counts: ArrayLike, gamma: float = 0.3, tau: float = 1.0) -> Adjustment:
    """Scale by D_k = (n_k / n_max)^gamma and shift by i_k = tau log(n_k / N).

    Vector scaling (Kini, Paraskevas, Oymak and Thrampoulidis 2021).
    """
    return Adjustment(scales=cdt(counts, gamma).scales, shifts=logit_adjustment(counts, tau).shifts)


def class_margins(margins: ArrayLike) -> Adjustment:
    """Divide the margins of class y by m_y.

    The limit is min ||W|| with <w_y - w_k, x_i> >= m_y: training on x_i / m_y.
    """
    return Adjustment(margins=margins)


def _counts(counts: ArrayLike) -> Floats:
    n = np.asarray(counts, dtype=float)
    if n.ndim != 1 or n.size < 2 or not np.all((n > 0.0) & np.isfinite(n)):
        raise UsageError(
            f"a positive number of rows for each of two or more classes is needed, but got {counts!r}; "
            "count the rows of every class"
        )
    return n


MAKERS: tuple[Callable[..., Adjustment], ...] = (
    balanced_weights,
    class_balanced_weights,
    logit_adjustment,
    ldam_margins,
    cdt,
    vs_loss,
    class_margins,
)
