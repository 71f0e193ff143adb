"""The shortest vector that all rows have at least one of: a max margin by non-negative least squares.

    min ||w||  subject to  Z w >= 1
    r = E u - f,  E = [Z'; 1'],  f = (0, .., 0, 1),  u = argmin { ||E u - f|| : u >= 0 },  w = -r[:-1] / r[-1]

An active-set method that shares no line with the solvers of the package.
"""

from __future__ import annotations

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

__all__ = ["shortest_separator"]

Floats = NDArray[np.float64]

_NO_RESIDUAL = 1e-10


def shortest_separator(rows: Floats) -> Floats | None:
    """Return the w of least norm with all products at least one, or None if there is none.

    Parameters
    ----------
    rows : (n_rows, n_entries) array
        Of two classes: x_i times the sign of its class.

    Returns
    -------
    (n_entries,) array or None

    References
    ----------
    Lawson & Hanson, Solving Least Squares Problems (1974), chapter 23, problem LDP.
    """
    E = np.vstack([rows.T, np.ones(len(rows))])
    f = np.zeros(len(E))
    f[-1] = 1.0
    u, _ = scipy.optimize.nnls(E, f, maxiter=100 * len(rows))
    # the active columns again, by an orthogonal factorisation
    active = u > 0.0
    if not active.any():
        return None
    u[active] = np.linalg.lstsq(E[:, active], f, rcond=None)[0]
    residual = E @ u - f
    if float(np.linalg.norm(residual)) < _NO_RESIDUAL:
        return None
    return np.asarray(-residual[:-1] / residual[-1])
