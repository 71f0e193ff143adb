"""Whether the numbers of a separability certificate prove its status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from marginscope.certificates import exact_proof, float_proof
from marginscope.geometry.margins import all_pairs

if TYPE_CHECKING:
    from marginscope.certificates.separability import SeparabilityCertificate

__all__ = ["proves", "separable_counts"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]


def proves(certificate: SeparabilityCertificate, X: Any, y: Codes, *, exact: bool) -> bool:
    """Check a certificate against finite features and class codes."""
    K = len(certificate.classes)
    pairs, separable = all_pairs(y, K), certificate.separable_mask
    if np.any(separable & ~pairs) or not _counts_agree(certificate, y, separable):
        return False
    if certificate.status == "complete":
        if not _has_direction(certificate) or not np.all(separable == pairs):
            return False
        check = exact_proof.exact_positive if exact else float_proof.positive
        assert certificate.direction is not None
        return check(X, y, certificate.direction, certificate.intercept_direction, pairs)
    quasi = certificate.status == "quasi_complete"
    tied = pairs & ~separable
    if quasi != bool(separable.any()) or not tied.any() or (quasi and not _has_direction(certificate)):
        return False
    weights = _weights(certificate, tied)
    if weights is None:
        return False
    if exact:
        return exact_proof.exact_tied_part(
            X,
            y,
            tied,
            weights,
            direction=_full_direction(certificate) if quasi else None,
            fit_intercept=certificate.fit_intercept,
            separable=separable,
        )
    direction = None
    if quasi:
        assert certificate.direction is not None
        direction = certificate.direction, certificate.intercept_direction
        if not float_proof.tied(X, y, *direction, tied):
            return False
    return float_proof.balanced(X, y, weights, tied, fit_intercept=certificate.fit_intercept, direction=direction)


def separable_counts(y: Codes, separable: Mask) -> NDArray[np.int64]:
    """Count the separable pairs by own class (rows) and rival (columns)."""
    K = separable.shape[1]
    counts = np.zeros((K, K), dtype=np.int64)
    np.add.at(counts, y, separable.astype(np.int64))
    return counts


def _counts_agree(certificate: SeparabilityCertificate, y: Codes, separable: Mask) -> bool:
    K = len(certificate.classes)
    rows = np.asarray(certificate.class_rows)
    counts = np.asarray(certificate.separable_counts)
    if rows.shape != (K,) or counts.shape != (K, K):
        return False
    return bool(np.all(rows == np.bincount(y, minlength=K)) and np.all(counts == separable_counts(y, separable)))


def _has_direction(certificate: SeparabilityCertificate) -> bool:
    K, coef, intercept = len(certificate.classes), certificate.direction, certificate.intercept_direction
    if coef is None or coef.shape != (K, certificate.n_features) or not np.all(np.isfinite(coef)):
        return False
    if intercept is None:
        return not certificate.fit_intercept
    return certificate.fit_intercept and intercept.shape == (K,) and bool(np.all(np.isfinite(intercept)))


def _weights(certificate: SeparabilityCertificate, tied: Mask) -> Floats | None:
    """Return the multipliers if they are positive on the tied pairs and zero elsewhere."""
    if certificate.multipliers is None or certificate.multipliers.shape != tied.shape:
        return None
    weights = np.asarray(certificate.multipliers.toarray(), dtype=float)
    if not np.all(np.isfinite(weights)) or not np.all(weights[tied] > 0) or np.any(weights[~tied] != 0):
        return None
    return weights


def _full_direction(certificate: SeparabilityCertificate) -> Floats:
    assert certificate.direction is not None
    if certificate.intercept_direction is None:
        return certificate.direction
    return np.column_stack([certificate.direction, certificate.intercept_direction])
