"""The standard error of a difference of two scores on the same rows.

The infinitesimal jackknife (Jaeckel 1972): with dG/dw_i what one more row like row i would
add to the gain G, the variance is sum_i w_i (dG/dw_i)^2. Rows with the same true class and
the same two decisions have the same derivative, so there is one for each such cell.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marginscope.estimators.count_scores import CountScore, score_of_decisions

__all__ = ["gain_error"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

# of the weight of a mean row
_STEP = 1e-4


def gain_error(before: Codes, after: Codes, codes: Codes, weights: Floats, n_classes: int, score: CountScore) -> float:
    """Return the standard error of score(after) - score(before); a row of weight k counts as k rows.

    Parameters
    ----------
    before, after : (n_rows,) predicted class codes
    codes : (n_rows,) class codes
    weights : (n_rows,) array
    n_classes : int
    score : callable
        Of hits, predictions and rows of every class.
    """
    shape = (n_classes,) * 3
    cells, where = np.unique(np.ravel_multi_index((codes, before, after), shape), return_inverse=True)
    mass = np.bincount(where, weights=weights).astype(float)
    own, first, second = np.unravel_index(cells, shape)

    def gain(masses: Floats) -> float:
        first_score, second_score = (
            score_of_decisions(chosen, own, masses, n_classes, score) for chosen in (first, second)
        )
        return second_score - first_score

    step = _STEP * float(weights.sum()) / len(codes)
    variance = 0.0
    for c in range(len(cells)):
        change = np.zeros(len(cells))
        change[c] = min(step, 0.5 * mass[c])
        slope = (gain(mass + change) - gain(mass - change)) / (2.0 * change[c])
        variance += float(mass[c]) * slope**2
    return float(np.sqrt(variance))
