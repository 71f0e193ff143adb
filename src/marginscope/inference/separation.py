"""Which parameters have no finite value in a gauge, and the refusal that says so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.certificates.separability import SeparabilityCertificate
from marginscope.exceptions import SeparatedError
from marginscope.geometry.gauge import change_gauge
from marginscope.inference.gauge_choice import INTERCEPT

__all__ = ["infinite_parameters", "infinite_signs", "refusal"]

_SHOWN = 6


def infinite_signs(certificate: SeparabilityCertificate, reference: int | None) -> NDArray[np.int8] | None:
    """Return (n_classes, n_features + 1) signs in a gauge, 0 where finite.

    They are those of the max-margin direction of the separable part; ``None`` if it could
    not be found.
    """
    if certificate.infinite is None or certificate.max_margin is None:
        return None
    # the direction sums to zero over the classes; another gauge is another set of differences of its rows
    found = certificate.max_margin
    intercept = None if found.intercept is None else change_gauge(found.intercept, reference)
    coef, signs = replace(found, coef=change_gauge(found.coef, reference), intercept=intercept).signs()
    last = np.zeros(len(coef), dtype=np.int8) if signs is None else signs
    return np.column_stack([coef, last])


def infinite_parameters(
    certificate: SeparabilityCertificate, names: tuple[str, ...], reference: int | None
) -> tuple[tuple[Any, str, int], ...]:
    """Return the parameters without a finite value as (label, feature, sign)."""
    signs = infinite_signs(certificate, reference)
    if signs is None:
        return ()
    labels, columns = certificate.classes.tolist(), (*names, INTERCEPT)
    return tuple((labels[k], columns[j], int(signs[k, j])) for k, j in np.argwhere(signs))


def refusal(certificate: SeparabilityCertificate, names: tuple[str, ...], reference: int | None) -> SeparatedError:
    """Return the error that refuses standard errors on separable data."""
    infinite = infinite_parameters(certificate, names, reference)
    kind = "completely" if certificate.status == "complete" else "quasi-completely"
    shown = ", ".join(f"{label} on {name} ({'+' if sign > 0 else '-'})" for label, name, sign in infinite[:_SHOWN])
    more = f" and {len(infinite) - _SHOWN} more" if len(infinite) > _SHOWN else ""
    which = f"{shown}{more}" if infinite else certificate.infinite_reason.rstrip(".")
    return SeparatedError(
        f"overlapping classes are needed for standard errors, but the rows are {kind} separable (see .certificate) and "
        f"these parameters have no finite value: {which}; use on_separation='ratios' for likelihood ratios, which "
        "stay finite, penalise the model, or merge classes",
        certificate,
        infinite,
    )
