"""How far a homogeneous network is from a KKT point of its margin problem.

    min 1/2 ||theta||^2  subject to  u_ik(theta) >= 1,      theta = sum lambda_ik grad u_ik,  lambda >= 0

Scaled so that the smallest margin is 1, the residual is the least distance of theta to the cone of
the gradients of the pairs that are nearly smallest, relative to ||theta|| (Lyu & Li, ICLR 2020).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from marginscope.experiments.two_layer import TwoLayer, Weights
from marginscope.geometry.margins import all_pairs

__all__ = ["HomogeneousKkt", "homogeneous_kkt", "normalised_margin"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_DEGREE = 2


class HomogeneousKkt(NamedTuple):
    """Relative residual, number of pairs with a multiplier, and ``excess`` sum lambda (u - 1) / ||theta||^2."""

    residual: float
    n_pairs: int
    excess: float


def normalised_margin(network: TwoLayer, weights: Weights, X: Floats, y: Codes) -> float:
    """Return min u_ik / ||theta||^2."""
    return float(_pair_margins(network, weights, X, y).min() / (weights.flat() ** 2).sum())


def homogeneous_kkt(network: TwoLayer, weights: Weights, X: Floats, y: Codes, *, slack: float) -> HomogeneousKkt:
    """Return the residual with multipliers on the pairs of margin up to 1 + slack times the smallest.

    Infinite if a row is given to another class: there is no scale at which the constraints hold.
    """
    margins = _pair_margins(network, weights, X, y)
    smallest = float(margins.min())
    if not smallest > 0.0:
        return HomogeneousKkt(np.inf, 0, np.inf)
    scale = smallest ** (1.0 / _DEGREE)
    scaled = Weights(weights.hidden / scale, weights.output / scale)
    rows, rivals = np.nonzero(margins <= (1.0 + slack) * smallest)
    columns = network.pair_gradients(scaled, X[rows], y[rows], rivals).T
    theta = scaled.flat()
    multipliers, distance = scipy.optimize.nnls(columns, theta, maxiter=100 * columns.shape[1])
    excess = float(multipliers @ (margins[rows, rivals] / smallest - 1.0))
    return HomogeneousKkt(
        float(distance / np.linalg.norm(theta)), int((multipliers > 0.0).sum()), excess / float(theta @ theta)
    )


def _pair_margins(network: TwoLayer, weights: Weights, X: Floats, y: Codes) -> Floats:
    """Return u_ik, with plus infinity at the own class."""
    scores = network.scores(weights, X)
    margins = scores[np.arange(len(y)), y][:, None] - scores
    return np.where(all_pairs(y, scores.shape[1]), margins, np.inf)
