"""What a remedy costs in probabilities: log-loss and calibration."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from marginscope.diagnosis.intervals import Z95
from marginscope.diagnosis.trials import Trial, merge_codes

__all__ = ["calibration_error", "log_loss", "log_loss_interval", "probability_changes"]

_N_BINS = 15
_LEAST = 1e-15


def log_loss(proba: NDArray[np.float64], codes: NDArray[np.int64]) -> float:
    """Compute the mean of -log p(true class)."""
    return float(_row_losses(proba, codes).mean())


def _row_losses(proba: NDArray[np.float64], codes: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(-np.log(np.maximum(proba[np.arange(codes.size), codes], _LEAST)))


def calibration_error(proba: NDArray[np.float64], codes: NDArray[np.int64]) -> float:
    """Compute the mean gap between confidence and accuracy of the predicted class, over 15 equal bins.

    Notes
    -----
    Expected calibration error of Naeini, Cooper and Hauskrecht (2015), top label.
    """
    confidence, right = proba.max(axis=1), proba.argmax(axis=1) == codes
    bins = np.minimum((confidence * _N_BINS).astype(int), _N_BINS - 1)
    gaps = np.bincount(bins, weights=right - confidence, minlength=_N_BINS)
    return float(np.abs(gaps).sum() / codes.size)


def probability_changes(
    base: Trial, other: Trial, codes: NDArray[np.int64], merges: Mapping[int, int] | None
) -> tuple[float | None, float | None]:
    """Return the change of log-loss and of calibration error, ``None`` where either model gives no probabilities."""
    before, after = base.mean_proba(), other.mean_proba()
    if before is None or after is None:
        return None, None
    rows = (base.predicted >= 0).any(axis=0) & (other.predicted >= 0).any(axis=0)
    target = merge_codes(codes, merges)[rows]
    return (
        log_loss(after[rows], target) - log_loss(before[rows], codes[rows]),
        calibration_error(after[rows], target) - calibration_error(before[rows], codes[rows]),
    )


def log_loss_interval(
    base: Trial, other: Trial, codes: NDArray[np.int64], merges: Mapping[int, int] | None
) -> tuple[float, float] | None:
    """Return the paired 95 % interval of the change of log-loss, ``None`` without probabilities of both."""
    before, after = base.mean_proba(), other.mean_proba()
    if before is None or after is None:
        return None
    rows = (base.predicted >= 0).any(axis=0) & (other.predicted >= 0).any(axis=0)
    target = merge_codes(codes, merges)[rows]
    change = _row_losses(after[rows], target) - _row_losses(before[rows], codes[rows])
    spread = Z95 * float(change.std()) / max(1, change.size) ** 0.5
    return float(change.mean()) - spread, float(change.mean()) + spread
