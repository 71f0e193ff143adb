"""Probabilities that were trained under other class shares, turned back to those of the rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from marginscope.diagnosis.folds import Design
from marginscope.diagnosis.trials import Trial
from marginscope.remedies.shares import TrainsUnderOtherShares

__all__ = ["correct_prior", "prior_corrected"]

Floats = NDArray[np.float64]


def correct_prior(proba: Floats, shares: Floats, trained: Floats) -> Floats:
    """Return probabilities of a population with other class shares.

        p_k proportional to p'_k pi_k / pi'_k

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
        p', under the shares pi' of the training.
    shares, trained : ndarray of shape (n_classes,)
        pi and pi'; a class with pi' = 0 keeps probability 0.

    Notes
    -----
    Saerens, Latinne and Decaestecker (2002); exact where only the shares differ, and the
    probabilities under pi' are right.
    """
    factors = np.where(trained > 0, shares / np.where(trained > 0, trained, 1.0), 0.0)
    corrected = proba * factors
    total = corrected.sum(axis=1, keepdims=True)
    # What was certain of a class that is not expected here has nothing to be divided by.
    return np.where(total > 0, corrected / np.where(total > 0, total, 1.0), proba)


def prior_corrected(trial: Trial, design: Design, codes: NDArray[np.int64], remedy: TrainsUnderOtherShares) -> Trial:
    """Return the trial with the probabilities of every split turned back to the shares of its training rows."""
    if trial.proba is None:
        return trial
    proba = trial.proba.copy()
    n_classes = proba.shape[2]
    for split in design.splits:
        # Given answers have one repeat, whatever the splits of the refits are.
        repeat = min(split.repeat, proba.shape[0] - 1)
        counts = np.bincount(codes[split.train], minlength=n_classes)
        rows = split.test[trial.predicted[repeat, split.test] >= 0]
        before = trial.proba[repeat, rows].astype(float)
        proba[repeat, rows] = correct_prior(before, counts / counts.sum(), remedy.trained_shares(counts))
    return replace(trial, proba=proba)
