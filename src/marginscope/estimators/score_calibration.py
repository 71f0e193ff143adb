"""Probabilities from scores: softmax(slope v + bias), fitted on rows that the scores have not seen.

Temperature scaling with a bias for every class (Alexandari, Kundaje and Shrikumar 2020).
The targets are smoothed as Platt (1999) does, so that separable scores have a finite slope.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.optimize
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

__all__ = ["ScoreCalibration", "class_scores", "fit_calibration"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_TOL = 1e-10


@dataclass(frozen=True)
class ScoreCalibration:
    """Slope of the scores and bias of every class."""

    slope: float
    biases: tuple[float, ...]

    def probabilities(self, scores: Floats) -> Floats:
        """Return (n_samples, n_classes) probabilities."""
        return np.asarray(softmax(self.slope * scores + np.array(self.biases), axis=1))


def class_scores(decision: Floats) -> Floats:
    """Return one score per class for what a ``decision_function`` gives: two columns for a single one."""
    if decision.ndim == 2:
        return decision
    return np.column_stack([-0.5 * decision, 0.5 * decision])


def fit_calibration(scores: Floats, codes: Codes, weights: Floats | None = None) -> ScoreCalibration:
    """Minimise the log-loss of the smoothed targets over slope and biases.

    Parameters
    ----------
    scores : (n_samples, n_classes) array
    codes : (n_samples,) class codes
    weights : (n_samples,) array, optional
    """
    n, K = scores.shape
    omega = np.ones(n) if weights is None else weights
    mass = np.bincount(codes, weights=omega, minlength=K)
    # of a class of mass m the true class gets (m + 1) / (m + K), each rival 1 / (m + K)
    targets = np.repeat(1.0 / (mass[codes] + K)[:, None], K, axis=1)
    targets[np.arange(n), codes] *= mass[codes] + 1.0
    unit = float(np.sqrt((omega @ (scores - scores.mean(axis=1, keepdims=True)) ** 2).sum() / (omega.sum() * K)))
    Z = scores / unit if unit > 0.0 else scores
    total = float(omega.sum())

    def loss(theta: Floats) -> tuple[float, Floats]:
        logits = theta[0] * Z + theta[1:]
        logs = logits - logsumexp(logits, axis=1, keepdims=True)
        residual = (np.exp(logs) - targets) * omega[:, None]
        gradient = np.r_[(residual * Z).sum(), residual.sum(axis=0)]
        return float(-(omega @ (targets * logs).sum(axis=1))) / total, gradient / total

    found = scipy.optimize.minimize(
        loss,
        np.r_[1.0, np.zeros(K)],
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, None), *[(None, None)] * K],
        options={"gtol": _TOL, "ftol": 0.0, "maxiter": 1000},
    )
    biases = found.x[1:] - found.x[1:].mean()
    return ScoreCalibration(float(found.x[0] / unit if unit > 0.0 else found.x[0]), tuple(map(float, biases)))
