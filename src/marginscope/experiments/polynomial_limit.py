"""Where losses with a polynomial tail go on separable data: not to the largest margin.

    argmin { sum_ik u_ik(W)^-a : ||W||_F = 1 },    all u_ik > 0

With W = r V, ||V|| = 1, the least value over r of sum u^-a / a + ||W||^2 / 2 rises with
sum u(V)^-a, so the minimiser of this strictly convex function has the same direction.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from marginscope.exceptions import DataError

__all__ = ["polynomial_limit"]

Floats = NDArray[np.float64]

_MOST_STEPS = 200
_SMALLEST_DECREMENT = 1e-26
_ARMIJO = 0.25


def polynomial_limit(pairs: Floats, a: float, start: Floats) -> Floats:
    """Return the limit direction of descent on a loss that falls like sum u^-a.

        argmin { sum_m <z_m, w>^-a : ||w|| = 1 }

    Parameters
    ----------
    pairs : (n_pairs, n_entries) array
        Pair features z_m, flat.
    a : float
    start : (n_entries,) array
        Any w with all <z_m, w> > 0, such as the hard margin.

    Returns
    -------
    (n_entries,) array of norm one

    Raises
    ------
    DataError
        If the start does not separate the pairs.

    References
    ----------
    Ji, Dudik, Schapire & Telgarsky, COLT 2020: descent and the path of least norms have one direction.
    """
    u = pairs @ start
    if not np.all(u > 0.0):
        raise DataError(f"a start that separates all pairs is needed, but its least margin is {u.min():g}; solve it")
    # the best multiple of the start: r^(a + 2) = sum u^-a / ||w||^2
    w = start * (float((u**-a).sum()) / float(start @ start)) ** (1.0 / (a + 2.0))
    for _ in range(_MOST_STEPS):
        u = pairs @ w
        gradient = w - pairs.T @ u ** (-a - 1.0)
        hessian = np.eye(len(w)) + (pairs.T * ((a + 1.0) * u ** (-a - 2.0))) @ pairs
        step = -scipy.linalg.solve(hessian, gradient, assume_a="pos")
        decrement = -float(gradient @ step)
        if decrement <= _SMALLEST_DECREMENT * (1.0 + float(w @ w)):
            break
        w = w + _length(pairs, a, w, step, decrement) * step
    return np.asarray(w / np.linalg.norm(w))


def _length(pairs: Floats, a: float, w: Floats, step: Floats, decrement: float) -> float:
    """Return the largest 2^-n that keeps all margins positive and lowers the value enough."""

    def value(v: Floats) -> float:
        u = pairs @ v
        return float((u**-a).sum() / a + 0.5 * v @ v) if np.all(u > 0.0) else np.inf

    # below rounding a full step of Newton's method is right
    length, first = 1.0, value(w)
    room = 1e-14 * abs(first)
    while length > 1e-12 and not value(w + length * step) <= first - _ARMIJO * length * decrement + room:
        length *= 0.5
    return length
