"""Which losses a path can be followed for to any step, on which data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import CertificateError, DataError, NotSeparableError, UsageError
from marginscope.losses.template import Template
from marginscope.objectives import LinearObjective
from marginscope.solvers.separability import separability

__all__ = ["check_followed", "separable_pairs"]

Mask = NDArray[np.bool_]

_PROBES = (1.0, 10.0, 100.0, 1e4)
_TAILS_WITH_TIES = ("exponential",)


def check_followed(template: Template, n_classes: int) -> None:
    """Refuse losses with kinks, and those whose weights vanish or turn negative at large margins.

    Raises
    ------
    UsageError
    """
    need = "a path can be followed in log time for losses that fall smoothly in every margin"
    facts = template.facts
    if facts.smoothness == 0:
        raise UsageError(f"{need}, but {template.name} has kinks; use descend, or for example cross_entropy")
    margins = np.repeat(np.array(_PROBES)[:, None], n_classes - 1, axis=1)
    if facts.tail == "negative" or not np.all(template.weight_signs(margins) >= 0.0):
        raise UsageError(
            f"{need}, but {template.name} has its least value at finite margins and no limit at infinity; use descend, "
            "or for example cross_entropy"
        )
    if facts.tail == "zero" or not np.all(np.isfinite(template.log_weights(margins))):
        raise UsageError(
            f"{need}, but the gradient of {template.name} is zero once all margins are large enough, so descent stops "
            "there; use descend, or for example cross_entropy"
        )


def separable_pairs(objective: LinearObjective, W: NDArray[np.float64]) -> Mask | None:
    """Return the (n_samples, n_classes) mask of the separable pairs, or None if that is all of them.

    ``W`` may separate them already. Rows of weight zero count as separable: they move nothing.

    Raises
    ------
    NotSeparableError
        If the loss is none for which the limit of data with ties is known; ``certificate`` proves the ties.
    CertificateError
        If no status could be proved.
    DataError
        If a class has no row of positive weight.
    """
    rows = np.flatnonzero(objective.adjustment.log_sample_weights(objective.y) > -np.inf)
    y = objective.y[rows]
    if len(np.unique(y)) < objective.n_classes:
        raise DataError(
            "a row of positive weight is needed for every class, but some class has none; leave the class out"
        )
    scales = objective.adjustment.scales
    certificate = separability(
        objective.X[rows], y, fit_intercept=objective.fit_intercept, start=W if scales is None else scales[:, None] * W
    )
    if certificate.status == "complete":
        return None
    if certificate.status == "undecided":
        raise CertificateError(
            f"a proof of what can be separated is needed, but there is none ({certificate.reason}); rescale the columns"
        )
    facts = objective.template.facts
    if not (facts.convex and facts.tail in _TAILS_WITH_TIES):
        tied = certificate.n_pairs - int(certificate.separable_counts.sum())
        raise NotSeparableError(
            f"classes that linear scores separate completely are needed with {objective.template.name}, but "
            f"{tied:,} of {certificate.n_pairs:,} pairs of a row and another class tie "
            f"({certificate.status.replace('_', '-')}); see .certificate, or use cross_entropy or pair_logistic",
            certificate,
        )
    mask = np.ones((len(objective.y), objective.n_classes), dtype=bool)
    mask[rows] = certificate.separable_mask
    return mask
