"""Intervals of recalls and of paired recall changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

__all__ = ["Z95", "balanced_interval", "mean_interval", "paired_interval", "simultaneous_z", "wilson_interval"]

Z95 = float(norm.ppf(0.975))


def simultaneous_z(n_comparisons: int, level: float = 0.95) -> float:
    """Normal quantile at which all of ``n_comparisons`` intervals hold together (Bonferroni)."""
    return float(norm.ppf(1 - (1 - level) / (2 * max(1, n_comparisons))))


def wilson_interval(successes: float, n: int, z: float = Z95) -> tuple[float, float]:
    """Compute the score interval of a proportion.

    (p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)

    Notes
    -----
    Wilson (1927). ``successes`` may be fractional: a row that was scored in
    several repeats of cross-validation counts with its mean.
    """
    if n == 0:
        return 0.0, 1.0
    p = successes / n
    centre = p + z * z / (2 * n)
    spread = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # At the ends the formula is exact and its rounding is not.
    low = 0.0 if successes <= 0 else max(0.0, (centre - spread) / scale)
    high = 1.0 if successes >= n else min(1.0, (centre + spread) / scale)
    return float(low), float(high)


def paired_interval(differences: ArrayLike, z: float = Z95) -> tuple[float, float]:
    """Compute the adjusted Wald interval of a paired change of a proportion.

    Two pseudo-rows, one better and one worse, join the rows; then mean +- z se.

    Parameters
    ----------
    differences : array-like of shape (n_rows,)
        Per row: correct after minus correct before, in [-1, 1]; fractions where
        a row was scored in several repeats.

    Notes
    -----
    Bonett and Price (2012), who add one to both discordant cells of the 2 x 2
    table; in the differences these are the two pseudo-rows.
    """
    extended = np.append(np.asarray(differences, dtype=float), (1.0, -1.0))
    mean = extended.mean()
    spread = z * np.sqrt(extended.var() / extended.size)
    return float(max(-1.0, mean - spread)), float(min(1.0, mean + spread))


def mean_interval(means: NDArray[np.float64], variances: NDArray[np.float64], z: float = Z95) -> tuple[float, float]:
    """Interval of the mean of independent means with the given variances."""
    spread = z * np.sqrt(variances.sum()) / means.size
    return float(means.mean() - spread), float(means.mean() + spread)


def balanced_interval(groups: Sequence[NDArray[np.float64]], z: float = Z95) -> tuple[float, float]:
    """Compute the adjusted Wald interval of the mean over classes of paired changes.

    Parameters
    ----------
    groups : sequence of ndarray
        Per class the changes of its rows, as for ``paired_interval``.

    Notes
    -----
    A class of a few rows that all go one way has no spread of its own. So four pseudo-rows are
    shared out among the classes, two for better and two for worse, but each class gets at most
    one of either (Price and Bonett 2004, for linear functions of proportions; for one class
    it is the interval of Bonett and Price 2012).
    """
    weight = min(1.0, 2.0 / len(groups))
    sizes = np.array([group.size for group in groups]) + 2 * weight
    means = np.array([group.sum() for group in groups]) / sizes
    squares = (np.array([(group**2).sum() for group in groups]) + 2 * weight) / sizes
    return mean_interval(means, (squares - means**2) / sizes, z)
